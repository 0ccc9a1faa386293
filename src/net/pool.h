/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: a few threads for work that may block for ever, such as reading files on network shares.
 *
 * They are not libuv's threads: one that hangs is not missing elsewhere, and the process can end
 * without it. While all of them are stuck, new work is refused at once. A pool belongs to one loop;
 * all calls come from its thread.
 */
#ifndef CLOUDSEED_NET_POOL_H
#define CLOUDSEED_NET_POOL_H

#include "port/work.h"

#include <uv.h>

struct pool;

struct pool_limits {
    uint32_t threads; /* each is started when it is first needed */
    uint32_t queue;   /* work that is neither ended nor late */
    uint32_t
        deadline_ms; /* from the start to the end of each work, the wait for a thread included */
};

struct pool *pool_new(uv_loop_t *loop, const struct pool_limits *limits);

/* Valid as long as the pool. */
const struct work_port *pool_port(const struct pool *p);

/* Work that waits ends without having run. Threads that are running are left behind; the last one
 * frees the memory. */
void pool_free(struct pool *p);

#endif
