/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failing_store: a store in memory that fails on request.
 *
 * Everything else works as in store/memory. It can also play another process that writes to the
 * same store, and let the feed start over.
 */
#ifndef CLOUDSEED_TESTS_LIB_FAILING_STORE_H
#define CLOUDSEED_TESTS_LIB_FAILING_STORE_H

#include "port/store.h"

struct store *failing_store_new(void);

/* What the next commit that has no script yet comes to: STORE_OK, or any failure. With
 * STORE_UNKNOWN, `happens` says whether it was done all the same; a start over follows it. */
void failing_store_script(struct store *s, enum store_result result, bool happens);
/* Until it is called with 0: what store_commit and store_read return (-EBUSY). */
void failing_store_refuse(struct store *s, int code);
/* What store_health says; a STORE_HEALTH notice goes with it. */
void failing_store_health(struct store *s, enum store_result health);
/* Another process commits this. It must not conflict. The feed has it if it is watched. */
void failing_store_other(struct store *s, const struct store_txn *txn);
/* The feed starts over: all records. */
void failing_store_start_over(struct store *s);

#endif
