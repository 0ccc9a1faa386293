/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads of what a refused peer sent; a peer that sends more gets a reset. */
#define DROP_READS_MAX 16

/* Answers without libmicrohttpd, which would close in silence. What the peer sent is read first:
 * closing a socket with unread bytes sends a reset, which overtakes the answer. */
static void refuse_connection(struct http_engine *g, int fd, enum http_refusal reason,
                              struct address peer)
{
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                               "Content-Type: text/plain\r\nContent-Length: 42\r\n"
                               "Connection: close\r\n\r\n"
                               "too many connections: try again in a while";
    static const char not_tls[] = "HTTP/1.1 400 Bad Request\r\n"
                                  "Content-Type: text/plain\r\nContent-Length: 52\r\n"
                                  "Connection: close\r\n\r\n"
                                  "this port speaks TLS: the URL must begin with https:";
    bool is_tls = http_engine_is_tls(g);
    char drop[4096];
    for (int i = 0; i < DROP_READS_MAX && recv(fd, drop, sizeof(drop), MSG_DONTWAIT) > 0; i++)
        ;
    if (reason == REFUSE_NOT_TLS)
        send(fd, not_tls, sizeof(not_tls) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (!is_tls) /* before a handshake TLS has no words for it */
        send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    http_refusals_count(&g->server->refusals, reason, peer);
}

/* --- Listeners ----------------------------------------------------------------------------- */

/* Where half of all connections are taken, an address that has so many gets no more. */
#define FEW_CONNECTIONS 8

/* Connections taken in one go, before existing ones get their turn. */
#define ACCEPT_BATCH_MAX 64
/* The same with TLS, where each costs some 0.3 ms of CPU. */
#define ACCEPT_TLS_BATCH_MAX 4
/* Events with one connection each, after which we look whether more are waiting. */
#define ACCEPT_SINGLES 8

/* The oldest connection that has sent no request gives way: of the same engine, or of the other. */
static bool make_room(struct http_engine *g)
{
    struct http_server *s = g->server;
    struct http_engine *other = &s->engines[http_engine_is_tls(g) ? ENGINE_PLAIN : ENGINE_TLS];
    return http_connections_make_room(g) || http_connections_make_room(other);
}

/* Without a free descriptor accept4 does not look whether there is a connection. */
static bool is_waited_for(const struct http_listener *l)
{
    struct pollfd waiting = {.fd = l->fd, .events = POLLIN};
    return poll(&waiting, 1, 0) > 0;
}

/* Without a free descriptor the connection would stay in the queue and keep the listener readable:
 * the spare descriptor is closed to accept and refuse it. A reload on its own thread may take that
 * descriptor first; the spare is then opened again as soon as one is free. */
static bool refuse_without_descriptors(struct http_listener *l)
{
    struct http_server *s = l->engine->server;
    if (!is_waited_for(l))
        return false;
    if (make_room(l->engine))
        return true;
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        refuse_connection(l->engine, fd, REFUSE_DESCRIPTORS, (struct address){0});
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

/* What one engine may have: where there are two, a quarter of all is left for the other. */
static uint32_t quota(const struct http_server *s)
{
    uint32_t most = s->limits.connections;
    return s->engines[ENGINE_TLS].daemon ? most - most / 4 : most;
}

/* A peer that does not speak TLS where we do: every record of a handshake begins with this byte. */
static bool is_not_tls(const struct http_connection *arriving)
{
    char first;
    return http_engine_is_tls(arriving->engine) &&
           recv(arriving->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first != 22;
}

/* REFUSE_REASONS: it is taken. */
static enum http_refusal may_enter(struct http_server *s, const struct http_connection *arriving,
                                   bool is_local)
{
    struct http_engine *g = arriving->engine;
    uint32_t most = s->limits.connections, its = s->peers[arriving->peer_slot];
    if (is_local)
        return s->connections_n < most + LOCAL_RESERVE ? REFUSE_REASONS : REFUSE_FULL;
    if (its >= s->limits.connections_per_address)
        return REFUSE_PEER_FULL;
    if (its >= FEW_CONNECTIONS && s->connections_n >= most / 2)
        return REFUSE_BUSY;
    if (g->connections_n >= quota(s) && !http_connections_make_room(g))
        return REFUSE_FULL;
    if (s->connections_n >= most && !make_room(g))
        return REFUSE_FULL;
    return is_not_tls(arriving) ? REFUSE_NOT_TLS : REFUSE_REASONS;
}

void http_connection_admit(struct http_connection *arriving)
{
    struct http_server *s = arriving->server;
    struct http_engine *g = arriving->engine;
    bool is_local = arriving->principal.kind == PRINCIPAL_SOCKET;
    arriving->peer_slot = http_connection_slot(arriving->peer.address);
    enum http_refusal refusal = may_enter(s, arriving, is_local);
    if (refusal != REFUSE_REASONS) {
        refuse_connection(g, arriving->fd, refusal, arriving->peer.address);
        return;
    }
    if (http_engine_is_tls(g))
        http_handshakes_make_room(s);
    struct sockaddr_storage from = {.ss_family = AF_UNIX};
    socklen_t size = is_local ? sizeof(sa_family_t) : socket_address(arriving->peer, &from);
    s->arriving = arriving;
    /* It closes the descriptor on failure. */
    MHD_add_connection(g->daemon, arriving->fd, (const struct sockaddr *)&from, size);
    s->arriving = NULL;
}

static void accept_connection(const struct http_listener *l, int fd,
                              const struct sockaddr_storage *from)
{
    struct http_server *s = l->engine->server;
    struct http_connection arriving = {
        .server = s, .engine = l->engine, .peer = socket_peer(from), .fd = fd, .listener = l->kind};
    if (from->ss_family == AF_UNIX)
        arriving.principal =
            (struct principal){.kind = PRINCIPAL_SOCKET, .uid = socket_peer_uid(fd)};
    if (http_is_proxy(s, arriving.peer.address))
        http_proxied_begin(&arriving);
    else
        http_connection_admit(&arriving);
}

/* False where none is waiting, or none can be taken for now. */
static bool accept_one(struct http_listener *l)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    int fd = accept4(l->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        accept_connection(l, fd, &from);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE)
        return refuse_without_descriptors(l);
    return errno == ECONNABORTED || errno == EINTR;
}

void http_accept_rest(struct http_listener *l)
{
    while (accept_one(l))
        ;
}

/* An accept4 that finds nothing costs a system call, and there would be one for each connection
 * that comes alone. So as many are taken as were waiting last time, and more only once that many
 * were there again. The rest makes the listener readable again. */
static void on_acceptable(uv_poll_t *watch, int status, int events)
{
    struct http_listener *l = watch->data;
    unsigned n = 0, most = http_engine_is_tls(l->engine) ? ACCEPT_TLS_BATCH_MAX : ACCEPT_BATCH_MAX;
    (void)status;
    (void)events;
    while (n < l->batch && accept_one(l))
        n++;
    if (n < l->batch)
        l->batch = n ? n : 1;
    else if (n == 1)
        l->batch += ++l->singles % ACCEPT_SINGLES == 0;
    else
        l->batch = n < most / 2 ? 2 * n : most;
    http_engine_pump(l->engine);
}

int http_server_listen(struct http_server *s, const struct listener *described, struct err *e)
{
    struct http_engine *g = &s->engines[described->tls ? ENGINE_TLS : ENGINE_PLAIN];
    if (described->tls && !s->tls)
        return err_set(e, -ENOKEY, "%s: there is no certificate to speak TLS with",
                       described->name);
    int r = http_engine_start(g, e);
    if (r < 0)
        return r;
    struct http_listener *l = MEM_NEW(struct http_listener);
    r = uv_poll_init(s->loop, &l->watch, described->fd);
    if (r < 0) {
        free(l);
        return err_errno(e, r, "%s: cannot watch the socket", described->name);
    }
    l->engine = g;
    l->fd = described->fd;
    l->kind = described->kind;
    l->batch = 1;
    l->watch.data = l;
    LIST_INSERT_HEAD(&s->listeners, l, entry);
    uv_poll_start(&l->watch, UV_READABLE, on_acceptable);
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void http_listener_close(struct http_listener *l)
{
    LIST_REMOVE(l, entry);
    uv_close((uv_handle_t *)&l->watch, on_listener_closed);
    close(l->fd);
}
