/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watching: what the clusters say of their nodes, and ask for them.
 *
 * The nodes of each declared cluster that stands are followed, and changes are reported to the
 * fleet: that a node is Ready, is not any more, or has gone. In a hardened cluster the kubelets'
 * requests for certificates are approved (approving.h). A cluster that is reset is let go.
 */
#ifndef CLOUDSEED_CORE_WATCHING_H
#define CLOUDSEED_CORE_WATCHING_H

#include "model/node.h"
#include "port/approver.h"
#include "port/exchange.h"
#include "port/nodewatch.h"

struct core;
struct watchings;

/* Follows none where the core's host has no port for it. */
struct watchings *watchings_new(struct core *c);
/* Exchanges that waited have ended. NULL is fine. */
void watchings_free(struct watchings *all);

/* There is another snapshot. */
void watchings_look(struct watchings *all);
/* The node's record has changed, and its cluster may have it as Ready already. */
void watchings_look_at(struct watchings *all, const struct node *n);

/* What its cluster shows of the node, until the loop turns; false: it does not know it, or is not
 * followed. */
bool watchings_find(const struct watchings *all, const struct node *n, struct nodewatch_node *ret);
/* Why the cluster's nodes are not followed now; NULL: they are. */
const char *watchings_trouble(const struct watchings *all, struct str cluster);

/* NULL: nothing is approved in that cluster, for the reason in *ret_trouble, or by us at all
 * (NULL).
 */
const struct approver *watchings_approver(const struct watchings *all, struct str cluster,
                                          const char **ret_trouble);

enum watching_end {
    WATCHING_CLEAR,  /* the cluster has no Ready node of that name */
    WATCHING_READY,  /* it has one */
    WATCHING_UNKNOWN /* its nodes could not be listed */
};

/* `return watching_await_clear(…)`: goes on with `then` once no Ready node has the name, or after
 * so many heartbeats: a machine that was switched off counts as Ready for 40 s more. `reason` is
 * one line, of WATCHING_UNKNOWN. */
typedef enum exchange_verdict watching_then(struct exchange *x, void *state, enum watching_end end,
                                            struct str reason);
enum exchange_verdict watching_await_clear(struct exchange *x, struct watchings *all,
                                           const struct node *n, unsigned beats,
                                           watching_then *then, void *state);

#endif
