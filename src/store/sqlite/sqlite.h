/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite: the store in a file on the local disk, with one thread that writes.
 *
 * One process at a time has the file. docs/formats/store.md describes it.
 */
#ifndef CLOUDSEED_STORE_SQLITE_SQLITE_H
#define CLOUDSEED_STORE_SQLITE_SQLITE_H

#include "port/store.h"
#include "store/queue.h"

struct sqlite_options {
    const char *path;
    struct store_limits limits; /* all 0: STORE_LIMITS_DEFAULT */
    struct store_retention keep;
    bool unsafe; /* never wait for the disk: for tests that show what is lost by it */
};

/* Makes the file where there is none, else checks it, and brings an older layout up to date. What
 * is not ours, damaged, newer, in use or on a network's file system is refused as it is. */
int sqlite_open(const struct sqlite_options *options, struct store **ret, struct err *e);

#endif
