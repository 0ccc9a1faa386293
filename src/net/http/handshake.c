/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/log.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

/*
 * libmicrohttpd takes a handshake that waits for its peer for one that can go on, and asks for
 * another run at once, for as long as the peer says nothing. So its connection is suspended after
 * each run, and resumed when its descriptor is ready. The same epoll watches the descriptors of
 * suspended requests, of which libmicrohttpd sees nothing.
 */

/* Unfinished ones: the peer of each has as long to answer as the next ones take to be begun. */
#define HANDSHAKES_MAX 1024
/* Peers that are served before the loop sees to others: a handshake takes some 0.3 ms. */
#define EVENTS_MAX 4

static void move(struct http_connection *c, enum http_handshake to)
{
    struct http_server *s = c->server;
    if (c->handshake != HANDSHAKE_NONE) {
        TAILQ_REMOVE(&s->handshakes[c->handshake], c, handshake_entry);
        s->handshakes_n--;
    }
    c->handshake = to;
    if (to != HANDSHAKE_NONE) {
        TAILQ_INSERT_TAIL(&s->handshakes[to], c, handshake_entry);
        s->handshakes_n++;
    }
}

/* Once: after an event the descriptor stays quiet until it is watched again. */
static void watch(struct http_connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.ptr = c};
    epoll_ctl(c->server->peers_epoll, c->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event);
    c->is_watched = true;
}

void http_peer_watch(struct http_connection *c)
{
    watch(c, EPOLLRDHUP);
}

void http_handshake_begin(struct http_connection *c)
{
    /* Our part of it leaves in two writes, of which the second would wait for an acknowledgement
     * that the peer delays. */
    socket_set(c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    tls_session_begin(
        &c->tls, c->server->tls,
        MHD_get_connection_info(c->m, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session, c);
    move(c, HANDSHAKE_RUNS);
}

static void log_failure(const struct http_connection *c)
{
    char peer[ADDRESS_TEXT_SIZE];
    bool was_cut = c->deadline_ms == UINT64_MAX;
    const char *reason =
        was_cut ? "it took too long, or gave way to others" : tls_session_failure(&c->tls);
    log_notice("handshake-failed", LOG_TEXT("peer", str_from(address_text(c->peer.address, peer))),
               LOG_TEXT("reason", str_from(reason)));
}

void http_handshake_end(struct http_connection *c)
{
    if (c->is_watched)
        epoll_ctl(c->server->peers_epoll, EPOLL_CTL_DEL, c->fd, NULL);
    if (c->handshake != HANDSHAKE_NONE)
        log_failure(c);
    move(c, HANDSHAKE_NONE);
    tls_session_end(&c->tls);
}

/* Where it resumes a connection, libmicrohttpd looks whether there is something to read. */
static void look_again(struct http_connection *c)
{
    if (c->handshake != HANDSHAKE_NONE || (c->request && c->request->suspended))
        return; /* it is going to be resumed */
    MHD_suspend_connection(c->m);
    MHD_resume_connection(c->m);
    http_engine_pump_soon(c->engine);
}

void http_handshakes_settle(struct http_server *s)
{
    struct http_connection *c;
    while ((c = TAILQ_FIRST(&s->handshakes[HANDSHAKE_RUNS])) != NULL) {
        if (tls_session_is_done(&c->tls)) {
            move(c, HANDSHAKE_NONE);
            continue;
        }
        move(c, HANDSHAKE_WAITS);
        MHD_suspend_connection(c->m);
        watch(c, tls_session_wants_write(&c->tls) ? EPOLLOUT : EPOLLIN);
    }
    while ((c = tls_take_stalled(s->tls)) != NULL)
        look_again(c);
}

void http_handshake_resume(struct http_connection *c)
{
    move(c, HANDSHAKE_RUNS);
    MHD_resume_connection(c->m);
    http_engine_pump_soon(c->engine);
}

void http_handshakes_resume(struct http_server *s)
{
    while (!TAILQ_EMPTY(&s->handshakes[HANDSHAKE_WAITS]))
        http_handshake_resume(TAILQ_FIRST(&s->handshakes[HANDSHAKE_WAITS]));
}

void http_handshakes_make_room(struct http_server *s)
{
    struct http_connection *c = TAILQ_FIRST(&s->handshakes[HANDSHAKE_WAITS]);
    if (s->handshakes_n < HANDSHAKES_MAX || !c)
        return;
    http_refusals_count(&s->refusals, REFUSE_HANDSHAKE, c->peer.address);
    http_connection_cut(c);
    move(c, HANDSHAKE_NONE);
}

static void on_peer(struct http_connection *c)
{
    http_connection_check(c);
    if (c->handshake == HANDSHAKE_WAITS)
        http_handshake_resume(c);
    else if (c->request && c->request->suspended && c->phase == PHASE_SUSPENDED)
        http_request_abandon(c->request);
}

/* None of them is freed before libmicrohttpd's next run. */
static void on_peers(uv_poll_t *watch, int status, int events)
{
    struct http_server *s = watch->data;
    struct epoll_event ready[EVENTS_MAX];
    int n = epoll_wait(s->peers_epoll, ready, EVENTS_MAX, 0);
    (void)status;
    (void)events;
    for (int i = 0; i < n; i++)
        on_peer(ready[i].data.ptr);
    http_engine_pump(&s->engines[ENGINE_TLS]);
}

int http_handshakes_start(struct http_server *s)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    int r = fd < 0 ? -errno : uv_poll_init(s->loop, &s->peers_watch, fd);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    s->peers_epoll = fd;
    s->peers_watch.data = s;
    s->handles++;
    return uv_poll_start(&s->peers_watch, UV_READABLE, on_peers);
}
