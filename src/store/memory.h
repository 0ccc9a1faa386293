/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: the store that forgets everything at the end: for tests, and to measure against.
 *
 * It has no thread: what is asked is done at once, and its answer waits to be taken.
 */
#ifndef CLOUDSEED_STORE_MEMORY_H
#define CLOUDSEED_STORE_MEMORY_H

#include "port/store.h"
#include "store/queue.h"

/* Limits all 0: STORE_LIMITS_DEFAULT. Backups are refused. */
struct store *memory_new(struct store_limits limits, struct store_retention keep);

#endif
