/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap: what kubeadm's documents are told of a cluster that runs already.
 *
 * Real values are the server's to give, for one node and one attempt. Whoever only shows or checks
 * documents takes placeholders of the same form.
 */
#ifndef CLOUDSEED_RENDER_BOOTSTRAP_H
#define CLOUDSEED_RENDER_BOOTSTRAP_H

#include "model/node.h"

struct bootstrap_values {
    struct str endpoint;         /* of the API server: "api.lab.home.arpa:6443" */
    struct str token;            /* "abcdef.0123456789abcdef"; empty: none */
    const struct str *ca_hashes; /* "sha256:" and 64 hexadecimal digits */
    uint32_t ca_hashes_n;
    struct str certificate_key; /* 64 hexadecimal digits, for masters; empty: none */
};

/* What a template sees as `bootstrap`: of the document that begins the cluster, or of one that
 * joins it. NULL takes placeholders. */
struct value bootstrap_value(const struct node *n, bool init, const struct bootstrap_values *values,
                             struct arena *a);

#endif
