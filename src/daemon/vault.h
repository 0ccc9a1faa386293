/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault: the values of the secrets that a tree's templates ask for.
 *
 * What a document asks for that nodes are given must be defined and readable. What only other
 * templates ask for is read where it is defined.
 */
#ifndef CLOUDSEED_DAEMON_VAULT_H
#define CLOUDSEED_DAEMON_VAULT_H

#include "daemon/safe.h"
#include "daemon/source.h"
#include "render/sealed.h"

/* Reports each secret that is asked for and nowhere defined. */
void vault_check(const struct config *c, const struct tree *t, struct faults *faults);

/* Reads them all, and puts them in the safe; with `first` the last good value takes the place of
 * one that cannot be read, with a warning. All faults are reported. Blocks; *stop (NULL: never)
 * ends the waiting for commands. */
struct sealed_values *vault_read(const struct config *c, const struct tree *t, struct safe *safe,
                                 bool first, const atomic_bool *stop, struct faults *faults);

#endif
