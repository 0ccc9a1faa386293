/* SPDX-License-Identifier: Apache-2.0 */
/* world: everything that a snapshot is made of: what is read from disk, and the nodes that were
 * registered. */
#ifndef CLOUDSEED_DAEMON_WORLD_H
#define CLOUDSEED_DAEMON_WORLD_H

#include "config/config.h"
#include "core/snapshot.h"
#include "daemon/safe.h"

#include <stdatomic.h>

/* Registered nodes as the fleet has them, copied for a thread that must not look there. */
struct world_definitions {
    struct arena arena;
    struct tree_definition *list;
    uint32_t n;
    uint64_t version;
};

void world_definitions_init(struct world_definitions *d, const struct fleet *f);
void world_definitions_done(struct world_definitions *d);

/* One loading. */
struct world_load {
    const struct config *config;
    struct safe *safe; /* what comes of it is to be kept, if the world is taken */
    /* At the start: a secret file that is missing is put back or made, and last good values take
     * the place of secrets that cannot be read now. */
    bool first;
    const atomic_bool *stop; /* gives up waiting for commands; NULL: never */
};

/* Loads the server's secret, the tree, and the secrets that it asks for. -EINVAL with all faults
 * reported; a fault without a place concerns the server's secret. Blocks on disk and on commands.
 */
int world_load(const struct world_load *w, struct faults *faults, struct snapshot **ret);

/* The same base with the registered nodes; whoever is faulty is left out, and among the faults. */
struct snapshot *world_extend(const struct snapshot *s, const struct world_definitions *d,
                              struct faults *faults);

#endif
