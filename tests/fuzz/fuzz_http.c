/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_http: the HTTP server on a loop of its own, and one connection to it, in pieces.
 *
 * The octet 0xF7 ends a piece, and is not sent: the loop turns, and whoever waits is woken. What is
 * checked:
 * - Each request that begins ends once, and none is left when the connection has ended.
 * - What the server sends are whole answers of HTTP/1.1, one for each request that was answered,
 *   whose heads hold no control characters, with as many octets of a body as they say.
 * - Core sees no path, query or header with an octet that could end a line, and no body that is
 *   longer than it asked for.
 */
#include "net/http/http.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 3000
#define TURNS 6
#define HEARD_MAX (1 << 20)

static struct {
    uv_loop_t loop;
    struct http_server *server;
    struct exchange_port port;
    struct waiter waiting;
    struct sockaddr_un at;
    socklen_t at_size;
    unsigned begun, ended, answered, running;
    bool is_waiting;
    char heard[HEARD_MAX];
    size_t heard_n;
} world;

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

/* --- What core would do: the path decides ----------------------------------------------------- */

static void check_text(struct str s)
{
    need(!s.n || !memchr(s.p, '\n', s.n));
    need(!s.n || !memchr(s.p, '\r', s.n));
    need(!s.n || !memchr(s.p, '\0', s.n));
}

static void check_head(const struct exchange_in *in)
{
    const struct str texts[] = {
        in->path,         in->query,         in->if_none_match, in->if_match,
        in->if_range,     in->range,         in->accept,        in->accept_encoding,
        in->content_type, in->last_event_id, in->user_agent,    in->bearer,
        in->host,         in->cookie,        in->csrf,          in->fetch_site};
    need(in->path.n > 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check_text(texts[i]);
}

static enum exchange_verdict on_step(struct exchange *x, void *state);

static void on_begin(void *cls, struct exchange *x)
{
    (void)cls;
    world.begun++;
    world.running++;
    x->next = on_step;
    if (x->in.method == METHOD_POST)
        x->body_max_bytes = BODY_MAX;
    if (str_starts(x->in.path, STR("/early"))) {
        x->out.status = 403;
        x->out.body = STR("not you\n");
    }
}

static enum exchange_verdict step_stream(struct exchange *x)
{
    x->out.status = 200;
    x->out.stream = true;
    buf_str(&x->body, STR("event\n"));
    if (x->body.n > 60)
        return EXCHANGE_DONE;
    world.waiting = x->waiter;
    world.is_waiting = true;
    return exchange_wait(x, on_step, NULL);
}

static enum exchange_verdict on_step(struct exchange *x, void *state)
{
    check_head(&x->in);
    need(x->in.body.n <= (x->in.method == METHOD_POST ? BODY_MAX : 0));
    if (str_starts(x->in.path, STR("/stream")))
        return step_stream(x);
    if (str_starts(x->in.path, STR("/wait")) && !state) {
        world.waiting = x->waiter;
        world.is_waiting = true;
        return exchange_wait(x, on_step, x);
    }
    x->out.status = str_starts(x->in.path, STR("/later")) ? 503 : 200;
    x->out.retry_after_s = x->out.status == 503 ? 7 : 0;
    x->out.etag = "\"abc\"";
    x->out.body = arena_printf(&x->arena, "%zu %.*s", x->in.body.n, STR_ARG(x->in.query));
    return EXCHANGE_DONE;
}

static void on_refuse(void *cls, struct exchange *x, int status, const char *reason)
{
    (void)cls;
    need(status >= 400 && status < 600 && reason && !strchr(reason, '\n'));
    x->out.body = str_from(reason);
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    world.ended++;
    need(world.running > 0);
    world.running--;
    world.answered += x->out.status != 0;
    if (world.is_waiting && world.waiting.ref.slot == x->waiter.ref.slot)
        world.is_waiting = false;
}

/* --- The server ------------------------------------------------------------------------------- */

static void listen_here(void)
{
    world.at = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(world.at.sun_path + 1, sizeof(world.at.sun_path) - 1, "cloudseed-fuzz-%d",
                     (int)getpid());
    world.at_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    need(fd >= 0 && bind(fd, (struct sockaddr *)&world.at, world.at_size) == 0);
    need(listen(fd, 8) == 0);
    const struct listener l = {.fd = fd, .kind = LISTENER_BOOT, .name = "fuzz"};
    struct err e;
    need(http_server_listen(world.server, &l, &e) == 0);
}

static void on_drained(void *cls)
{
    (void)cls;
    http_server_free(world.server);
}

static void end_world(void)
{
    http_server_drain(world.server, 0, on_drained, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    uv_loop_close(&world.loop);
}

static void make_world(void)
{
    static const struct http_limits limits = {10, 10, 60000, 60000};
    struct err e;
    signal(SIGPIPE, SIG_IGN);
    world.port = (struct exchange_port){.begin = on_begin, .refuse = on_refuse, .end = on_end};
    need(uv_loop_init(&world.loop) == 0);
    need(http_server_new(&world.loop, &world.port, NULL, &limits, &world.server, &e) == 0);
    listen_here();
    atexit(end_world);
}

/* --- The client ------------------------------------------------------------------------------- */

/* False where the server has closed. */
static bool hear(int fd)
{
    ssize_t n;
    while (world.heard_n < HEARD_MAX &&
           (n = read(fd, world.heard + world.heard_n, HEARD_MAX - world.heard_n)) > 0)
        world.heard_n += (size_t)n;
    return world.heard_n < HEARD_MAX && n < 0 && errno == EAGAIN;
}

static bool turn(int fd)
{
    for (int i = 0; i < TURNS; i++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        if (!hear(fd))
            return false;
    }
    if (world.is_waiting) {
        world.is_waiting = false;
        waiter_wake(world.waiting);
    }
    return true;
}

static void say(int fd, struct str text)
{
    while (text.p) {
        struct str piece = str_cut(&text, '\xF7');
        while (piece.n) {
            ssize_t n = write(fd, piece.p, piece.n);
            if (n < 0 && errno != EAGAIN)
                return;
            piece = str_skip(piece, n > 0 ? (size_t)n : 0);
            if (!turn(fd))
                return;
        }
        if (!turn(fd))
            return;
    }
}

/* --- What it heard ---------------------------------------------------------------------------- */

static struct str cut_line(struct str *rest)
{
    const char *end = memmem(rest->p, rest->n, "\r\n", 2);
    need(end != NULL);
    struct str line = {rest->p, (size_t)(end - rest->p)};
    *rest = str_skip(*rest, line.n + 2);
    for (size_t i = 0; i < line.n; i++)
        need((unsigned char)line.p[i] >= 0x20);
    return line;
}

/* Chunks to their end; false where the connection ended before. */
static bool skip_chunks(struct str *rest)
{
    for (;;) {
        if (!memmem(rest->p, rest->n, "\r\n", 2))
            return false;
        unsigned long n = strtoul(cut_line(rest).p, NULL, 16);
        if (rest->n < n + 2)
            return false;
        *rest = str_skip(*rest, n);
        need(str_starts(*rest, STR("\r\n")));
        *rest = str_skip(*rest, 2);
        if (!n)
            return true;
    }
}

/* One answer; false where it is the last, as its body was cut off. HEAD is not asked for. */
static bool check_answer(struct str *rest)
{
    struct str line = cut_line(rest);
    uint64_t length = 0;
    bool is_chunked = false;
    need(str_starts(line, STR("HTTP/1.1 ")) || str_starts(line, STR("HTTP/1.0 ")));
    bool is_bodiless = memcmp(line.p + 9, "304", 3) == 0 || line.p[9] == '1';
    while ((line = cut_line(rest)).n) {
        struct str name = str_cut(&line, ':');
        need(name.n && line.p);
        if (str_eq_nocase(name, STR("Content-Length")))
            need(str_to_u64(str_trim(line), UINT64_MAX, &length));
        is_chunked |= str_eq_nocase(name, STR("Transfer-Encoding"));
    }
    if (is_bodiless)
        return true;
    if (is_chunked)
        return skip_chunks(rest);
    bool whole = rest->n >= length;
    *rest = str_skip(*rest, length);
    return whole;
}

static void check_heard(bool has_heads)
{
    struct str rest = {world.heard, world.heard_n};
    while (rest.n && memmem(rest.p, rest.n, "\r\n\r\n", 4)) {
        if (has_heads)
            return; /* where a body follows cannot be told */
        if (!check_answer(&rest))
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!world.server)
        make_world();
    world.begun = world.ended = world.answered = 0;
    world.heard_n = 0;
    world.is_waiting = false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(fd >= 0 && connect(fd, (struct sockaddr *)&world.at, world.at_size) == 0);
    need(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    say(fd, (struct str){(const char *)data, size});
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 4 && turn(fd); i++)
        ;
    close(fd);
    for (int i = 0; i < 100 && (http_server_connections(world.server) || world.running); i++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        if (world.is_waiting)
            waiter_wake(world.waiting);
    }
    need(world.begun == world.ended && http_server_connections(world.server) == 0);
    need(http_server_requests(world.server) == 0);
    check_heard(memmem(data, size, "HEAD", 4));
    return 0;
}
