/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_drive: fetches on a real loop, steered by a test in Python (tests/lib/fetching.py).
 *
 *   fetch_drive TRANSFERS PER-SERVER QUEUE
 *
 * Commands come as lines of JSON on standard input: {"do": "start", "id": …}, {"do": "take", "id"},
 * {"do": "end", "id"}, {"do": "ping"}. What happens goes to standard output the same way. At the
 * end of the input all fetches are ended, and the loop must have nothing left.
 */
#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "lib/commands.h"
#include "net/fetch/fetcher.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define IDS 4096
#define COMMAND_MAX_BYTES (16U << 20)
#define HEADERS_MAX 16
#define TEXT_MAX 65536 /* of a body, to be shown */

struct drive {
    struct fetch *fetch; /* NULL: none */
    bool manual;         /* a stream that is taken by command */
    bool quiet;          /* its body is a secret */
    bool begun, told;
    uint64_t bytes;
    struct value want; /* names of headers, in `arena` */
    struct arena arena;
};

static struct {
    uv_loop_t loop;
    struct fetcher *fetcher;
    bool inside; /* a call of the port */
    struct drive drives[IDS];
} world;

/* --- Events ----------------------------------------------------------------------------------- */

static void tell(struct value v)
{
    struct buf line;
    buf_init(&line, SIZE_MAX - 1);
    json_write(&line, v, false);
    buf_char(&line, '\n');
    fwrite(line.p, 1, line.n, stdout);
    fflush(stdout);
    buf_done(&line);
}

#define TELL(...)                                                    \
    do {                                                             \
        const struct value_pair pairs_[] = {__VA_ARGS__};            \
        tell(value_map(pairs_, sizeof(pairs_) / sizeof(pairs_[0]))); \
    } while (0)

static uint32_t id_of(const struct drive *d)
{
    return (uint32_t)(d - world.drives);
}

static void take(struct drive *d)
{
    struct str bytes;
    do {
        world.inside = true;
        bytes = fetch_take(d->fetch);
        world.inside = false;
        d->bytes += bytes.n;
        if (bytes.n || d->manual)
            TELL(JSON_INT("id", id_of(d)), JSON_STR("event", STR("bytes")),
                 JSON_STR("text", bytes));
    } while (bytes.n && !d->manual);
}

static void tell_done(struct drive *d)
{
    static const char *const reaches[] = {"nowhere", "accepted", "answered"};
    static const char *const faults[] = {"ok",   "unresolved", "unreached", "tls",
                                         "late", "too large",  "cut off",   "bad answer"};
    struct value_pair headers[HEADERS_MAX];
    size_t n = d->want.n < HEADERS_MAX ? d->want.n : HEADERS_MAX;
    for (size_t i = 0; i < n; i++) {
        struct str value = fetch_header(d->fetch, d->want.items[i].s);
        headers[i] =
            (struct value_pair){d->want.items[i], value.p ? value_str(value) : value_none()};
    }
    d->told = true;
    TELL(JSON_INT("id", id_of(d)), JSON_STR("event", STR("done")),
         JSON_STR("fault", str_from(faults[d->fetch->fault])),
         JSON_STR("reach", str_from(reaches[d->fetch->reach])),
         JSON_INT("status", d->fetch->status),
         JSON_INT("length", (int64_t)(d->fetch->body.n + d->bytes)),
         JSON_STR("body", d->quiet ? STR("") : str_head(d->fetch->body, TEXT_MAX)),
         JSON_STR("message", str_from(d->fetch->err.msg)), JSON_INT("number", d->fetch->err.code),
         JSON_VALUE("headers", value_map(headers, n)));
}

static void on_wake(void *cls, struct slot_ref ref)
{
    struct drive *d = &world.drives[ref.slot];
    (void)cls;
    if (world.inside || !d->fetch)
        abort();
    if (d->fetch->status && !d->begun && !d->fetch->done)
        TELL(JSON_INT("id", ref.slot), JSON_STR("event", STR("begun")),
             JSON_INT("status", d->fetch->status));
    d->begun = d->fetch->status != 0;
    if (!d->manual)
        take(d);
    else
        TELL(JSON_INT("id", ref.slot), JSON_STR("event", STR("woken")));
    if (d->fetch->done && !d->told)
        tell_done(d);
}

/* --- Commands --------------------------------------------------------------------------------- */

static struct str text_of(struct value map, const char *key)
{
    struct value v = value_get(map, str_from(key));
    return v.kind == VALUE_STR ? value_text(v) : (struct str){NULL, 0};
}

static int64_t number_of(struct value map, const char *key)
{
    struct value v = value_get(map, str_from(key));
    return v.kind == VALUE_INT ? v.i : 0;
}

static bool truth_of(struct value map, const char *key)
{
    struct value v = value_get(map, str_from(key));
    return v.kind == VALUE_BOOL && v.b;
}

/* The token comes with one added to each byte, so that a copy of a command that is left in memory
 * is not taken for a copy of the token. */
static struct str unmask(struct str masked, struct buf *ret)
{
    for (size_t i = 0; i < masked.n; i++)
        buf_char(ret, (char)(masked.p[i] - 1));
    return masked.p ? buf_view(ret) : masked;
}

static size_t read_headers(struct value list, struct fetch_field ret[HEADERS_MAX])
{
    size_t n = list.kind == VALUE_LIST && list.n <= HEADERS_MAX ? list.n : 0;
    for (size_t i = 0; i < n; i++) {
        const struct value *pair = list.items[i].items;
        ret[i] = (struct fetch_field){value_text(pair[0]), value_text(pair[1])};
    }
    return n;
}

static int start_fetch(struct drive *d, struct value c, struct err *e)
{
    struct fetch_field headers[HEADERS_MAX];
    struct buf token;
    buf_init(&token, 65536);
    token.secret = true;
    struct fetch_request q = {
        .method = text_of(c, "method").p,
        .url = text_of(c, "url"),
        .headers = headers,
        .n_headers = read_headers(value_get(c, STR("headers")), headers),
        .bearer = unmask(text_of(c, "bearer"), &token),
        .body = text_of(c, "body"),
        .ca = text_of(c, "ca"),
        .proxy = text_of(c, "proxy"),
        .connect_ms = (uint32_t)number_of(c, "connect_ms"),
        .answer_ms = (uint32_t)number_of(c, "answer_ms"),
        .silence_ms = (uint32_t)number_of(c, "silence_ms"),
        .whole_ms = (uint32_t)number_of(c, "whole_ms"),
        .body_max_bytes = (size_t)number_of(c, "max"),
        .stream = truth_of(c, "stream"),
        .follows = truth_of(c, "follows"),
        .repeatable = truth_of(c, "repeatable"),
        .waiter = {{on_wake, NULL}, {id_of(d), 1}},
    };
    world.inside = true;
    int r = fetch_start(fetcher_port(world.fetcher), &q, &d->fetch, e);
    world.inside = false;
    buf_done(&token);
    return r;
}

static void start(struct drive *d, struct value c)
{
    struct err e = {0};
    *d = (struct drive){.manual = truth_of(c, "manual"), .quiet = truth_of(c, "quiet")};
    arena_init(&d->arena, 1024);
    d->want = value_copy(&d->arena, value_get(c, STR("want")));
    if (start_fetch(d, c, &e) == 0)
        return;
    arena_done(&d->arena);
    TELL(JSON_INT("id", id_of(d)), JSON_STR("event", STR("refused")),
         JSON_STR("message", str_from(e.msg)), JSON_INT("number", e.code));
}

static void end(struct drive *d)
{
    world.inside = true;
    fetch_end(d->fetch);
    world.inside = false;
    if (d->fetch)
        arena_done(&d->arena);
    d->fetch = NULL;
}

static void obey(struct str line)
{
    struct arena a;
    struct value c;
    struct err e = {.msg = "no such command"};
    arena_init(&a, 65536);
    if (json_read(line, &a, &c, &e) < 0 || number_of(c, "id") >= IDS) {
        fprintf(stderr, "fetch_drive: %s\n", e.msg);
        exit(1);
    }
    struct drive *d = &world.drives[number_of(c, "id")];
    struct str what = text_of(c, "do");
    if (str_is(what, "start"))
        start(d, c);
    else if (str_is(what, "end"))
        end(d);
    else if (str_is(what, "take"))
        take(d);
    else
        TELL(JSON_STR("event", STR("pong")));
    arena_done(&a);
}

static void on_end(void)
{
    for (uint32_t i = 0; i < IDS; i++)
        end(&world.drives[i]);
    fetcher_free(world.fetcher);
}

int main(int argc, char **argv)
{
    uint64_t numbers[3] = {64, 16, 256};
    for (int i = 1; i < argc && i <= 3; i++)
        if (!str_to_u64(str_from(argv[i]), UINT32_MAX, &numbers[i - 1]))
            return 2;
    const struct fetcher_limits limits = {.transfers = (uint32_t)numbers[0],
                                          .transfers_per_server = (uint32_t)numbers[1],
                                          .queue = (uint32_t)numbers[2]};
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&world.loop);
    world.fetcher = fetcher_new(&world.loop, &limits);
    return commands_run(&world.loop, COMMAND_MAX_BYTES, obey, on_end);
}
