/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lossyfs: a VFS of SQLite's that keeps, at a power cut, what was synced, and of the rest whatever
 * a disk may have written meanwhile.
 *
 * Files are real; beside each stands in memory what is sure of it. After the cut every access
 * fails, until lossyfs_restore has made the files what the cut left of them.
 */
#ifndef CLOUDSEED_TESTS_UNIT_STORE_LOSSYFS_H
#define CLOUDSEED_TESTS_UNIT_STORE_LOSSYFS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on it is what SQLite uses. */
void lossyfs_install(void);

/* The cut comes at the step (write, truncation, sync, deletion) of this number, counted from here;
 * 0: never. With `torn` any sector of what was not synced may have been written, else none. */
void lossyfs_arm(uint64_t cut_at, uint32_t seed, bool torn);
bool lossyfs_is_cut(void);
/* When nothing has a file open any more. */
void lossyfs_restore(void);

/* The next `n` syncs fail with EIO, behind the first `after` ones. */
void lossyfs_fail_syncs(int after, int n);

#endif
