/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approving: what a cluster's approver learns of nodes, and what becomes of its news.
 *
 * What it has approved is an event of the node, what stays pending an alarm; a request that is for
 * none of the cluster's nodes is an event of the cluster, of which there are only a few at a time:
 * anyone with a token can send any number of requests.
 */
#ifndef CLOUDSEED_CORE_APPROVING_H
#define CLOUDSEED_CORE_APPROVING_H

#include "port/approver.h"

struct core;

/* The events of a cluster within some minutes. */
struct approving_quota {
    uint64_t began_boot_ms;
    uint32_t used;
};

/* False: the cluster is to have no such node. */
bool approving_look_up(struct core *c, struct str cluster, struct str name, struct arena *a,
                       struct approver_node *ret);
/* Tells the fleet what is new. */
void approving_take(struct core *c, struct str cluster, uint32_t epoch, struct approver *p,
                    struct approving_quota *quota);

#endif
