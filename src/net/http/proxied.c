/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/mem.h"
#include "wire/proxyhead.h"

#include <stdlib.h>
#include <unistd.h>

/*
 * A connection from a proxy begins with a head that says who its client is (wire/proxyhead.h), and
 * becomes a connection of that client once the head is whole. The head is read only then, as what
 * comes behind it is libmicrohttpd's: until then it is looked at where it lies, and the descriptor
 * becomes readable again only when there is more of it.
 */

/* As the protocol wants: long enough for a segment that is sent a second time. */
#define HEAD_MS 5000
/* The one that has waited longest gives way. */
#define PROXIED_MAX 1024

struct http_proxied {
    TAILQ_ENTRY(http_proxied) entry;
    struct http_connection arriving; /* of the proxy */
    uv_poll_t watch;
    uv_timer_t deadline;
    unsigned handles; /* of the two that are open */
    size_t looked_at; /* bytes of the head that have come */
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_proxied *p = handle->data;
    if (--p->handles == 0)
        free(p);
}

/* The descriptor stays open. */
static int leave(struct http_proxied *p)
{
    struct http_server *s = p->arriving.server;
    TAILQ_REMOVE(&s->proxied, p, entry);
    s->proxied_n--;
    uv_close((uv_handle_t *)&p->watch, on_handle_closed);
    uv_close((uv_handle_t *)&p->deadline, on_handle_closed);
    return p->arriving.fd;
}

/* A proxy that looks whether we are there may send nothing. */
static void give_up(struct http_proxied *p)
{
    if (p->looked_at)
        http_refusals_count(&p->arriving.server->refusals, REFUSE_NOT_PROXIED,
                            p->arriving.peer.address);
    close(leave(p));
}

/* Takes the head out of the socket. */
static void read_head(int fd, const struct proxyhead *head)
{
    char bytes[PROXYHEAD_MAX_BYTES];
    ssize_t n = recv(fd, bytes, head->size, MSG_DONTWAIT);
    assert(n == (ssize_t)head->size); /* it was there, and nobody else reads */
    socket_set(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
}

static void on_whole(struct http_proxied *p, const struct proxyhead *head)
{
    struct http_connection arriving = p->arriving;
    leave(p);
    read_head(arriving.fd, head);
    if (head->client.address.family)
        arriving.peer = head->client;
    http_connection_admit(&arriving);
}

static void on_readable(uv_poll_t *watch, int status, int events)
{
    struct http_proxied *p = watch->data;
    struct http_engine *g = p->arriving.engine;
    char bytes[PROXYHEAD_MAX_BYTES];
    struct proxyhead head;
    ssize_t n = recv(p->arriving.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
    enum proxyhead_verdict verdict = PROXYHEAD_BAD;
    (void)status;
    (void)events;
    if (n > (ssize_t)p->looked_at) { /* or the peer has closed */
        p->looked_at = (size_t)n;
        verdict = proxyhead_parse((struct str){bytes, p->looked_at}, &head);
    }
    if (verdict == PROXYHEAD_WHOLE)
        on_whole(p, &head);
    else if (verdict == PROXYHEAD_MORE)
        socket_set(p->arriving.fd, SOL_SOCKET, SO_RCVLOWAT, (int)p->looked_at + 1);
    else
        give_up(p);
    http_engine_pump(g);
}

static void on_deadline(uv_timer_t *deadline)
{
    struct http_proxied *p = deadline->data;
    struct http_engine *g = p->arriving.engine;
    give_up(p);
    http_engine_pump(g); /* the server may be drained now */
}

bool http_is_proxy(const struct http_server *s, struct address peer)
{
    for (size_t i = 0; i < s->limits.proxies_n; i++) {
        if (cidr_contains(s->limits.proxies[i], peer))
            return true;
    }
    return false;
}

void http_proxied_begin(const struct http_connection *arriving)
{
    struct http_server *s = arriving->server;
    struct http_proxied *p = MEM_NEW(struct http_proxied);
    if (s->proxied_n == PROXIED_MAX)
        give_up(TAILQ_FIRST(&s->proxied));
    p->arriving = *arriving;
    p->watch.data = p->deadline.data = p;
    if (uv_poll_init(s->loop, &p->watch, arriving->fd) < 0) {
        close(arriving->fd);
        free(p);
        return;
    }
    uv_timer_init(s->loop, &p->deadline);
    p->handles = 2;
    TAILQ_INSERT_TAIL(&s->proxied, p, entry);
    s->proxied_n++;
    uv_timer_start(&p->deadline, on_deadline, HEAD_MS, 0);
    uv_poll_start(&p->watch, UV_READABLE, on_readable);
}

void http_proxied_close(struct http_server *s)
{
    while (!TAILQ_EMPTY(&s->proxied))
        close(leave(TAILQ_FIRST(&s->proxied)));
}
