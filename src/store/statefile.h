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

/* Makes an empty file (0600) where there is none. -EPERM where others than its owner may use it,
 * -EINVAL where it is something else, -EOPNOTSUPP on a file system that does not keep what it was
 * given. *ret_empty: nothing is in it yet. *ret_unclean: who had it last did not close it. */
int statefile_prepare(const char *path, bool *ret_empty, bool *ret_unclean, struct err *e);

/* Makes the file for a copy (0600); -EEXIST where there is something. */
int statefile_create(const char *path, struct err *e);
/* Syncs the folder that `path` is in. */
int statefile_sync_folder(const char *path, struct err *e);

/* What a file system with that number (statfs's f_type) is called, and why the state must not be
 * on it; NULL: it may. */
const char *statefile_refusal(uint64_t file_system);

#endif
