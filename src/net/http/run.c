/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

/* Turns of libmicrohttpd before others on the loop have theirs. */
#define TURNS_MAX 8

static void on_again(uv_timer_t *timer)
{
    http_server_run(timer->data);
}

void http_server_run_soon(struct http_server *s)
{
    uv_timer_start(&s->again, on_again, 0, 0);
}

static void tell_drained(struct http_server *s)
{
    void (*tell)(void *cls) = s->on_drained;
    s->on_drained = NULL;
    if (tell)
        tell(s->drained_cls);
}

/* libmicrohttpd does not say that it has more to do but when it is asked, after every turn. It has
 * no time-outs of its own here: deadlines are connection.c's. */
void http_server_run(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    for (int i = 0; i < TURNS_MAX; i++) {
        MHD_run(s->daemon);
        if (MHD_get_timeout(s->daemon, &wait_ms) != MHD_YES || wait_ms > 0)
            break;
        if (i == TURNS_MAX - 1)
            http_server_run_soon(s);
    }
    if (s->draining && s->connections_n == 0)
        tell_drained(s);
}
