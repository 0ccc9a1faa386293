/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader: makes a snapshot of what is on disk and of the registered nodes.
 *
 * A load reads the server's secret, the seed tree, and the secrets that the tree uses; the result
 * is then extended by the nodes that the fleet has registered. Both block. They run before the
 * loop, or on a thread that must not touch the fleet: what they need of it is copied first.
 */
#ifndef CLOUDSEED_DAEMON_LOADER_H
#define CLOUDSEED_DAEMON_LOADER_H

#include "core/snapshot.h"
#include "daemon/secret.h"
#include "daemon/state.h"

/* A copy of the registered nodes. */
struct loader_definitions {
    struct arena arena;
    struct tree_definition *list;
    uint32_t n;
    uint64_t version;
};

void loader_definitions_init(struct loader_definitions *d, const struct fleet *f);
void loader_definitions_done(struct loader_definitions *d);

/* Reads everything from disk. -EINVAL with all faults reported; a fault without a place concerns
 * the server's secret. */
int loader_load(const struct secret_loader *l, struct faults *faults, struct snapshot **ret);

/* The same base with the registered nodes. A faulty one is left out, and its faults reported. */
struct snapshot *loader_extend(const struct snapshot *s, const struct loader_definitions *d,
                               struct faults *faults);

/* The first snapshot, at the start of the process. Logs all faults. Those of registered nodes do
 * not prevent the start: only the running server's admin interface can correct them. */
int loader_start(const struct config *c, struct state *state, struct snapshot **ret, struct err *e);

#endif
