/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig: how to reach a cluster's API server, and as whom.
 *
 * Pure: it reads no other file. What would weaken the connection, or run a program, is refused; so
 * is what nodes that join would not have: proxies and other names for TLS.
 */
#ifndef CLOUDSEED_CLI_CLUSTER_KUBECONFIG_H
#define CLOUDSEED_CLI_CLUSTER_KUBECONFIG_H

#include "base/arena.h"
#include "base/err.h"

#define KUBECONFIG_MAX_BYTES ((size_t)1024 * 1024)

/* As a text in the file, or the path of a file, relative to the kubeconfig's folder. */
struct kubeconfig_part {
    struct str text, file; /* one of them, or none: empty */
};

struct kubeconfig {
    struct str context;
    struct str server; /* "https://HOST:PORT" */
    struct kubeconfig_part ca;
    struct kubeconfig_part certificate, key; /* both or neither */
    struct kubeconfig_part token;
};

/* Of the context of that name, or the current one where it is NULL. `name` is the file's, for
 * messages. -EINVAL with one line that quotes no secret. Texts live in the arena, which must be
 * secret. */
int kubeconfig_read(const char *name, struct str text, const char *context, struct arena *a,
                    struct kubeconfig *ret, struct err *e);

/* What the ConfigMap kube-public/cluster-info tells nodes that join: a kubeconfig of one cluster,
 * without users. */
int kubeconfig_read_cluster_info(struct str text, struct arena *a, struct str *ret_server,
                                 struct str *ret_ca, struct err *e);

#endif
