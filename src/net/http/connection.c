/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

/*
 * libmicrohttpd's time-outs are for inactivity only: a client that sends a byte now and then would
 * never time out. Here each connection has an absolute deadline for its phase. All deadlines of one
 * phase have the same length, so a queue in order of arrival is also in order of deadlines, and one
 * timer serves all.
 */

/* A safety net: core's own waits are shorter. */
#define SUSPENDED_MS 60000
/* sendfile sends nothing of a file that was cut short, and nothing says so. */
#define FILE_CHECK_MS 1000
/* A client that takes less of a file than 16 kB a second is gone or hostile. */
#define FILE_BYTES_PER_MS 16

uint32_t http_connection_slot(struct address peer)
{
    return (uint32_t)hash64((struct str){(const char *)&peer, sizeof(peer)}) % PEER_SLOTS;
}

static struct http_connections *list_of(struct http_connection *c)
{
    http_connection_check(c);
    return &c->server->phases[c->phase];
}

static uint64_t deadline_of(const struct http_server *s, enum http_phase phase)
{
    uint64_t now = uv_now(s->loop);
    switch (phase) {
    case PHASE_WAITING: return now + s->limits.request_ms;
    case PHASE_ANSWERING: return now + s->limits.answer_ms;
    case PHASE_SENDING: return now + FILE_CHECK_MS;
    case PHASE_SUSPENDED: return now + SUSPENDED_MS;
    default: return UINT64_MAX;
    }
}

/* A timer that is due earlier stays as it is, and fires once for nothing. It may be due later, for
 * another phase. */
void http_connections_arm(struct http_server *s, uint64_t deadline_ms)
{
    uint64_t now = uv_now(s->loop);
    uint64_t wait_ms = deadline_ms > now ? deadline_ms - now : 0;
    if (!uv_is_active((const uv_handle_t *)&s->deadline) ||
        uv_timer_get_due_in(&s->deadline) > wait_ms)
        uv_timer_start(&s->deadline, http_connections_on_deadline, wait_ms, 0);
}

static void enqueue(struct http_connection *c, enum http_phase phase)
{
    c->phase = phase;
    c->deadline_ms = deadline_of(c->server, phase);
    TAILQ_INSERT_TAIL(list_of(c), c, entry);
    if (c->deadline_ms != UINT64_MAX)
        http_connections_arm(c->server, c->deadline_ms);
}

static void on_started(struct http_server *s, struct MHD_Connection *m, void **context)
{
    struct http_connection *c = mem_alloc(sizeof(*c));
    *c = *s->arriving;
    c->magic = CONNECTION_MAGIC;
    *context = c;
    c->m = m;
    s->connections_n++;
    c->engine->connections_n++;
    s->peers[c->peer_slot]++;
    c->is_silent = c->peer.address.family != 0; /* those of admins stay */
    if (c->is_silent)
        TAILQ_INSERT_TAIL(&c->engine->silent_connections, c, silent);
    enqueue(c, PHASE_WAITING);
    if (http_engine_is_tls(c->engine))
        http_handshake_begin(c);
}

static void on_closed(struct http_server *s, struct http_connection *c)
{
    http_request_forget(c);
    http_connection_heard(c);
    if (c->tls.session)
        http_handshake_end(c);
    TAILQ_REMOVE(list_of(c), c, entry);
    s->connections_n--;
    c->engine->connections_n--;
    s->peers[c->peer_slot]--;
    c->magic = 0;
    free(c);
}

void http_connection_heard(struct http_connection *c)
{
    if (c->is_silent)
        TAILQ_REMOVE(&c->engine->silent_connections, c, silent);
    c->is_silent = false;
}

void http_connection_notice(void *cls, struct MHD_Connection *m, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        on_started(cls, m, context);
    else
        on_closed(cls, *context);
}

void http_connection_enter(struct http_connection *c, enum http_phase phase)
{
    if (phase == PHASE_SENDING && c->phase != PHASE_SENDING)
        c->acked_ms = uv_now(c->server->loop);
    TAILQ_REMOVE(list_of(c), c, entry);
    enqueue(c, phase);
}

/* libmicrohttpd sees the end of the stream and closes; of a suspended connection it sees nothing,
 * and of one that has no room to read (http_connections_cut_stuck) only its own time-out, whose
 * unit is a second. */
void http_connection_cut(struct http_connection *c)
{
    shutdown(c->fd, SHUT_RDWR);
    c->deadline_ms = UINT64_MAX; /* cut once */
    if (c->handshake == HANDSHAKE_WAITS)
        http_handshake_resume(c);
    if (c->request && c->request->state == REQUEST_BEGUN)
        MHD_set_connection_option(c->request->m, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
    if (c->request && c->request->suspended) {
        c->request->expired = true;
        http_resume(c->request);
    }
}

/* A large file may take hours: its deadline is for the progress since the last one. */
static bool makes_progress(struct http_connection *c)
{
    if ((c->phase != PHASE_ANSWERING && c->phase != PHASE_SENDING) || !c->request ||
        !c->request->exchange.out.content)
        return false;
    uint64_t before = c->acked;
    c->acked = socket_tcp_acked(c->fd);
    c->acked_ms = uv_now(c->server->loop);
    return c->acked - before >= (uint64_t)c->server->limits.answer_ms * FILE_BYTES_PER_MS;
}

static bool may_go_on(struct http_connection *c)
{
    if (c->phase != PHASE_SENDING)
        return makes_progress(c);
    if (c->request && http_respond_truncated(c->request))
        return false;
    return uv_now(c->server->loop) - c->acked_ms < c->server->limits.answer_ms || makes_progress(c);
}

static void on_due(struct http_connection *c)
{
    if (c->phase == PHASE_SUSPENDED) {
        c->request->expired = true; /* answered with 503 */
        http_resume(c->request);
    } else if (may_go_on(c)) {
        http_connection_enter(c, c->phase);
    } else {
        http_connection_cut(c);
    }
}

/* An answer that began before the server was draining did not announce the end of the connection.
 */
void http_connection_waiting(struct http_connection *c)
{
    c->used = true;
    http_connection_enter(c, PHASE_WAITING);
    if (c->server->draining)
        http_connection_cut(c);
}

/* libmicrohttpd closes what is cut in its next run. */
bool http_connections_make_room(struct http_engine *g)
{
    struct http_connection *oldest = TAILQ_FIRST(&g->silent_connections);
    uint32_t before = g->connections_n;
    if (!oldest)
        return false;
    http_connection_heard(oldest); /* once */
    http_connection_cut(oldest);
    http_engine_run(g);
    return g->connections_n < before;
}

/* The body may move `c` to another queue. */
#define EACH(c, next, list)                       \
    (c) = TAILQ_FIRST(list);                      \
    (c) && ((next) = TAILQ_NEXT(c, entry), true); \
    (c) = (next)

void http_connections_close_idle(struct http_server *s)
{
    struct http_connection *c, *next;
    for (EACH(c, next, &s->phases[PHASE_WAITING])) {
        if (c->used)
            http_connection_cut(c);
    }
    for (EACH(c, next, &s->phases[PHASE_STREAMING]))
        http_resume(c->request); /* core ends it */
}

void http_connections_cut(struct http_server *s)
{
    struct http_connection *c, *next;
    http_proxied_close(s);
    for (int phase = 0; phase < PHASES; phase++) {
        for (EACH(c, next, &s->phases[phase]))
            http_connection_cut(c);
    }
}

void http_connections_cut_stuck(struct http_engine *g)
{
    struct http_connection *c, *next;
    for (EACH(c, next, &g->server->phases[PHASE_WAITING])) {
        struct http_request *r = c->request;
        if (c->engine != g || !r || r->state != REQUEST_BEGUN || !r->encoding_n)
            continue;
        if (!r->is_fed)
            http_connection_cut(c);
        r->is_fed = false;
    }
}

/* Returns when the next deadline is, UINT64_MAX: never. */
static uint64_t cut_due(struct http_connections *list, uint64_t now)
{
    struct http_connection *c, *next;
    for (EACH(c, next, list)) {
        if (c->deadline_ms == UINT64_MAX)
            continue;
        if (c->deadline_ms > now)
            return c->deadline_ms;
        on_due(c);
    }
    return UINT64_MAX;
}

void http_connections_on_deadline(uv_timer_t *timer)
{
    struct http_server *s = timer->data;
    uint64_t now = uv_now(s->loop), next = UINT64_MAX;
    for (int phase = 0; phase < PHASES; phase++) {
        uint64_t due = cut_due(&s->phases[phase], now);
        next = due < next ? due : next;
    }
    if (s->draining && now >= s->drain_until_ms)
        http_connections_cut(s);
    else if (s->draining && s->drain_until_ms < next)
        next = s->drain_until_ms;
    if (next != UINT64_MAX)
        http_connections_arm(s, next);
}
