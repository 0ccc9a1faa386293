/* SPDX-License-Identifier: Apache-2.0 */
/* privileges: limits and identity of the process, before and after its sockets are open. */
#ifndef CLOUDSEED_DAEMON_PRIVILEGES_H
#define CLOUDSEED_DAEMON_PRIVILEGES_H

#include "base/err.h"
#include "base/str.h"

/* Raises the limit of open descriptors to what `connections` need, as far as the hard limit allows.
 * Returns the limit in force. */
uint64_t privileges_raise_descriptors(uint64_t connections);

/* When started as root, becomes `user` and `group` (empty: the user's own group) for good, unless
 * the user is root. No program that is run afterwards can gain privileges. */
int privileges_drop(struct str user, struct str group, struct err *e);

/* Gives the file at `path` to the user and the group (empty: the user's own group). Does nothing
 * unless we are root. */
int privileges_share(const char *path, struct str user, struct str group, struct err *e);

#endif
