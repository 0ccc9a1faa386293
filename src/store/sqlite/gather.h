/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather: a VFS above SQLite's own that writes the frames of a commit to the log at once.
 *
 * SQLite writes each frame with two calls, its header and its page, one behind the other. Here they
 * are collected until the log is synced or looked at. Other files are the VFS below's.
 */
#ifndef CLOUDSEED_STORE_SQLITE_GATHER_H
#define CLOUDSEED_STORE_SQLITE_GATHER_H

/* The name to open a database with. Its commits must be synced (synchronous=FULL): what is written
 * without a sync may stay in memory. NULL: SQLite cannot be initialized. */
const char *gather_vfs(void);

#endif
