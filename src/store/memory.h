/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: a store that is lost with the process: for tests and measurements.
 *
 * It has no thread: a request is carried out at once, and its answer waits to be taken.
 */
#ifndef CLOUDSEED_STORE_MEMORY_H
#define CLOUDSEED_STORE_MEMORY_H

#include "port/store.h"
#include "store/queue.h"

/* If all limits are 0, STORE_LIMITS_DEFAULT. Backups are refused. */
struct store *memory_new(struct store_limits limits, struct store_retention keep);

#endif
