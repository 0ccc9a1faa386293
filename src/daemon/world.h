/* SPDX-License-Identifier: Apache-2.0 */
/* world: everything that a snapshot is made of, read from disk. */
#ifndef CLOUDSEED_DAEMON_WORLD_H
#define CLOUDSEED_DAEMON_WORLD_H

#include "config/config.h"
#include "core/snapshot.h"

/* Loads secret and tree. The secret is made where there is none and `create` is set. -EINVAL with
 * all faults reported; a fault without a place concerns the secret. Blocks on disk. */
int world_load(const struct config *c, bool create, struct faults *faults, struct snapshot **ret);

#endif
