/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns: a fetcher with a loop of its own, for a thread that waits for its fetches.
 *
 * One thread at a time uses it, whichever that is.
 */
#ifndef CLOUDSEED_NET_FETCH_TURNS_H
#define CLOUDSEED_NET_FETCH_TURNS_H

#include "port/fetch.h"

struct turns;

/* SIGPIPE must be ignored. */
struct turns *turns_new(void);

/* Valid as long as the turns. */
const struct fetch_turns *turns_port(const struct turns *t);

/* All fetches have been ended. NULL is fine. */
void turns_free(struct turns *t);

#endif
