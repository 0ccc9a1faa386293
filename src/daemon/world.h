/* SPDX-License-Identifier: Apache-2.0 */
/* world: everything that a snapshot is made of: what is read from disk, and the nodes that were
 * registered. */
#ifndef CLOUDSEED_DAEMON_WORLD_H
#define CLOUDSEED_DAEMON_WORLD_H

#include "config/config.h"
#include "core/snapshot.h"
#include "fleet/fleet.h"

/* Registered nodes as the fleet has them, copied for a thread that must not look there. */
struct world_definitions {
    struct arena arena;
    struct tree_definition *list;
    uint32_t n;
    uint64_t version;
};

void world_definitions_init(struct world_definitions *d, const struct fleet *f);
void world_definitions_done(struct world_definitions *d);

/* Loads secret and tree. The secret is made where there is none and `create` is set. -EINVAL with
 * all faults reported; a fault without a place concerns the secret. Blocks on disk. */
int world_load(const struct config *c, bool create, struct faults *faults, struct snapshot **ret);

/* The same base with the registered nodes; whoever is faulty is left out, and among the faults. */
struct snapshot *world_extend(const struct snapshot *s, const struct world_definitions *d,
                              struct faults *faults);

#endif
