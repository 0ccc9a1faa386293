/* SPDX-License-Identifier: Apache-2.0 */
/* privileges: what the process may do, before and after its sockets are open. */
#ifndef CLOUDSEED_DAEMON_PRIVILEGES_H
#define CLOUDSEED_DAEMON_PRIVILEGES_H

#include "base/err.h"
#include "base/str.h"

/* Raises the number of descriptors to what `connections` need, as far as the hard limit goes.
 * Returns what is in force. */
uint64_t privileges_raise_descriptors(uint64_t connections);

/* Becomes `user` and `group` (empty: the user's own group) for good when started as root, unless
 * the user is root itself. Nothing that is run afterwards can win privileges back. */
int privileges_drop(struct str user, struct str group, struct err *e);

/* Gives the file at `path` to the user, and to the group or, where that is empty, to the user's
 * own. Nothing to do where we are not root. */
int privileges_share(const char *path, struct str user, struct str group, struct err *e);

#endif
