/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census: how many nodes of each role and cluster are in which state.
 *
 * The numbers are kept: by one when the fleet says that a node is in another state, and with
 * another snapshot by the nodes that are not the same in it, which a thread has found
 * (snapshot_compare).
 */
#ifndef CLOUDSEED_CORE_CENSUS_H
#define CLOUDSEED_CORE_CENSUS_H

#include "core/snapshot.h"
#include "fleet/fleet.h"

struct census;

/* Counts all nodes. */
struct census *census_new(struct fleet *f, const struct snapshot *first);
/* NULL is fine. */
void census_free(struct census *c);

/* `next` replaces the snapshot that was given before, which is still there. */
void census_replace(struct census *c, const struct snapshot *next);

/* The numbers of one role and cluster. Those beyond the CENSUS_MAX-th are counted together, with
 * "*" for both. */
#define CENSUS_MAX 256
struct census_group {
    struct str role, cluster; /* cluster: empty: none */
    uint32_t nodes[STATE_COUNT];
};
/* NULL behind the last. */
const struct census_group *census_at(const struct census *c, uint32_t i);

#endif
