/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetcher: fills port/fetch: libcurl's transfers on the loop.
 *
 * It owns connections, the queue of those that wait for their turn, and deadlines. Connections are
 * kept open and used again. docs/why/fetch.md has the reasons.
 */
#ifndef CLOUDSEED_NET_FETCH_FETCHER_H
#define CLOUDSEED_NET_FETCH_FETCHER_H

#include "port/fetch.h"

#include <uv.h>

struct fetcher;

struct fetcher_limits {
    uint32_t transfers; /* at the same time; also how many connections are kept */
    uint32_t transfers_per_server;
    uint32_t queue; /* that wait for their turn */
};

/* SIGPIPE must be ignored. */
struct fetcher *fetcher_new(uv_loop_t *loop, const struct fetcher_limits *limits);

/* Valid as long as the fetcher. */
const struct fetch_port *fetcher_port(const struct fetcher *f);

/* All fetches have been ended. Not from within a wake. NULL is fine. */
void fetcher_free(struct fetcher *f);

#endif
