/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statefile: whether a path may hold the state, looked at before a database opens it.
 *
 * What is not ours is refused untouched. It reads the file's first bytes alone.
 */
#ifndef CLOUDSEED_STORE_STATEFILE_H
#define CLOUDSEED_STORE_STATEFILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* "csed", in the header of each state file. */
#define STATEFILE_APPLICATION_ID 0x63736564

/* -EPERM where others than its owner may use the file, -EINVAL where it is something else,
 * -EOPNOTSUPP on a file system that does not keep what it was given. *ret_empty: there is none, or
 * nothing is in it. *ret_unclean: who had it last did not close it. */
int statefile_check(const char *path, bool *ret_empty, bool *ret_unclean, struct err *e);

/* Makes an empty file (0600); -EEXIST where there is something. */
int statefile_create(const char *path, struct err *e);
/* Gives a file that was made whole its name, for good. */
int statefile_rename(const char *from, const char *to, struct err *e);
/* Syncs the folder that `path` is in. */
int statefile_sync_folder(const char *path, struct err *e);

/* Whether the file system has room for more than a few commits. True where it cannot tell. */
bool statefile_has_room(const char *path);

/* What a file system with that number (statfs's f_type) is called, and why the state must not be
 * on it; NULL: it may. */
const char *statefile_refusal(uint64_t file_system);

#endif
