/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fetch/turns.h"

#include "base/mem.h"
#include "net/fetch/fetcher.h"

#include <assert.h>

/* A server that hangs must not keep the others from being asked. */
static const struct fetcher_limits limits = {
    .transfers = 16, .transfers_per_server = 4, .queue = 16};

struct turns {
    struct fetch_turns port;
    struct fetch_port fetch; /* the fetcher's, with a start of its own */
    uv_loop_t loop;
    uv_timer_t limit; /* of a turn */
    struct fetcher *fetcher;
};

static void on_limit(uv_timer_t *timer)
{
    (void)timer; /* the turn ends by itself */
}

static void turn(void *cls, uint32_t wait_ms)
{
    struct turns *t = cls;
    uv_update_time(&t->loop);
    uv_timer_start(&t->limit, on_limit, wait_ms, 0);
    uv_run(&t->loop, UV_RUN_ONCE);
}

/* The loop's clock stands still between its turns: deadlines would count from the last one. */
static int start(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e)
{
    struct turns *t = cls;
    uv_update_time(&t->loop);
    return fetch_start(fetcher_port(t->fetcher), q, ret, e);
}

struct turns *turns_new(void)
{
    struct turns *t = MEM_NEW(struct turns);
    uv_loop_init(&t->loop);
    uv_timer_init(&t->loop, &t->limit);
    t->fetcher = fetcher_new(&t->loop, &limits);
    t->fetch = *fetcher_port(t->fetcher);
    t->fetch.start = start;
    t->fetch.cls = t;
    t->port = (struct fetch_turns){&t->fetch, turn, t};
    return t;
}

const struct fetch_turns *turns_port(const struct turns *t)
{
    return &t->port;
}

void turns_free(struct turns *t)
{
    if (!t)
        return;
    fetcher_free(t->fetcher);
    uv_close((uv_handle_t *)&t->limit, NULL);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    int r = uv_loop_close(&t->loop);
    assert(r == 0);
    (void)r;
    free(t);
}
