/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, exchanges that wait, streams, secrets and unix sockets, over a port of the test's own. */
#include "lib/unit.h"

#include "net/http/http.h"
#include "net/socket.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#define TALK_MAX 65536

/* The path of a request decides what the port does. */
static struct {
    uv_loop_t loop;
    uv_timer_t waker;
    uv_async_t talked;
    struct http_server *server;
    struct exchange_port port;
    struct waiter waiting; /* to be woken by on_waker */
    struct slot_ref stale; /* of an exchange that has ended */
    unsigned steps, ended, wakes_left;
    uint32_t uid;
    char bearer[64];
    struct str kept; /* in the exchange's arena */
    bool secret;
    bool drained;
} world;

static enum exchange_verdict on_step(struct exchange *x, void *state);

static void on_begin(void *cls, struct exchange *x)
{
    (void)cls;
    x->next = on_step;
    if (x->in.method == METHOD_POST)
        x->body_max_bytes = 20000;
    if (str_is(x->in.path, "/early")) {
        x->out.status = 403;
        x->out.body = STR("not you\n");
    }
}

static void on_waker(uv_timer_t *timer)
{
    (void)timer;
    waiter_wake((struct waiter){world.waiting.wake, world.stale});
    waiter_wake((struct waiter){world.waiting.wake, {9999, 1}});
    waiter_wake(world.waiting);
}

static enum exchange_verdict wait_for_waker(struct exchange *x)
{
    if (world.wakes_left == 0)
        return EXCHANGE_DONE;
    world.wakes_left--;
    world.waiting = x->waiter;
    uv_timer_start(&world.waker, on_waker, 0, 0);
    return exchange_wait(x, on_step, NULL);
}

static enum exchange_verdict step_stream(struct exchange *x)
{
    x->out.status = 200;
    x->out.stream = true;
    buf_printf(&x->body, "event %u\n", world.steps);
    return wait_for_waker(x);
}

static void on_drained(void *cls)
{
    (void)cls;
    world.drained = true;
    http_server_free(world.server);
    uv_close((uv_handle_t *)&world.waker, NULL);
    uv_close((uv_handle_t *)&world.talked, NULL);
}

static void on_time_to_stop(uv_timer_t *timer)
{
    (void)timer;
    http_server_drain(world.server, 0, on_drained, NULL);
}

static enum exchange_verdict on_step(struct exchange *x, void *state)
{
    (void)state;
    world.steps++;
    world.uid = x->in.principal.uid;
    world.secret = x->is_secret;
    world.kept = arena_str(&x->arena, x->in.bearer.p ? x->in.bearer : STR("no bearer"));
    snprintf(world.bearer, sizeof(world.bearer), "%.*s", STR_ARG(world.kept));
    if (str_is(x->in.path, "/later")) {
        x->out.status = 503;
        x->out.retry_after_s = 7;
        return EXCHANGE_DONE;
    }
    if (str_is(x->in.path, "/stream"))
        return step_stream(x);
    if (str_is(x->in.path, "/wait") && wait_for_waker(x) == EXCHANGE_WAIT)
        return EXCHANGE_WAIT;
    if (str_is(x->in.path, "/self")) { /* woken before it is suspended */
        waiter_wake(x->waiter);
        if (world.steps < 3)
            return exchange_wait(x, on_step, NULL);
        x->out.status = 200;
        return EXCHANGE_DONE;
    }
    if (str_is(x->in.path, "/never")) {
        uv_timer_start(&world.waker, on_time_to_stop, 0, 0);
        return exchange_wait(x, on_step, NULL);
    }
    x->out.status = 200;
    x->out.body = arena_printf(&x->arena, "%zu %.*s %.*s", x->in.body.n,
                               (int)(x->in.body.n < 100 ? x->in.body.n : 0), x->in.body.p,
                               STR_ARG(x->in.query));
    return EXCHANGE_DONE;
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    world.ended++;
    world.stale = x->waiter.ref;
}

/* --- The world and a client on a thread of its own ------------------------------------------ */

static void on_talked(uv_async_t *async)
{
    (void)async;
    uv_stop(&world.loop);
}

static int open_world(void **state)
{
    static const struct http_limits limits = {100, 100, 60000, 60000};
    struct err e;
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&world, 0, sizeof(world));
    world.port = (struct exchange_port){.begin = on_begin, .end = on_end};
    uv_loop_init(&world.loop);
    uv_timer_init(&world.loop, &world.waker);
    uv_async_init(&world.loop, &world.talked, on_talked);
    return http_server_new(&world.loop, &world.port, NULL, &limits, &world.server, &e);
}

static int close_world(void **state)
{
    (void)state;
    http_server_drain(world.server, 0, on_drained, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_true(world.drained);
    return uv_loop_close(&world.loop);
}

struct talk {
    int fd;
    const char *say;
    size_t say_n;
    char heard[TALK_MAX];
};

static void *talk(void *cls)
{
    struct talk *t = cls;
    size_t n = 0;
    ssize_t got;
    for (size_t at = 0; at < t->say_n;) {
        ssize_t sent = write(t->fd, t->say + at, t->say_n - at);
        if (sent < 0)
            break;
        at += (size_t)sent;
    }
    while ((got = read(t->fd, t->heard + n, TALK_MAX - 1 - n)) > 0)
        n += (size_t)got;
    t->heard[n] = '\0';
    close(t->fd);
    uv_async_send(&world.talked);
    return NULL;
}

static int connect_to(int listening)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof(at);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &size), 0);
    int fd = socket(at.ss_family, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, size), 0);
    return fd;
}

static int listen_tcp(void)
{
    struct endpoint any;
    struct err e;
    assert_true(endpoint_parse(STR("127.0.0.1:0"), &any));
    int fd = socket_listen(any, &e);
    assert_true(fd >= 0);
    const struct listener l = {.fd = fd, .kind = LISTENER_BOOT, .name = "http"};
    assert_int_equal(http_server_listen(world.server, &l, &e), 0);
    return fd;
}

/* All that the server sends until it closes. */
static const char *answer_at(int listening, const char *say, size_t say_n)
{
    static struct talk t;
    pthread_t thread;
    t = (struct talk){.fd = connect_to(listening), .say = say, .say_n = say_n};
    assert_int_equal(pthread_create(&thread, NULL, talk, &t), 0);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    return t.heard;
}

static const char *answer(const char *say)
{
    return answer_at(listen_tcp(), say, strlen(say));
}

#define HEAD(method, path) method " " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

/* --- The tests ------------------------------------------------------------------------------ */

static void a_body_comes_whole(void **state)
{
    (void)state;
    const char *got = answer(HEAD("POST", "/echo?a=1&b=%20") "Content-Length: 5\r\n\r\nhello");
    assert_contains(got, "HTTP/1.1 200 OK");
    assert_contains(got, "5 hello a=1&b=%20");
}

static void a_chunked_body_comes_whole(void **state)
{
    (void)state;
    const char *got = answer(HEAD("POST", "/echo") "Transfer-Encoding: chunked\r\n\r\n"
                                                   "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    assert_contains(got, "5 hello ");
}

static void a_large_body_comes_whole(void **state)
{
    static const char head[] = HEAD("POST", "/echo") "Content-Length: 20000\r\n\r\n";
    static char say[sizeof(head) + 20000];
    (void)state;
    memset(say, 'x', sizeof(say));
    memcpy(say, head, sizeof(head) - 1);
    assert_contains(answer_at(listen_tcp(), say, sizeof(head) - 1 + 20000), "20000 ");
}

/* Some readers end a line there, and would see another request. */
static void a_bare_cr_is_refused(void **state)
{
    (void)state;
    const char *got = answer("GET /echo HTTP/1.1\r\nHost: x\rContent-Length: 9\r\n\r\n");
    assert_contains(got, "HTTP/1.1 400 ");
    assert_contains(got, "a CR that does not end a line\n");
    assert_contains(answer("GET /echo HTTP/1.1\r\nHost: x\r\nA\rB: c\r\n\r\n"), " 400 ");
    assert_contains(answer("GET /ec\rho HTTP/1.1\r\nHost: x\r\n\r\n"), " 400 ");
    assert_contains(answer("GET /echo?\r HTTP/1.1\r\nHost: x\r\n\r\n"), " 400 ");
    assert_int_equal(world.steps, 0);
}

static void a_body_too_large_is_refused(void **state)
{
    (void)state;
    const char *got = answer(HEAD("POST", "/echo") "Content-Length: 20001\r\n\r\n");
    assert_contains(got, "HTTP/1.1 413 ");
    assert_contains(got, "too large\n");
    assert_int_equal(world.steps, 0);
}

static void a_chunked_body_too_large_ends_it(void **state)
{
    static char say[40000];
    (void)state;
    int n = snprintf(say, sizeof(say),
                     HEAD("POST", "/echo") "Transfer-Encoding: chunked\r\n\r\n"
                                           "7000\r\n%028672d\r\n0\r\n\r\n",
                     0);
    const char *got = answer_at(listen_tcp(), say, (size_t)n);
    assert_contains(got, "HTTP/1.1 413 ");
    assert_contains(got, "too large\n");
    assert_null(strstr(got + 1, "HTTP/1.1"));
    assert_int_equal(world.steps, 0);
    assert_int_equal(world.ended, 1);
}

static void an_early_answer_reads_no_body(void **state)
{
    (void)state;
    const char *got = answer("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
    assert_contains(got, "HTTP/1.1 403 ");
    assert_contains(got, "Connection: close");
    assert_contains(got, "not you\n");
    assert_int_equal(world.steps, 0);
}

static void a_body_that_nobody_wants_ends_the_connection(void **state)
{
    (void)state;
    const char *got = answer("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    assert_contains(got, "Connection: close");
    assert_contains(got, "0 ");
}

static void who_waits_is_woken(void **state)
{
    (void)state;
    world.wakes_left = 3;
    const char *got = answer(HEAD("POST", "/wait") "Content-Length: 2\r\n\r\nhi");
    assert_contains(got, "2 hi ");
    assert_int_equal(world.steps, 4);
    assert_int_equal(world.ended, 1);
}

static void who_is_woken_at_once_goes_on(void **state)
{
    (void)state;
    assert_contains(answer(HEAD("GET", "/self") "\r\n"), "HTTP/1.1 200 ");
    assert_int_equal(world.steps, 3);
}

/* libmicrohttpd looks after the connection that has been idle for longest whatever else it does: so
 * that is another one. */
static void a_peer_that_has_closed_its_side_is_answered(void **state)
{
    static const char say[] = HEAD("GET", "/wait") "\r\n";
    (void)state;
    world.wakes_left = 3;
    int listening = listen_tcp(), idle = connect_to(listening);
    struct talk t = {.fd = connect_to(listening)};
    pthread_t thread;
    assert_int_equal(write(idle, say, 1), 1);
    assert_int_equal(write(t.fd, say, sizeof(say) - 1), sizeof(say) - 1);
    assert_int_equal(shutdown(t.fd, SHUT_WR), 0);
    assert_int_equal(pthread_create(&thread, NULL, talk, &t), 0);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    close(idle);
    assert_contains(t.heard, "HTTP/1.1 200 OK");
    assert_int_equal(world.steps, 4);
    assert_int_equal(world.ended, 1);
}

static void keep_alive_outlives_a_wait(void **state)
{
    (void)state;
    world.wakes_left = 1;
    const char *got = answer("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none" HEAD(
        "POST", "/echo") "Content-Length: 3\r\n\r\ntwo");
    assert_contains(got, "3 one ");
    assert_contains(got, "3 two ");
    assert_int_equal(world.ended, 2);
}

/* libmicrohttpd would keep each argument of a query in the connection's memory, where so many do
 * not fit. */
static void a_query_of_many_arguments_is_passed_on(void **state)
{
    static char say[3600];
    (void)state;
    int n = snprintf(say, sizeof(say), "GET /echo?");
    while (n < 3000)
        n += snprintf(say + n, sizeof(say) - (size_t)n, "a&");
    n += snprintf(say + n, sizeof(say) - (size_t)n,
                  " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const char *got = answer_at(listen_tcp(), say, (size_t)n);
    assert_contains(got, "HTTP/1.1 200 OK");
    assert_contains(got, "a&a&a&");
    assert_int_equal(world.steps, 1);
    assert_int_equal(world.ended, 1);
}

static void not_yet_says_when(void **state)
{
    (void)state;
    const char *got = answer(HEAD("GET", "/later") "\r\n");
    assert_contains(got, "HTTP/1.1 503 ");
    assert_contains(got, "Retry-After: 7\r\n");
}

static void is_bearer(const char *header, const char *bearer, bool secret)
{
    char say[200];
    int n = snprintf(say, sizeof(say), HEAD("GET", "/echo") "%s\r\n", header);
    assert_contains(answer_at(listen_tcp(), say, (size_t)n), "HTTP/1.1 200 ");
    assert_string_equal(world.bearer, bearer);
    assert_int_equal(world.secret, secret);
}

static void a_bearer_is_passed_on(void **state)
{
    (void)state;
    is_bearer("", "no bearer", false);
    is_bearer("Authorization: Bearer abc-._~+/123==\r\n", "abc-._~+/123==", true);
    is_bearer("authorization: bearer  x \r\n", "x", true);
    is_bearer("Authorization: Basic eDp5\r\n", "no bearer", true);
    is_bearer("Authorization: Bearer \r\n", "no bearer", true);
    is_bearer("", "no bearer", false);
    const char *got = answer(HEAD("GET", "/echo") "Authorization: Bearer a\r\n"
                                                  "Authorization: Bearer b\r\n\r\n");
    assert_contains(got, "HTTP/1.1 400 ");
    assert_contains(got, "more than one Authorization header\n");
}

/* The memory that the next request is served from. */
static void a_bearer_is_wiped(void **state)
{
    (void)state;
    is_bearer("", "no bearer", false);
    assert_memory_equal(world.kept.p, "no bearer", 9); /* still there: it was not a secret */
    is_bearer("Authorization: Bearer 0123456789\r\n", "0123456789", true);
    for (size_t i = 0; i < world.kept.n; i++)
        assert_int_equal(world.kept.p[i], 0);
}

static void a_stream_comes_by_steps(void **state)
{
    (void)state;
    world.wakes_left = 2;
    const char *got = answer(HEAD("GET", "/stream") "\r\n");
    assert_contains(got, "Transfer-Encoding: chunked");
    assert_contains(got, "event 1\n");
    assert_contains(got, "event 3\n");
    assert_int_equal(world.steps, 3);
}

/* A suspended request is cut at the end of the drain, and its exchange ends. */
static void a_drain_ends_who_waits(void **state)
{
    (void)state;
    assert_string_equal(answer(HEAD("GET", "/never") "\r\n"), "");
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_true(world.drained);
    assert_int_equal(world.ended, 1);
    assert_int_equal(uv_loop_close(&world.loop), 0);
}

static void a_unix_socket_tells_who_asks(void **state)
{
    char folder[] = "/tmp/cloudseed-http.XXXXXX", path[64];
    struct err e;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    int fd = socket_listen_unix(path, 0600, &e);
    assert_true(fd >= 0);
    const struct listener l = {.fd = fd, .kind = LISTENER_SOCKET, .name = "socket"};
    assert_int_equal(http_server_listen(world.server, &l, &e), 0);
    world.uid = 12345;
    static const char say[] = HEAD("GET", "/echo") "\r\n";
    assert_contains(answer_at(fd, say, sizeof(say) - 1), "HTTP/1.1 200 ");
    assert_int_equal(world.uid, getuid());
    unlink(path);
    rmdir(folder);
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

UNIT_MAIN(IN_WORLD(a_body_comes_whole), IN_WORLD(a_chunked_body_comes_whole),
          IN_WORLD(a_large_body_comes_whole), IN_WORLD(a_bare_cr_is_refused),
          IN_WORLD(a_body_too_large_is_refused), IN_WORLD(a_chunked_body_too_large_ends_it),
          IN_WORLD(an_early_answer_reads_no_body),
          IN_WORLD(a_body_that_nobody_wants_ends_the_connection), IN_WORLD(who_waits_is_woken),
          IN_WORLD(who_is_woken_at_once_goes_on), IN_WORLD(keep_alive_outlives_a_wait),
          IN_WORLD(a_peer_that_has_closed_its_side_is_answered), IN_WORLD(not_yet_says_when),
          IN_WORLD(a_bearer_is_passed_on), IN_WORLD(a_bearer_is_wiped),
          IN_WORLD(a_stream_comes_by_steps), IN_WORLD(a_query_of_many_arguments_is_passed_on),
          cmocka_unit_test_setup(a_drain_ends_who_waits, open_world),
          IN_WORLD(a_unix_socket_tells_who_asks))
