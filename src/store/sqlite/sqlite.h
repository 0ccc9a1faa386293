/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite: the store in a file on the local disk, with one thread that writes.
 *
 * One process at a time uses the file. docs/formats/store.md describes it.
 */
#ifndef CLOUDSEED_STORE_SQLITE_SQLITE_H
#define CLOUDSEED_STORE_SQLITE_SQLITE_H

#include "port/store.h"
#include "store/queue.h"

struct sqlite_options {
    const char *path;
    struct store_limits limits; /* all 0: STORE_LIMITS_DEFAULT */
    struct store_retention keep;
    bool unsafe; /* never wait for the disk: for tests that show what that loses */
};

/* Makes the file if there is none, else checks it and migrates an older layout. A file that is not
 * ours, damaged, newer, in use or on a network file system is refused and left unchanged. */
int sqlite_open(const struct sqlite_options *options, struct store **ret, struct err *e);

struct sqlite_survey {
    uint64_t revision, last[STORE_JOURNALS]; /* revision and ids, the last ones given */
    uint64_t events;                         /* that it holds, without the audit */
    uint64_t newest_ms;                      /* when the newest event was; 0: there is none */
};

/* Checks a whole state file that no process uses, and calls `on_record` for each of its records. It
 * is opened as a server would open it, so an older layout is migrated. A file that is not ours,
 * empty, damaged or newer is refused. */
int sqlite_survey(const char *path, store_on_record on_record, void *cls, struct sqlite_survey *ret,
                  struct err *e);

/* Commits all of the transactions, or none, to such a file. Their revisions and ids of events, and
 * all later ones, are higher than those that `past` has seen, too. */
int sqlite_amend(const char *path, const struct store_txn *txns, size_t n,
                 const struct sqlite_survey *past, struct err *e);

#endif
