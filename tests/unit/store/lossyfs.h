/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lossyfs: an SQLite VFS that simulates a power cut: what was synced is kept, and of the rest what
 * a disk may have written by then.
 *
 * The files are real; what was synced of each is kept in memory. After the cut every access fails
 * until lossyfs_restore has changed the files to what the cut left of them.
 */
#ifndef CLOUDSEED_TESTS_UNIT_STORE_LOSSYFS_H
#define CLOUDSEED_TESTS_UNIT_STORE_LOSSYFS_H

#include <stdbool.h>
#include <stdint.h>

/* Makes it the default VFS of SQLite. */
void lossyfs_install(void);

/* The cut comes at the step (write, truncation, sync, deletion) of this number, counted from here;
 * 0: never. With `torn` any sector of what was not synced may have been written, else none. */
void lossyfs_arm(uint64_t cut_at, uint32_t seed, bool torn);
bool lossyfs_is_cut(void);
/* To be called when no file is open any more. */
void lossyfs_restore(void);

/* How often something was written, to any file. */
uint64_t lossyfs_writes(void);

/* After `after` more syncs, `n` syncs fail with EIO. */
void lossyfs_fail_syncs(int after, int n);

#endif
