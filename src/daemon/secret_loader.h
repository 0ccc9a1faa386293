/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_loader: the values of the secrets that a tree's templates ask for.
 *
 * What a document asks for that nodes are given must be defined and readable. What only other
 * templates ask for is read where it is defined.
 */
#ifndef CLOUDSEED_DAEMON_SECRET_LOADER_H
#define CLOUDSEED_DAEMON_SECRET_LOADER_H

#include "daemon/sealed_cache.h"
#include "daemon/secret_source.h"
#include "render/sealed.h"

/* Reports each secret that is asked for and nowhere defined. */
void secret_loader_check(const struct config *c, const struct tree *t, struct faults *faults);

/* Reads them all, and puts them in the cache; with `first` the last good value takes the place of
 * one that cannot be read, with a warning. All faults are reported. Blocks; *stop (NULL: never)
 * ends the waiting for commands. */
struct sealed_values *secret_loader_read(const struct config *c, const struct tree *t,
                                         struct sealed_cache *cache, bool first,
                                         const atomic_bool *stop, struct faults *faults);

#endif
