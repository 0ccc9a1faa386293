/* SPDX-License-Identifier: Apache-2.0 */
/* privileges: limits and identity of the process, before and after its sockets are open. */
#ifndef CLOUDSEED_DAEMON_PRIVILEGES_H
#define CLOUDSEED_DAEMON_PRIVILEGES_H

#include "base/err.h"
#include "base/str.h"

#include <sys/types.h>

/* Keeps what is in the memory out of core dumps, and from other processes of the same user. To be
 * called again after a change of user, which may undo it. */
void privileges_hide_memory(void);

/* Raises the limit of open descriptors to what `connections` need, as far as the hard limit allows.
 * Returns the limit in force. */
uint64_t privileges_raise_descriptors(uint64_t connections);

/* When started as root, becomes `user` and `group` (empty: the user's own group) for good, unless
 * the user is root. No program that is run afterwards can gain privileges. */
int privileges_drop(struct str user, struct str group, struct err *e);

/* Acts as the user and the group (empty: the user's own) until privileges_return, if we are root:
 * what is made then belongs to them, and no link in a folder of theirs leads to more than they may
 * do. After a failure there is nothing to return. */
struct privileges_held {
    bool held;
    gid_t gid;
    gid_t groups[64];
    int groups_n;
};
int privileges_lend(struct str user, struct str group, struct privileges_held *ret, struct err *e);
void privileges_return(const struct privileges_held *was);

/* Makes the last folder of the path (missing: made; there: left alone) for the user and the group.
 */
int privileges_make_folder(const char *path, mode_t mode, struct str user, struct str group,
                           struct err *e);
/* Whether we are root, and no other user can replace a name on the way to `path`, or one of root's
 * there. */
bool privileges_only_root(const char *path);
/* Gives what has this name to them: only after privileges_only_root. A link is not followed. */
int privileges_give(const char *path, struct str user, struct str group, struct err *e);

#endif
