/* SPDX-License-Identifier: Apache-2.0 */
/* A node's bootstrap token: which boot gets which, its record as JSON, and that what is kept of it
 * comes and goes with the window, over restarts of the server. */
#include "lib/unit.h"

#include "base/fs.h"
#include "base/json.h"
#include "fleet/fleet.h"
#include "lib/folder.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#define NODE STR("w1")
#define ANSWER_S 60
#define WALL_MS 1795343968000

static struct fleet *fleet;
static struct arena arena;
static sem_t answered;
static int64_t wall_ms;
static uint64_t last_event;

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){wall_ms, 1000000, STR("boot")};
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)cls;
    (void)uid;
    (void)a;
    *ret = sealed;
    return true;
}

static void on_store(void *cls)
{
    (void)cls;
    sem_post(&answered);
}

static void start_server(void)
{
    static const struct fleet_host host = {now, unseal, NULL};
    const struct sqlite_options options = {.path = "state.db"};
    struct store *s;
    struct err e;
    if (sqlite_open(&options, &s, &e) < 0 || fleet_open(s, &host, &fleet, &e) < 0 ||
        fleet_start(fleet, on_store, NULL, (struct alarm){NULL, NULL}, &e) < 0)
        fail_msg("%s", e.msg);
}

static void restart_server(void)
{
    fleet_close(fleet);
    start_server();
}

static int begin(void **state)
{
    arena_init(&arena, 65536);
    sem_init(&answered, 0, 0);
    wall_ms = WALL_MS;
    last_event = 0;
    folder_enter(state);
    start_server();
    return 0;
}

static int end(void **state)
{
    fleet_close(fleet);
    fleet = NULL;
    sem_destroy(&answered);
    arena_done(&arena);
    return folder_leave(state);
}

/* --- Asking ---------------------------------------------------------------------------------- */

static struct fleet_result take(struct slot_ref ticket)
{
    struct fleet_result r;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ANSWER_S;
    fleet_on_store(fleet);
    for (fleet_take(fleet, ticket, &arena, &r); r.answer == FLEET_PENDING;
         fleet_take(fleet, ticket, &arena, &r)) {
        assert_int_equal(sem_timedwait(&answered, &until), 0);
        fleet_on_store(fleet);
    }
    assert_int_equal(r.answer, FLEET_DONE);
    return r;
}

static void change(struct change c)
{
    c.cause = STR("test");
    c.peer = STR("");
    c.bootstraps = true;
    struct slot_ref ticket = fleet_change(fleet, NODE, NODE, &c, (struct waiter){0});
    assert_int_equal(take(ticket).status, 200);
}

static void arm(const char *claim)
{
    change((struct change){.kind = CHANGE_ARM,
                           .arm = {WINDOW_DEFAULT_MS, STR("J"), STR("W"), STR("")}});
    change((struct change){.kind = CHANGE_CLAIM, .claim = {STR("J"), str_from(claim)}});
}

static struct mint_change intent(const char *claim, const char *id)
{
    return (struct mint_change){
        .kind = MINT_INTEND,
        .claim = str_from(claim),
        .cluster = STR("lab"),
        .epoch = 1,
        .token = {str_from(id), arena_printf(&arena, "1:%s", id)},
        .taken = STR(""),
    };
}

static struct slot_ref ask(struct mint_change c)
{
    return fleet_mint(fleet, NODE, &c, (struct waiter){0});
}

static int status(struct mint_change c)
{
    return take(ask(c)).status;
}

static struct mint_change confirmation(const char *claim, const char *id)
{
    struct mint_change c = intent(claim, id);
    c.kind = MINT_CONFIRM;
    return c;
}

/* "id phase", or "none". */
static const char *token(void)
{
    struct mint_record r;
    if (!fleet_minted(fleet, NODE, &arena, &r))
        return "none";
    assert_true(str_eq(r.token.sealed, arena_printf(&arena, "1:%.*s", STR_ARG(r.token.id))));
    return arena_printf(&arena, "%.*s %s", STR_ARG(r.token.id), mint_phase_names[r.phase]).p;
}

/* The boot asks, and offers a token of this id. */
static const char *asks(const char *claim, const char *id)
{
    assert_int_equal(status(intent(claim, id)), 200);
    return token();
}

/* --- Which token ----------------------------------------------------------------------------- */

static void nothing_is_known_before_it_is_written(void **state)
{
    (void)state;
    arm("one");
    struct slot_ref first = ask(intent("one", "aaaaaa")), second = ask(intent("one", "bbbbbb"));
    assert_string_equal(token(), "none");
    assert_int_equal(take(first).status, 200);
    assert_int_equal(take(second).status, 200);
    assert_string_equal(token(), "aaaaaa intended"); /* both have the same */
}

static void a_boot_keeps_its_token_while_it_lives(void **state)
{
    (void)state;
    arm("one");
    assert_string_equal(asks("one", "aaaaaa"), "aaaaaa intended");
    assert_int_equal(status(confirmation("one", "aaaaaa")), 200);
    assert_int_equal(status(confirmation("one", "aaaaaa")), 200);
    wall_ms += MINT_LENGTH_MS - MINT_LEFT_MS;
    assert_string_equal(asks("one", "bbbbbb"), "aaaaaa signed");
    wall_ms++;
    assert_string_equal(asks("one", "cccccc"), "cccccc intended");
    assert_int_equal(status(confirmation("one", "aaaaaa")), 409); /* it came too late */
    wall_ms -= MINT_LEFT_MS;                                      /* the clock was corrected … */
    assert_string_equal(asks("one", "dddddd"), "cccccc intended");
    wall_ms--; /* … and set back by so much that nobody knows the end */
    assert_string_equal(asks("one", "dddddd"), "dddddd intended");
}

static void one_that_cannot_be_made_is_replaced(void **state)
{
    (void)state;
    arm("one");
    asks("one", "aaaaaa");
    struct mint_change c = intent("one", "bbbbbb");
    c.taken = STR("aaaaaa");
    assert_int_equal(status(c), 200);
    assert_string_equal(token(), "bbbbbb intended");
    c.token.id = STR("cccccc"); /* the same again: it was replaced already */
    assert_int_equal(status(c), 200);
    assert_string_equal(token(), "bbbbbb intended");
}

static void another_cluster_has_another_token(void **state)
{
    (void)state;
    arm("one");
    asks("one", "aaaaaa");
    struct mint_change c = intent("one", "bbbbbb");
    c.epoch = 2;
    assert_int_equal(status(c), 200);
    assert_string_equal(token(), "bbbbbb intended");
    c = intent("one", "cccccc");
    c.epoch = 2;
    c.cluster = STR("other");
    assert_int_equal(status(c), 200);
    assert_string_equal(token(), "cccccc intended");
}

/* The newest event that was not seen yet: "kind data"; empty: there is none. */
static const char *event(void)
{
    const struct store_entry *e = fleet_next_event(fleet, last_event), *last = NULL;
    for (; e; e = fleet_next_event(fleet, last_event)) {
        last_event = e->id;
        last = e;
    }
    if (!last)
        return "";
    const char *data = strstr(arena_str(&arena, last->event.bytes).p, "\"data\":");
    return arena_printf(&arena, "%.*s %s", STR_ARG(last->event.kind), data).p;
}

static struct mint_change told(const char *claim, const char *id, const char *reason)
{
    struct mint_change c = intent(claim, id);
    c.kind = MINT_TELL;
    c.reason = str_from(reason);
    return c;
}

static void why_it_waits_is_told_once(void **state)
{
    struct mint_record r;
    (void)state;
    arm("one");
    asks("one", "aaaaaa");
    assert_string_equal(event(), "minting \"data\":{\"cluster\":\"lab\",\"token\":\"aaaaaa\"}}");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(status(told("one", "aaaaaa", "HTTP 403")), 200);
        assert_true(fleet_minted(fleet, NODE, &arena, &r));
        assert_str(r.reason, "HTTP 403");
        assert_string_equal(event(), i ? ""
                                       : "mint-waits \"data\":{\"cluster\":\"lab\",\"token\":"
                                         "\"aaaaaa\",\"reason\":\"HTTP 403\"}}");
    }
    assert_int_equal(status(told("one", "aaaaaa", "HTTP 500")), 200);
    assert_contains(event(), "HTTP 500");
    assert_int_equal(status(told("one", "bbbbbb", "late")), 409);
    assert_int_equal(status(confirmation("one", "aaaaaa")), 200);
    assert_string_equal(event(), "minted \"data\":{\"cluster\":\"lab\",\"token\":\"aaaaaa\"}}");
    assert_int_equal(status(told("one", "aaaaaa", "late")), 200);
    assert_true(fleet_minted(fleet, NODE, &arena, &r));
    assert_true(r.phase == MINT_PHASE_SIGNED && !r.reason.n);
    assert_string_equal(event(), "");
}

/* --- With the window ------------------------------------------------------------------------- */

static void only_the_boot_with_the_window_has_one(void **state)
{
    (void)state;
    assert_int_equal(status(intent("one", "aaaaaa")), 409);
    arm("one");
    assert_int_equal(status(intent("two", "aaaaaa")), 409);
    assert_string_equal(asks("one", "bbbbbb"), "bbbbbb intended");
    assert_int_equal(status(confirmation("two", "bbbbbb")), 409);
    arm("two");
    assert_string_equal(token(), "none");
    assert_int_equal(status(confirmation("two", "bbbbbb")), 409);
    assert_string_equal(asks("two", "cccccc"), "cccccc intended");
}

static int on_record(void *cls, const struct store_record *record, struct err *e)
{
    bool *found = cls;
    (void)e;
    *found |= str_is(record->kind, "mint") && str_eq(record->key, NODE);
    return 0;
}

static bool is_in_the_store(void)
{
    struct store *s;
    const struct sqlite_options options = {.path = "state.db"};
    struct err e;
    bool found = false;
    uint64_t revision;
    fleet_close(fleet);
    if (sqlite_open(&options, &s, &e) < 0 || store_load(s, on_record, &found, &revision, &e) < 0)
        fail_msg("%s", e.msg);
    store_close(s);
    start_server();
    return found;
}

static void it_is_forgotten_with_the_window(void **state)
{
    (void)state;
    arm("one");
    asks("one", "aaaaaa");
    assert_true(is_in_the_store());
    change((struct change){.kind = CHANGE_NODE_READY}); /* of another machine: no token was given */
    assert_string_equal(token(), "aaaaaa intended");
    assert_int_equal(status(confirmation("one", "aaaaaa")), 200);
    change((struct change){.kind = CHANGE_NODE_READY});
    assert_string_equal(token(), "aaaaaa signed"); /* it has not said that it is done */
    assert_true(fleet_look(fleet, NODE).seen);
    change(
        (struct change){.kind = CHANGE_RESULT,
                        .result = {{STR("J"), STR("one")}, true, STR("done"), STR(""), STR("")}});
    assert_int_equal(fleet_look(fleet, NODE).state, STATE_READY);
    assert_string_equal(token(), "none");
    assert_false(is_in_the_store());
    arm("one");
    assert_string_equal(asks("one", "bbbbbb"), "bbbbbb intended");
}

static struct slot_ref define(const char *json)
{
    const struct event why = {"changed", value_none()};
    const struct change by = {.cause = STR("uid 0"), .peer = STR("")};
    return fleet_define(fleet, NODE, NODE, *json ? STORE_ABSENT : STORE_ANY, str_from(json), &why,
                        &by, (struct waiter){0});
}

static void a_removed_node_leaves_none(void **state)
{
    (void)state;
    assert_int_equal(take(define("{}")).status, 200);
    arm("one");
    asks("one", "aaaaaa");
    assert_true(is_in_the_store());
    struct slot_ref removal = define(""), late = ask(intent("one", "bbbbbb"));
    assert_int_equal(take(removal).status, 200);
    assert_int_equal(take(late).status, 404);
    assert_string_equal(token(), "none");
    assert_false(is_in_the_store());
}

/* --- Restarts -------------------------------------------------------------------------------- */

static void the_intent_outlives_the_server(void **state)
{
    (void)state;
    arm("one");
    fleet_forget(fleet, ask(intent("one", "aaaaaa"))); /* the answer is lost */
    restart_server();
    assert_string_equal(token(), "aaaaaa intended");
    assert_string_equal(asks("one", "bbbbbb"), "aaaaaa intended");
    assert_int_equal(status(confirmation("one", "aaaaaa")), 200);
    restart_server();
    assert_string_equal(asks("one", "cccccc"), "aaaaaa signed");
}

static void put_mint(const char *json)
{
    const struct own_record r = {STR("mint"), NODE, str_from(json)};
    take(fleet_own_write(fleet, &r, (struct waiter){0}));
    restart_server();
}

static void one_that_cannot_be_read_is_replaced(void **state)
{
    (void)state;
    arm("one");
    put_mint("{\"v\":2}");
    assert_string_equal(token(), "none");
    assert_string_equal(asks("one", "aaaaaa"), "aaaaaa intended");
}

/* --- The record ------------------------------------------------------------------------------ */

static const char *json_of(const struct mint_record *r)
{
    struct buf b;
    buf_init(&b, 65536);
    assert_true(json_write(&b, mint_record_value(r, &arena), false));
    const char *text = arena_str(&arena, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

/* docs/formats/fleet.md shows this one. */
static void the_golden_record(void **state)
{
    struct mint_record r;
    struct str text;
    struct err e;
    char path[4096];
    (void)state;
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(path, sizeof(path), "%s/tests/golden/fleet/mint.json", source ? source : ".");
    assert_int_equal(fs_read(path, 65536, &arena, &text, &e), 0);
    if (mint_record_read(text, &arena, &r, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(json_of(&r), arena_str(&arena, str_trim(text)).p);
    assert_true(r.phase == MINT_PHASE_INTENDED && r.epoch == 3);
    assert_str(r.reason, "k8s-api.home.arpa:6443: connection refused");
    assert_str(r.token.id, "cs4xk2");
    assert_int_equal(r.end_wall_ms, 1795344868000);
}

static void refused(const char *json, const char *why)
{
    struct mint_record r = {.epoch = 4711};
    struct err e;
    assert_int_equal(mint_record_read(str_from(json), &arena, &r, &e), -EINVAL);
    assert_contains(e.msg, why);
    assert_int_equal(r.epoch, 4711);
}

#define WITHOUT_PHASE "\"claim\":\"c\",\"cluster\":\"l\",\"id\":\"i\",\"sealed\":\"1:0\""

static void what_we_never_wrote_is_refused(void **state)
{
    (void)state;
    refused("{", "line 1");
    refused("[]", "'phase'");
    refused("{\"v\":2,\"phase\":\"signed\"," WITHOUT_PHASE "}", "'v'");
    refused("{\"v\":1,\"phase\":\"lost\"," WITHOUT_PHASE "}", "'phase'");
    refused("{\"v\":1,\"phase\":\"signed\",\"epoch\":0," WITHOUT_PHASE "}", "'epoch'");
    refused("{\"v\":1,\"phase\":\"signed\"}", "'claim'");
    refused("{\"v\":1,\"phase\":\"signed\",\"claim\":\"c\",\"cluster\":\"l\",\"id\":\"i\"}",
            "'sealed'");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(nothing_is_known_before_it_is_written), TEST(a_boot_keeps_its_token_while_it_lives),
          TEST(why_it_waits_is_told_once), TEST(one_that_cannot_be_made_is_replaced),
          TEST(another_cluster_has_another_token), TEST(only_the_boot_with_the_window_has_one),
          TEST(it_is_forgotten_with_the_window), TEST(a_removed_node_leaves_none),
          TEST(the_intent_outlives_the_server), TEST(one_that_cannot_be_read_is_replaced),
          TEST(the_golden_record), TEST(what_we_never_wrote_is_refused))
