/* SPDX-License-Identifier: Apache-2.0 */
/* loader: everything that a snapshot is made of: what is read from disk, and the nodes that were
 * registered. */
#ifndef CLOUDSEED_DAEMON_LOADER_H
#define CLOUDSEED_DAEMON_LOADER_H

#include "config/config.h"
#include "core/snapshot.h"
#include "daemon/sealed_cache.h"

#include <stdatomic.h>

/* Registered nodes as the fleet has them, copied for a thread that must not look there. */
struct loader_definitions {
    struct arena arena;
    struct tree_definition *list;
    uint32_t n;
    uint64_t version;
};

void loader_definitions_init(struct loader_definitions *d, const struct fleet *f);
void loader_definitions_done(struct loader_definitions *d);

/* One loading. */
struct loader {
    const struct config *config;
    struct sealed_cache *cache; /* what comes of it is to be kept, if the world is taken */
    /* At the start: a secret file that is missing is put back or made, and last good values take
     * the place of secrets that cannot be read now. */
    bool first;
    const atomic_bool *stop; /* gives up waiting for commands; NULL: never */
};

/* Loads the server's secret, the tree, and the secrets that it asks for. -EINVAL with all faults
 * reported; a fault without a place concerns the server's secret. Blocks on disk and on commands.
 */
int loader_load(const struct loader *w, struct faults *faults, struct snapshot **ret);

/* The same base with the registered nodes; whoever is faulty is left out, and among the faults. */
struct snapshot *loader_extend(const struct snapshot *s, const struct loader_definitions *d,
                               struct faults *faults);

#endif
