/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: how many requests ended how, and how long they took (docs/metrics.md).
 *
 * Kept as each exchange ends, by its row of the table of routes, never by its path: what a peer
 * asks for makes no new series. Where the numbers are shown is not known here.
 */
#ifndef CLOUDSEED_CORE_METRICS_H
#define CLOUDSEED_CORE_METRICS_H

#include "core/exposition.h"
#include "core/route.h"

struct metrics;

struct metrics *metrics_new(void);
/* NULL is fine. */
void metrics_free(struct metrics *m);

/* The exchange has ended. NULL: it had no row. */
void metrics_note(struct metrics *m, const struct exchange *x, const struct route *r);

/* The families of requests. */
void metrics_write(const struct metrics *m, struct exposition *e);

#endif
