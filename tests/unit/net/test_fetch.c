/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges that wait for fetches from the same server, on one loop: each of them goes on only
 * because none of the others blocks it. */
#include "lib/unit.h"

#include "net/fetch/fetcher.h"
#include "net/http/http.h"
#include "net/socket.h"
#include "port/exchange.h"

#include <signal.h>
#include <stdlib.h>

#define WAIT_MS 600000 /* longer than any test takes */

static struct {
    uv_loop_t loop;
    struct http_server *http;
    struct fetcher *fetcher;
    struct exchange_port port;
    char url[64];
    unsigned begun, ended;
    bool drained;
} world;

/* --- What answers: /relay/X asks for /X first; /held is never answered ------------------------ */

static struct fetch *ask(struct str path, struct waiter waiter)
{
    char url[128];
    struct err e;
    struct fetch *f;
    snprintf(url, sizeof(url), "%s%.*s", world.url, STR_ARG(path));
    const struct fetch_request q = {.method = "GET",
                                    .url = str_from(url),
                                    .connect_ms = WAIT_MS,
                                    .answer_ms = WAIT_MS,
                                    .whole_ms = WAIT_MS,
                                    .body_max_bytes = 1000,
                                    .waiter = waiter};
    assert_int_equal(fetch_start(fetcher_port(world.fetcher), &q, &f, &e), 0);
    return f;
}

static void end_fetch(struct exchange *x, void *state)
{
    (void)x;
    fetch_end(state);
}

static enum exchange_verdict relay(struct exchange *x, void *state)
{
    struct fetch *f = state;
    if (!f->done)
        return exchange_wait(x, relay, f);
    x->out.status = f->fault == FETCH_OK ? f->status : 502;
    x->out.body = arena_printf(&x->arena, "<%.*s>", STR_ARG(f->body));
    return EXCHANGE_DONE;
}

static enum exchange_verdict answer(struct exchange *x, void *state)
{
    static const struct str prefix = {"/relay", 6};
    (void)state;
    if (str_starts(x->in.path, prefix)) {
        struct fetch *f = ask(str_skip(x->in.path, prefix.n), x->waiter);
        exchange_at_end(x, end_fetch, f);
        return exchange_wait(x, relay, f);
    }
    if (str_is(x->in.path, "/held"))
        return exchange_wait(x, answer, NULL);
    x->out.status = 200;
    x->out.body = x->in.path;
    return EXCHANGE_DONE;
}

static void on_begin(void *cls, struct exchange *x)
{
    (void)cls;
    world.begun++;
    x->next = answer;
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls, (void)x;
    world.ended++;
}

/* --- The world -------------------------------------------------------------------------------- */

static int open_world(void **state)
{
    static const struct http_limits http = {100, 100, WAIT_MS, WAIT_MS};
    static const struct fetcher_limits fetches = {50, 50, 50};
    struct endpoint any;
    struct err e;
    char text[ENDPOINT_TEXT_SIZE];
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&world, 0, sizeof(world));
    world.port = (struct exchange_port){.begin = on_begin, .end = on_end};
    uv_loop_init(&world.loop);
    world.fetcher = fetcher_new(&world.loop, &fetches);
    assert_int_equal(http_server_new(&world.loop, &world.port, NULL, &http, &world.http, &e), 0);
    assert_true(endpoint_parse(STR("127.0.0.1:0"), &any));
    const struct listener l = {.fd = socket_listen(any, &e), .kind = LISTENER_BOOT, .name = "test"};
    snprintf(world.url, sizeof(world.url), "http://%s", endpoint_text(socket_endpoint(l.fd), text));
    assert_int_equal(http_server_listen(world.http, &l, &e), 0);
    return 0;
}

static void on_drained(void *cls)
{
    (void)cls;
    world.drained = true;
    http_server_free(world.http);
    fetcher_free(world.fetcher);
}

static int close_world(void **state)
{
    (void)state;
    http_server_drain(world.http, 0, on_drained, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_true(world.drained);
    assert_int_equal(world.ended, world.begun);
    return uv_loop_close(&world.loop);
}

static void run_until(const unsigned *counter, unsigned n)
{
    while (*counter < n)
        uv_run(&world.loop, UV_RUN_ONCE);
}

static void hear(struct fetch *f, const char *body)
{
    while (!f->done)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_int_equal(f->fault, FETCH_OK);
    assert_int_equal(f->status, 200);
    assert_str_equal(f->body, str_from(body));
    fetch_end(f);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void an_exchange_waits_for_a_fetch(void **state)
{
    (void)state;
    struct fetch *f = ask(STR("/relay/relay/relay/x"), (struct waiter){0});
    assert_int_equal(world.begun, 0);
    hear(f, "<<</x>>>");
    assert_int_equal(world.begun, 4);
}

static void one_that_hangs_holds_up_no_other(void **state)
{
    (void)state;
    struct fetch *held = ask(STR("/relay/held"), (struct waiter){0});
    run_until(&world.begun, 2);
    hear(ask(STR("/relay/y"), (struct waiter){0}), "</y>");
    assert_false(held->done);
    fetch_end(held);
    assert_int_equal(world.ended, 2); /* the server's own fetch ends when the server does */
}

static void a_cancelled_fetch_wakes_nobody(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        fetch_end(ask(STR("/x"), (struct waiter){0}));
    hear(ask(STR("/y"), (struct waiter){0}), "/y");
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

UNIT_MAIN(IN_WORLD(an_exchange_waits_for_a_fetch), IN_WORLD(one_that_hangs_holds_up_no_other),
          IN_WORLD(a_cancelled_fetch_wakes_nobody))
