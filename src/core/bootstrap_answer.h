/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap_answer: the answer 200 to a node that asks what to do (docs/formats/bootstrap.md).
 *
 * Renders kubeadm's configuration, the sealed files of the node's role and the addons of its
 * cluster with the values of secrets, and writes them as JSON. Who is answered, and by what token,
 * was decided before.
 */
#ifndef CLOUDSEED_CORE_BOOTSTRAP_ANSWER_H
#define CLOUDSEED_CORE_BOOTSTRAP_ANSWER_H

#include "fleet/cluster.h"
#include "port/exchange.h"
#include "render/document.h"

struct bootstrap_answer {
    enum cluster_verdict action; /* CLUSTER_DO_INIT or _JOIN, of a role with a template for kubeadm,
                                    or CLUSTER_DO_NONE */
    int64_t expires_wall_ms;     /* without the fraction of a second */
    struct bootstrap_values values; /* not of CLUSTER_DO_NONE */
    bool with_files;                /* the sealed files of its role */
};

/* Answers the exchange, which must be secret. If a document cannot be made, 503: the node asks
 * again, and the log gets the place in the template, which is returned; else empty. */
struct request_ctx;
struct str bootstrap_answer(struct exchange *x, const struct request_ctx *rq,
                            const struct bootstrap_answer *what);

#endif
