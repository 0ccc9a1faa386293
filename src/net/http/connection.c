/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/hash.h"

#include <stdlib.h>

/*
 * libmicrohttpd's time-outs are for silence only: who sends a byte now and then would stay for
 * ever. Here each connection has an absolute deadline for what it is in the middle of. Both kinds
 * of deadline are of fixed length, so that two queues in the order of arrival are in the order of
 * deadlines too, and one timer serves all.
 */

uint32_t http_connection_slot(struct address peer)
{
    return (uint32_t)hash64((struct str){(const char *)&peer, sizeof(peer)}) % PEER_SLOTS;
}

static struct http_connections *list_of(struct http_connection *c)
{
    return c->answering ? &c->server->answering : &c->server->waiting;
}

/* The timer is left alone where it is due before that: it then fires for nothing once. It may stand
 * at a later time, for the other queue. */
void http_connections_arm(struct http_server *s, uint64_t deadline_ms)
{
    uint64_t now = uv_now(s->loop);
    uint64_t wait_ms = deadline_ms > now ? deadline_ms - now : 0;
    if (!uv_is_active((const uv_handle_t *)&s->deadline) ||
        uv_timer_get_due_in(&s->deadline) > wait_ms)
        uv_timer_start(&s->deadline, http_connections_on_deadline, wait_ms, 0);
}

static void enqueue(struct http_connection *c, bool answering)
{
    struct http_server *s = c->server;
    uint32_t within_ms = answering ? s->limits.answer_ms : s->limits.request_ms;
    c->answering = answering;
    c->deadline_ms = uv_now(s->loop) + within_ms;
    TAILQ_INSERT_TAIL(list_of(c), c, entry);
    http_connections_arm(s, c->deadline_ms);
}

static void on_started(struct http_server *s, void **context)
{
    struct http_connection *c = malloc(sizeof(*c));
    if (!c)
        abort();
    *c = *s->arriving;
    *context = c;
    s->connections_n++;
    s->peers[c->peer_slot]++;
    enqueue(c, false);
}

static void on_closed(struct http_server *s, struct http_connection *c)
{
    TAILQ_REMOVE(list_of(c), c, entry);
    s->connections_n--;
    s->peers[c->peer_slot]--;
    free(c);
}

void http_connection_notice(void *cls, struct MHD_Connection *m, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    (void)m;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        on_started(cls, context);
    else
        on_closed(cls, *context);
}

void http_connection_answering(struct http_connection *c)
{
    TAILQ_REMOVE(list_of(c), c, entry);
    enqueue(c, true);
}

/* libmicrohttpd sees the end of the stream and closes. */
static void cut(struct http_connection *c)
{
    shutdown(c->fd, SHUT_RDWR);
    c->deadline_ms = UINT64_MAX; /* cut once */
}

/* An answer that began before the end was near did not say that the connection would be closed. */
void http_connection_waiting(struct http_connection *c)
{
    TAILQ_REMOVE(list_of(c), c, entry);
    c->used = true;
    enqueue(c, false);
    if (c->server->draining)
        cut(c);
}

void http_connections_close_idle(struct http_server *s)
{
    struct http_connection *c;
    TAILQ_FOREACH(c, &s->waiting, entry)
    {
        if (c->used)
            cut(c);
    }
}

void http_connections_cut(struct http_server *s)
{
    struct http_connection *c;
    TAILQ_FOREACH(c, &s->waiting, entry)
    cut(c);
    TAILQ_FOREACH(c, &s->answering, entry)
    cut(c);
}

/* Cuts what is due; returns when the next one is, UINT64_MAX for never. */
static uint64_t cut_due(struct http_connections *list, uint64_t now)
{
    struct http_connection *c;
    TAILQ_FOREACH(c, list, entry)
    {
        if (c->deadline_ms == UINT64_MAX)
            continue;
        if (c->deadline_ms > now)
            return c->deadline_ms;
        cut(c);
    }
    return UINT64_MAX;
}

void http_connections_on_deadline(uv_timer_t *timer)
{
    struct http_server *s = timer->data;
    uint64_t now = uv_now(s->loop);
    uint64_t next = cut_due(&s->waiting, now), other = cut_due(&s->answering, now);
    next = other < next ? other : next;
    if (s->draining && now >= s->drain_until_ms)
        http_connections_cut(s);
    else if (s->draining && s->drain_until_ms < next)
        next = s->drain_until_ms;
    if (next != UINT64_MAX)
        http_connections_arm(s, next);
}
