/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit: many transactions become one of SQLite's, and one wait for the disk.
 *
 * Each has a savepoint of its own: one that conflicts leaves the others alone.
 */
#ifndef CLOUDSEED_STORE_SQLITE_COMMIT_H
#define CLOUDSEED_STORE_SQLITE_COMMIT_H

#include "store/request.h"
#include "store/sqlite/db.h"

/* Fills the notice of each in the list. Returns what became of the group, with the reason. After
 * STORE_UNKNOWN the file must be opened anew to learn what is in it. */
enum store_result commit_group(struct db *db, const struct request_list *list, struct err *ret_why);

/* A transaction that changes nothing but has to be written: whether the disk takes any. */
enum store_result commit_probe(struct db *db, struct err *ret_why);

#endif
