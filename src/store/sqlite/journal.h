/* SPDX-License-Identifier: Apache-2.0 */
/* journal: pages of events, and what is done about old ones, a small step at a time. */
#ifndef CLOUDSEED_STORE_SQLITE_JOURNAL_H
#define CLOUDSEED_STORE_SQLITE_JOURNAL_H

#include "store/request.h"
#include "store/sqlite/db.h"

/* Fills the notice of a request_read. */
enum store_result journal_read(struct db *db, struct request *r, struct err *ret_why);

/* After so many new events tidying is due, however busy we are. A step drops more than that, so
 * that the journal cannot outgrow its bound by more. */
#define JOURNAL_TIDY_EVENTS 500

/* Drops at most a thousand events that need not be kept, or gives back some free pages of the
 * file. *ret_more: there was enough to do for another step. */
enum store_result journal_tidy(struct db *db, const struct store_retention *keep, int64_t now_ms,
                               bool *ret_more, struct err *ret_why);

/* The size of the file, and what of it is free. */
void journal_size(struct db *db, uint64_t *ret_file_bytes, uint64_t *ret_free_bytes);

#endif
