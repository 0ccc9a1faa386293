/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statefile: checks whether a path may hold the state, before a database opens it.
 *
 * Only the file's first bytes are read. A file that is not ours is refused and left unchanged.
 */
#ifndef CLOUDSEED_STORE_STATEFILE_H
#define CLOUDSEED_STORE_STATEFILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* "csed", in the header of each state file. */
#define STATEFILE_APPLICATION_ID 0x63736564

/* -EPERM if others than its owner may use the file, -EINVAL if it is not a state file, -EOPNOTSUPP
 * on a file system that is not safe for it. *ret_empty: the file is missing or empty. *ret_unclean:
 * the last process that had it open did not close it. */
int statefile_check(const char *path, bool *ret_empty, bool *ret_unclean, struct err *e);

/* -EIO if a file that was closed cleanly has not as many bytes as its header says: it was cut off,
 * or something was appended. */
int statefile_check_size(const char *path, struct err *e);

/* Makes an empty file (0600); -EEXIST if the path exists. */
int statefile_create(const char *path, struct err *e);
/* Renames a complete file to its final name, durably. */
int statefile_rename(const char *from, const char *to, struct err *e);

/* Whether the file system has room for more than a few commits; true if that is unknown. */
bool statefile_has_room(const char *path);

/* The name of a file system (by statfs's f_type) that the state must not be on, and the reason;
 * NULL: it may be. */
const char *statefile_refusal(uint64_t file_system);

#endif
