/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/* --- The pump ------------------------------------------------------------------------------ */

/* Runs of libmicrohttpd in a row, before other events of the loop are served. */
#define TURNS_MAX 8
/* It never ends with a chunk whose size line, with its extension, does not fit the connection's
 * memory: it can neither take the line nor read on, and does not close. Nothing else keeps it busy
 * for so many pumps in a row without a byte of a body. */
#define SPINS_MAX 32

static void on_again(uv_idle_t *again)
{
    struct http_server *s = again->data;
    uv_idle_stop(again);
    for (int i = 0; i < ENGINES; i++) {
        if (s->engines[i].is_due)
            http_engine_pump(&s->engines[i]);
    }
}

/* Not by a timer that is due at once: before libuv 1.46 one that its own callback starts again runs
 * again within the same iteration, and nobody else does as long as that goes on. */
void http_engine_pump_soon(struct http_engine *g)
{
    g->is_due = true;
    uv_idle_start(&g->server->again, on_again);
}

static void report_drained(struct http_server *s)
{
    void (*on_drained)(void *cls) = s->on_drained;
    s->on_drained = NULL;
    if (on_drained)
        on_drained(s->drained_cls);
}

void http_engine_run(struct http_engine *g)
{
    MHD_run(g->daemon);
    http_requests_settle(g);
    if (http_engine_is_tls(g))
        http_handshakes_settle(g->server);
}

/* libmicrohttpd must be asked after each run whether it has more to do. Its own time-outs are off:
 * connection.c has the deadlines. */
void http_engine_pump(struct http_engine *g)
{
    struct http_server *s = g->server;
    MHD_UNSIGNED_LONG_LONG wait_ms;
    g->is_due = false;
    for (int i = 0; i < TURNS_MAX; i++) {
        http_engine_run(g);
        if (MHD_get_timeout(g->daemon, &wait_ms) != MHD_YES || wait_ms > 0) {
            g->spins = 0;
            break;
        }
        if (i == TURNS_MAX - 1) {
            g->spins++;
            http_engine_pump_soon(g);
        }
    }
    if (g->spins == SPINS_MAX) {
        g->spins = 0;
        http_connections_cut_stuck(g);
    }
    if (s->draining && s->connections_n == 0 && s->proxied_n == 0)
        report_drained(s);
}

/* --- Start and end ------------------------------------------------------------------------- */

/* From libmicrohttpd 0.9.77 on an added connection starts only at the next MHD_run, and not within
 * MHD_add_connection, unless it knows that one thread makes all calls. */
#if MHD_VERSION >= 0x00097707
#define SINGLE_THREADED MHD_USE_NO_THREAD_SAFETY
#else
#define SINGLE_THREADED 0
#endif

/* Requests are small, and libmicrohttpd zeroes all of it after each. 3 KiB of headers fit. */
#define CONNECTION_MEMORY_BYTES 4096

/* Its messages are not logged: request.c logs each outcome. These come before an answer that
 * libmicrohttpd would send twice. */
static void on_message(void *cls, const char *format, va_list values)
{
    (void)values;
    if (strstr(format, "Content-Length"))
        http_request_refuse_head(cls, 400, STR("Content-Length is not a number, or too large\n"));
    else if (strstr(format, "cookies") || strstr(format, "header record"))
        http_request_refuse_head(cls, 431, STR("the Cookie header is too large\n"));
}

/* Core decodes paths: libmicrohttpd would cut one at %00. */
static size_t leave_escaped(void *cls, struct MHD_Connection *m, char *text)
{
    (void)cls;
    (void)m;
    return strlen(text);
}

static int start_daemon(struct http_engine *g, struct err *e)
{
    struct http_server *s = g->server;
    const struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_certificate_callback()},
        {MHD_OPTION_END, 0, NULL}};
    bool is_tls = http_engine_is_tls(g);
    g->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ERROR_LOG | SINGLE_THREADED | (is_tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, http_request_step, s, MHD_OPTION_EXTERNAL_LOGGER, on_message, s,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->limits.connections + 2 * LOCAL_RESERVE,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION, http_connection_notice, s,
        MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, s, MHD_OPTION_NOTIFY_COMPLETED,
        http_request_end, s, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_STRICT_FOR_CLIENT,
        s->has_strict_parser ? 1 : 0, MHD_OPTION_ARRAY, is_tls ? tls_options : &tls_options[2],
        MHD_OPTION_END);
    if (!g->daemon)
        return err_errno(e, -(errno ? errno : ENOMEM), "cannot start libmicrohttpd%s",
                         is_tls ? " with TLS" : "");
    return 0;
}

static void on_ready(uv_poll_t *watch, int status, int events)
{
    (void)status;
    (void)events;
    http_engine_pump(watch->data);
}

static void stop_daemon(struct http_engine *g)
{
    if (g->daemon)
        MHD_stop_daemon(g->daemon);
    g->daemon = NULL;
}

static int watch_daemon(struct http_engine *g)
{
    int fd = MHD_get_daemon_info(g->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int r = uv_poll_init(g->server->loop, &g->watch, fd);
    if (r < 0)
        return r;
    g->server->handles++;
    g->watch.data = g;
    return uv_poll_start(&g->watch, UV_READABLE, on_ready);
}

int http_engine_start(struct http_engine *g, struct err *e)
{
    if (g->daemon)
        return 0;
    int r = start_daemon(g, e);
    if (r < 0)
        return r;
    r = watch_daemon(g);
    if (r == 0 && http_engine_is_tls(g))
        r = http_handshakes_start(g->server);
    return r < 0 ? err_errno(e, r, "cannot watch libmicrohttpd") : 0;
}

int http_server_new(uv_loop_t *loop, const struct exchange_port *port, const struct work_port *work,
                    const struct http_limits *limits, struct http_server **ret, struct err *e)
{
    struct http_server *s = MEM_NEW(struct http_server);
    s->loop = loop;
    s->port = port;
    s->work = work;
    s->limits = *limits;
    s->has_strict_parser = strverscmp(MHD_get_version(), "1.0.0") >= 0;
    s->peers_epoll = -1;
    LIST_INIT(&s->listeners);
    for (int i = 0; i < ENGINES; i++) {
        s->engines[i].server = s;
        TAILQ_INIT(&s->engines[i].silent_connections);
        LIST_INIT(&s->engines[i].held_requests);
    }
    for (int phase = 0; phase < PHASES; phase++)
        TAILQ_INIT(&s->phases[phase]);
    for (int i = 0; i < HANDSHAKE_STATES; i++)
        TAILQ_INIT(&s->handshakes[i]);
    TAILQ_INIT(&s->proxied);
    LIST_INIT(&s->opened_requests);
    SLIST_INIT(&s->spare_requests);
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uv_idle_init(loop, &s->again);
    uv_timer_init(loop, &s->deadline);
    http_refusals_init(&s->refusals, loop);
    s->handles = 3;
    s->again.data = s->deadline.data = s;
    int r = http_engine_start(&s->engines[ENGINE_PLAIN], e);
    if (r < 0) {
        http_server_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

int http_use_certificate(struct http_server *s, const char *chain_pem, const char *key_pem,
                         struct err *e)
{
    if (!s->tls)
        s->tls = tls_new();
    return tls_use(s->tls, chain_pem, key_pem, e);
}

uint32_t http_server_connections(const struct http_server *s)
{
    return s->connections_n;
}

uint32_t http_server_requests(const struct http_server *s)
{
    return s->requests_n;
}

uint64_t http_server_sent_bytes(const struct http_server *s)
{
    return s->sent_bytes;
}

static void close_listeners(struct http_server *s)
{
    while (!LIST_EMPTY(&s->listeners))
        http_listener_close(LIST_FIRST(&s->listeners));
}

void http_server_drain(struct http_server *s, uint32_t within_ms, void (*on_drained)(void *cls),
                       void *cls)
{
    struct http_listener *l;
    s->on_drained = on_drained;
    s->drained_cls = cls;
    LIST_FOREACH(l, &s->listeners, entry)
    http_accept_rest(l); /* established connections are answered */
    close_listeners(s);
    s->draining = true;
    s->drain_until_ms = uv_now(s->loop) + within_ms;
    http_connections_close_idle(s);
    for (int i = 0; i < ENGINES; i++) {
        if (s->engines[i].daemon)
            http_engine_pump_soon(&s->engines[i]);
    }
    http_connections_arm(s, s->drain_until_ms);
}

static void release(struct http_server *s)
{
    http_handshakes_resume(s);
    for (int i = 0; i < ENGINES; i++)
        stop_daemon(&s->engines[i]);
    tls_free(s->tls);
    if (s->peers_epoll >= 0)
        close(s->peers_epoll);
    http_requests_free_spare(s);
    slots_done(&s->requests);
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    free(s);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;
    if (--s->handles == 0)
        release(s);
}

void http_server_free(struct http_server *s)
{
    if (!s || s->freeing)
        return;
    s->freeing = true;
    s->on_drained = NULL;
    close_listeners(s);
    http_proxied_close(s);
    for (int i = 0; i < ENGINES; i++) {
        if (s->engines[i].watch.data) {
            s->engines[i].watch.data = s;
            uv_close((uv_handle_t *)&s->engines[i].watch, on_handle_closed);
        }
    }
    if (s->peers_watch.data)
        uv_close((uv_handle_t *)&s->peers_watch, on_handle_closed);
    uv_close((uv_handle_t *)&s->again, on_handle_closed);
    uv_close((uv_handle_t *)&s->deadline, on_handle_closed);
    http_refusals_log(&s->refusals);
    s->refusals.pause.data = s;
    uv_close((uv_handle_t *)&s->refusals.pause, on_handle_closed);
}
