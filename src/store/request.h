/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: a copy of what a caller requested, and the notice that answers it.
 *
 * store_notice_free frees it. It knows neither threads nor disks.
 */
#ifndef CLOUDSEED_STORE_REQUEST_H
#define CLOUDSEED_STORE_REQUEST_H

#include "base/arena.h"
#include "port/store.h"

struct request {
    struct store_notice notice; /* first: the port's users have only its address */
    struct request *next;
    struct arena arena; /* everything that the members point to */
    size_t bytes;       /* its share of a queue's bytes_max */
    struct store_txn txn;
    struct store_query query;
    const char *path; /* of a backup */
};

struct request *request_commit(const struct store_txn *txn);
struct request *request_read(const struct store_query *query);
struct request *request_backup(uint64_t tag, const char *path);
/* A notice that answers no request. */
struct request *request_notice(enum store_about about);
/* The same about a record, which is copied. */
struct request *request_record(enum store_about about, const struct store_record *record);
void request_free(struct request *r);
/* An entry of the journal with copies of its texts, for a page that is read. */
struct store_entry request_entry(struct arena *a, struct store_entry entry);

/* Fills the notice of a request that failed. `why` may be NULL. */
void request_fail(struct request *r, enum store_result result, const struct err *why);
/* The same for a write that met the revision `found`, 0 for no record. */
void request_conflict(struct request *r, size_t write, uint64_t found);

/* Whether an earlier write of the transaction, which will have `revision`, is of the same record as
 * write `at`: then that one meets *ret_found. */
bool request_written_before(const struct store_txn *t, size_t at, uint64_t revision,
                            uint64_t *ret_found);

/* First in, first out; all zero is empty. */
struct request_list {
    struct request *first, *last;
    size_t n, bytes;
};
void request_list_put(struct request_list *l, struct request *r);
struct request *request_list_take(struct request_list *l);
void request_list_free(struct request_list *l);

#endif
