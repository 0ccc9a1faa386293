/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: a few threads for what may block for ever: files on shares.
 *
 * They are the pool's own, not libuv's: one that hangs takes none away from others, and the
 * process can end without it. With all of them stuck, work is refused at once, until one of them
 * comes back. It belongs to one loop; all calls come from its thread.
 */
#ifndef CLOUDSEED_NET_POOL_H
#define CLOUDSEED_NET_POOL_H

#include "port/work.h"

#include <uv.h>

struct pool;

struct pool_limits {
    uint32_t threads;     /* started when they are first needed */
    uint32_t queue;       /* work that waits for a thread */
    uint32_t deadline_ms; /* from the start to the end of each work, its wait included */
};

struct pool *pool_new(uv_loop_t *loop, const struct pool_limits *limits);

/* Lives as long as the pool. */
const struct work_port *pool_port(const struct pool *p);

/* What waits is ended without having run, what runs is left to itself; the memory goes with the
 * last thread. */
void pool_free(struct pool *p);

#endif
