/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet over a store in memory: requests, results, what is kept, and what time does. */
#include "lib/unit.h"

#include "fleet/fleet.h"
#include "store/memory.h"

#include <stdlib.h>

#define MINUTE ((uint64_t)60 * 1000)
#define BEGIN 1795343968000

static struct {
    struct moment now;
    uint64_t alarm_boot_ms;
    unsigned woken, unsealed;
    struct slot_ref last;
    bool store_calls;
} world;

static struct fleet *fleet;
static struct arena arena;

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = world.now;
}

/* Keys are "sealed" by an S in front. */
static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)uid;
    (void)cls;
    world.unsealed++;
    *ret = arena_str(a, str_skip(sealed, 1));
    return str_starts(sealed, STR("S"));
}

static void on_store(void *cls)
{
    (void)cls;
    world.store_calls = true;
}

static void on_wake(void *cls, struct slot_ref who)
{
    (void)cls;
    world.woken++;
    world.last = who;
}

static void on_alarm_set(void *cls, uint64_t due_boot_ms)
{
    (void)cls;
    world.alarm_boot_ms = due_boot_ms;
}

static const struct waiter me = {{on_wake, NULL}, {7, 1}};

static int begin(void **state)
{
    static const struct fleet_host host = {now, unseal, NULL};
    struct err e;
    (void)state;
    memset(&world, 0, sizeof(world));
    world.now = (struct moment){BEGIN, 1000 * MINUTE, STR("boot-1")};
    arena_init(&arena, 65536);
    struct store *s = memory_new((struct store_limits){0}, (struct store_retention){0});
    assert_int_equal(fleet_open(s, &host, &fleet, &e), 0);
    return fleet_start(fleet, on_store, NULL, (struct alarm){on_alarm_set, NULL}, &e);
}

static int end(void **state)
{
    (void)state;
    fleet_close(fleet);
    arena_done(&arena);
    return 0;
}

static void pass(uint64_t ms)
{
    world.now.wall_ms += (int64_t)ms;
    world.now.boot_ms += ms;
}

static struct fleet_result take(struct slot_ref ticket)
{
    struct fleet_result r;
    fleet_take(fleet, ticket, &arena, &r);
    return r;
}

static struct slot_ref ask(const char *uid, struct change c)
{
    c.cause = STR("node");
    return fleet_change(fleet, str_from(uid), str_from(uid), &c, me);
}

/* Asks, lets the store answer, and takes the result. */
static struct fleet_result done(struct slot_ref ticket)
{
    fleet_on_store(fleet);
    return take(ticket);
}

static struct change arming(const char *window_key)
{
    return (struct change){.kind = CHANGE_ARM,
                           .arm = {120 * MINUTE, STR("Sjoin"), str_from(window_key)}};
}

static struct change report(const char *stage)
{
    return (struct change){.kind = CHANGE_REPORT,
                           .report = {.name = str_from(stage), .duration_s = -1}};
}

static void known_only_when_committed(void **state)
{
    (void)state;
    struct slot_ref t = ask("a", arming("Swindow"));
    assert_int_equal(take(t).answer, FLEET_PENDING);
    assert_int_equal(fleet_look(fleet, STR("a")).state, STATE_REGISTERED);
    assert_int_equal(world.woken, 0);
    fleet_on_store(fleet);
    assert_int_equal(world.woken, 1);
    assert_int_equal(world.last.slot, me.ref.slot);
    assert_int_equal(fleet_look(fleet, STR("a")).state, STATE_ARMED);
    struct fleet_result r = take(t);
    assert_int_equal(r.answer, FLEET_DONE);
    assert_int_equal(r.status, 200);
    assert_true(r.revision > 0);
    take(ask("b", report("x")));
    assert_int_equal(take(t).answer, FLEET_UNAVAILABLE); /* it was used up */
}

static void changes_of_a_node_go_one_at_a_time(void **state)
{
    struct record r;
    uint64_t revision;
    (void)state;
    struct slot_ref first = ask("a", arming("Sw")), second = ask("a", report("one")),
                    third = ask("a", report("two"));
    fleet_on_store(fleet);
    assert_int_equal(take(third).answer, FLEET_DONE);
    assert_int_equal(take(second).answer, FLEET_DONE);
    assert_int_equal(take(first).answer, FLEET_DONE);
    assert_true(fleet_record(fleet, STR("a"), &arena, &r, &revision));
    assert_int_equal(r.state, STATE_BOOTING);
    assert_int_equal(r.boot.events, 2);
    assert_str(r.boot.stage, "two");
    assert_str(r.name, "a");
}

static void nothing_to_write_is_done_at_once(void **state)
{
    (void)state;
    struct slot_ref t = ask("a", (struct change){.kind = CHANGE_DISARM});
    assert_int_equal(take(t).answer, FLEET_DONE);
}

static void a_refusal_keeps_its_alarm(void **state)
{
    struct record r;
    uint64_t revision;
    (void)state;
    struct slot_ref t =
        ask("a", (struct change){.kind = CHANGE_FETCH, .fetch = {STR("user-data"), STR("mac")}});
    struct fleet_result got = done(t);
    assert_int_equal(got.answer, FLEET_DONE);
    assert_int_equal(got.status, 403);
    assert_true(fleet_record(fleet, STR("a"), &arena, &r, &revision));
    assert_int_equal(r.alarms, 1);
}

static void who_left_is_not_told(void **state)
{
    (void)state;
    struct slot_ref t = ask("a", arming("Sw"));
    fleet_forget(fleet, t);
    fleet_on_store(fleet);
    assert_int_equal(world.woken, 0);
    assert_int_equal(fleet_look(fleet, STR("a")).state, STATE_ARMED); /* it happened all the same */
    t = ask("a", report("x"));
    fleet_on_store(fleet);
    fleet_forget(fleet, t); /* woken, but never taken */
}

/* --- Windows and time ----------------------------------------------------------------------- */

/* While a node is built its record is kept as it was read, and its key as it was unsealed. */
static void a_node_that_is_built_is_read_once(void **state)
{
    struct record r;
    uint64_t revision;
    (void)state;
    done(ask("a", arming("Swindow")));
    assert_int_equal(world.unsealed, 1);
    for (int i = 0; i < 20; i++)
        done(ask("a", report("stage")));
    assert_int_equal(world.unsealed, 1);
    assert_str_equal(fleet_look(fleet, STR("a")).window_key, STR("window"));
    done(ask("a", arming("Sother")));
    assert_int_equal(world.unsealed, 2);
    assert_str_equal(fleet_find_window(fleet, STR("other")), STR("a"));
    assert_int_equal(fleet_find_window(fleet, STR("window")).n, 0);
    assert_true(fleet_record(fleet, STR("a"), &arena, &r, &revision));
    assert_int_equal(r.boot.events, 0);
    assert_int_equal(r.alarms, 0);
    assert_str(r.name, "a");
}

/* A boot that goes on behind its window keeps the key, until the next window. */
static void no_key_comes_back(void **state)
{
    (void)state;
    done(ask("a", arming("Sone")));
    done(ask("a", report("stage")));
    done(ask("a", (struct change){.kind = CHANGE_DISARM}));
    assert_str_equal(fleet_find_window(fleet, STR("one")), STR("a"));
    done(ask("a", arming("Stwo")));
    assert_int_equal(fleet_find_window(fleet, STR("one")).n, 0);
    done(ask("a", (struct change){.kind = CHANGE_DISARM}));
    assert_int_equal(fleet_find_window(fleet, STR("one")).n, 0);
    assert_int_equal(fleet_find_window(fleet, STR("two")).n, 0);
}

/* More nodes than are kept so: those that reported longest ago are read again. */
static void many_nodes_are_built(void **state)
{
    enum { NODES = 5000 };
    struct record r;
    uint64_t revision;
    char name[16];
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < NODES; i++) {
            snprintf(name, sizeof(name), "n%u", i);
            fleet_forget(fleet, ask(name, round ? report(name) : arming("Skey")));
        }
        fleet_on_store(fleet);
    }
    for (unsigned i = 0; i < NODES; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        assert_true(fleet_record(fleet, str_from(name), &arena, &r, &revision));
        assert_int_equal(r.boot.events, 2);
        assert_str_equal(r.boot.stage, str_from(name));
        assert_str_equal(r.window.window_key, STR("Skey"));
    }
}

static void windows_are_found_while_open(void **state)
{
    (void)state;
    done(ask("a", arming("Swindow-a")));
    done(ask("b", arming("Swindow-b")));
    assert_str_equal(fleet_find_window(fleet, STR("window-b")), STR("b"));
    assert_str_equal(fleet_look(fleet, STR("a")).window_key, STR("window-a"));
    done(ask("b", (struct change){.kind = CHANGE_DISARM}));
    assert_int_equal(fleet_find_window(fleet, STR("window-b")).n, 0);
    assert_str_equal(fleet_find_window(fleet, STR("window-a")), STR("a"));
    done(ask("c", arming("not sealed by us")));
    assert_int_equal(fleet_look(fleet, STR("c")).window_key.n, 0);
}

static void a_window_ends_when_its_time_is_up(void **state)
{
    (void)state;
    done(ask("a", arming("Sa")));
    pass(10 * MINUTE);
    done(ask("b", arming("Sb")));
    assert_int_equal(world.alarm_boot_ms, 1120 * MINUTE);
    pass(110 * MINUTE);
    fleet_on_alarm(fleet);
    fleet_on_store(fleet);
    assert_int_equal(fleet_look(fleet, STR("a")).state, STATE_REGISTERED);
    assert_int_equal(fleet_look(fleet, STR("b")).state, STATE_ARMED);
    assert_int_equal(world.alarm_boot_ms, 1130 * MINUTE);
}

static void a_silent_boot_fails(void **state)
{
    (void)state;
    done(ask("a", arming("Sa")));
    done(ask("a", report("one")));
    pass(14 * MINUTE);
    done(ask("a", report("two")));
    pass(14 * MINUTE);
    fleet_on_alarm(fleet);
    fleet_on_store(fleet);
    assert_int_equal(fleet_look(fleet, STR("a")).state, STATE_BOOTING);
    pass(MINUTE);
    fleet_on_alarm(fleet);
    fleet_on_store(fleet);
    assert_int_equal(fleet_look(fleet, STR("a")).state, STATE_FAILED);
    assert_int_equal(world.alarm_boot_ms, 1120 * MINUTE); /* the window's end is left */
}

/* A peer with weak evidence that is refused may be anyone: it is no sign of life. */
static void strangers_are_not_heard(void **state)
{
    (void)state;
    done(ask("a", arming("Sa")));
    done(ask("a", report("one")));
    done(ask("a", (struct change){.kind = CHANGE_DISARM}));
    pass(14 * MINUTE);
    struct change fetch = {.kind = CHANGE_FETCH,
                           .fetch = {.file = STR("user-data"), .evidence = STR("mac")}};
    assert_int_equal(done(ask("a", fetch)).status, 403);
    pass(MINUTE);
    fleet_on_alarm(fleet);
    fleet_on_store(fleet);
    assert_int_equal(fleet_look(fleet, STR("a")).state, STATE_FAILED);
}

/* --- Definitions ----------------------------------------------------------------------------- */

static struct fleet_result define(const char *uid, const char *name, uint64_t expected,
                                  const char *json)
{
    const struct event why = {json[0] ? "created" : "deleted", value_none()};
    const struct change by = {.cause = STR("uid 0")};
    return done(fleet_define(fleet, str_from(uid), str_from(name), expected, str_from(json), &why,
                             &by, me));
}

static unsigned definitions(void)
{
    struct fleet_definition d;
    uint32_t at = 0;
    unsigned n = 0;
    while (fleet_definition_at(fleet, &at, &d))
        n++;
    return n;
}

static void nodes_come_and_go(void **state)
{
    struct fleet_definition d;
    uint32_t at = 0;
    (void)state;
    uint64_t version = fleet_definitions_version(fleet);
    struct fleet_result r = define("r-1", "web", STORE_ABSENT, "{1}");
    assert_int_equal(r.answer, FLEET_DONE);
    assert_true(fleet_definitions_version(fleet) != version);
    assert_true(fleet_definition_at(fleet, &at, &d));
    assert_str(d.json, "{1}");
    assert_int_equal(d.revision, r.revision);
    assert_int_equal(define("r-1", "web", r.revision + 7, "{2}").answer, FLEET_CONFLICT);
    assert_int_equal(define("r-1", "web", r.revision, "{2}").answer, FLEET_DONE);
    done(ask("r-1", arming("Sw")));
    assert_int_equal(define("r-1", "web", STORE_ANY, "").answer, FLEET_DONE);
    assert_int_equal(definitions(), 0);
    assert_int_equal(fleet_look(fleet, STR("r-1")).state, STATE_REGISTERED);
    assert_int_equal(fleet_find_window(fleet, STR("w")).n, 0);
    assert_int_equal(define("r-2", "web", STORE_ABSENT, "{3}").answer, FLEET_DONE);
}

static struct slot_ref begin_deletion(const char *uid, const char *name)
{
    const struct event why = {"deleted", value_none()};
    const struct change by = {.cause = STR("uid 0")};
    return fleet_define(fleet, str_from(uid), str_from(name), STORE_ANY, STR(""), &why, &by, me);
}

static void assert_left_nothing(const char *uid)
{
    struct record r;
    uint64_t revision;
    assert_false(fleet_record(fleet, str_from(uid), &arena, &r, &revision));
    assert_int_equal(fleet_find_window(fleet, STR("w")).n, 0);
}

/* A change that was asked for before the node was deleted. */
static void nothing_outlasts_a_deletion(void **state)
{
    (void)state;
    define("r-1", "web", STORE_ABSENT, "{1}");
    struct slot_ref before = ask("r-1", arming("Sw")), deletion = begin_deletion("r-1", "web"),
                    behind = ask("r-1", arming("Sw")), reported = ask("r-1", report("one"));
    fleet_on_store(fleet);
    assert_int_equal(take(before).status, 200);
    assert_int_equal(take(deletion).answer, FLEET_DONE);
    struct fleet_result r = take(behind);
    assert_int_equal(r.answer, FLEET_DONE);
    assert_int_equal(r.status, 404);
    assert_contains(r.reason, "no such node");
    assert_int_equal(take(reported).status, 404);
    assert_left_nothing("r-1");
    assert_int_equal(done(ask("r-1", arming("Sw"))).status, 404); /* nor later on */
    assert_left_nothing("r-1");
    assert_true(world.alarm_boot_ms == UINT64_MAX);
    assert_int_equal(done(ask("declared", arming("Sd"))).status, 200);
}

static void of_two_that_saw_the_same_one_wins(void **state)
{
    struct change first = arming("Sw"), second = arming("Sx");
    (void)state;
    fleet_seen(fleet, STR("a"), &first);
    fleet_seen(fleet, STR("a"), &second);
    struct slot_ref one = ask("a", first), two = ask("a", second);
    fleet_on_store(fleet);
    assert_int_equal(take(one).status, 200);
    assert_int_equal(take(two).status, 412);
    fleet_seen(fleet, STR("a"), &second);
    assert_int_equal(done(ask("a", second)).status, 200);
}

/* A deletion that the disk refused leaves the node as it was. */
static void a_deletion_that_failed_is_none(void **state)
{
    (void)state;
    uint64_t revision = define("r-1", "web", STORE_ABSENT, "{1}").revision;
    assert_int_equal(define("r-1", "web", revision + 7, "").answer, FLEET_CONFLICT);
    assert_int_equal(done(ask("r-1", arming("Sw"))).status, 200);
}

static void a_name_is_taken_once(void **state)
{
    (void)state;
    const struct event why = {"created", value_none()};
    const struct change by = {.cause = STR("uid 0")};
    struct slot_ref one =
        fleet_define(fleet, STR("r-1"), STR("web"), STORE_ABSENT, STR("{1}"), &why, &by, me);
    struct slot_ref two =
        fleet_define(fleet, STR("r-2"), STR("web"), STORE_ABSENT, STR("{2}"), &why, &by, me);
    fleet_on_store(fleet);
    assert_int_equal(take(one).answer, FLEET_DONE);
    struct fleet_result r = take(two);
    assert_int_equal(r.answer, FLEET_CONFLICT);
    assert_contains(r.reason, "name");
    assert_int_equal(definitions(), 1);
}

static uint64_t newest(void)
{
    uint64_t id;
    assert_true(fleet_newest_event(fleet, &id));
    return id;
}

/* --- Events ---------------------------------------------------------------------------------- */

static void watchers_hear_once(void **state)
{
    const struct waiter watcher = {{on_wake, NULL}, {9, 9}};
    (void)state;
    uint64_t id;
    assert_false(fleet_newest_event(fleet, &id)); /* what there was before is still being read */
    fleet_watch(fleet, watcher);
    fleet_on_store(fleet);
    assert_int_equal(world.woken, 1);
    assert_int_equal(newest(), 0);
    world.woken = 0;
    fleet_watch(fleet, watcher);
    fleet_on_store(fleet);
    assert_int_equal(world.woken, 0);
    ask("a", arming("Sa"));
    fleet_on_store(fleet);
    assert_int_equal(world.woken, 2);
    done(ask("a", report("one")));
    assert_int_equal(world.woken, 3); /* only the asker */
    const struct store_entry *e = fleet_next_event(fleet, 0);
    assert_int_equal(e->id, 1);
    assert_str(e->event.kind, "armed");
    assert_contains(arena_str(&arena, e->event.bytes).p, "\"minutes\":120");
    e = fleet_next_event(fleet, e->id);
    assert_str(e->event.kind, "booting");
    e = fleet_next_event(fleet, e->id);
    assert_str(e->event.kind, "progress");
    assert_int_equal(e->id, newest());
    assert_null(fleet_next_event(fleet, e->id));
}

static void events_are_read_by_pages(void **state)
{
    (void)state;
    done(ask("a", arming("Sa")));
    done(ask("b", arming("Sb")));
    const struct store_query q = {.node = STR("b"), .limit = 10};
    struct fleet_result r = done(fleet_events(fleet, &q, me));
    assert_int_equal(r.answer, FLEET_DONE);
    assert_int_equal(r.page->n, 1);
    assert_str(r.page->entries[0].event.kind, "armed");
    assert_int_equal(r.page->newest, 2);
}

static void the_ring_forgets_the_oldest(void **state)
{
    (void)state;
    done(ask("a", arming("Sa")));
    for (int i = 0; i < 5000; i++)
        done(ask("a", report("x")));
    uint64_t first = newest() - 4095;
    assert_int_equal(fleet_next_event(fleet, 0)->id, first);
    assert_int_equal(fleet_next_event(fleet, first - 2)->id, first);
    assert_int_equal(fleet_next_event(fleet, first)->id, first + 1);
    assert_int_equal(fleet_next_event(fleet, newest() - 1)->id, newest());
    assert_null(fleet_next_event(fleet, newest()));
    assert_null(fleet_next_event(fleet, newest() + 7));
}

/* --- Many ------------------------------------------------------------------------------------ */

static void deadlines_come_in_their_order(void **state)
{
    char name[16];
    unsigned armed = 300;
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct change c = arming("S");
        c.arm.length_ms = (1 + (i * 7919) % 300) * MINUTE;
        snprintf(name, sizeof(name), "n%u", i);
        done(ask(name, c));
    }
    for (unsigned minute = 1; minute <= 300; minute++) {
        pass(MINUTE);
        fleet_on_alarm(fleet);
        fleet_on_store(fleet);
        armed = 0;
        for (unsigned i = 0; i < 300; i++) {
            snprintf(name, sizeof(name), "n%u", i);
            armed += fleet_look(fleet, str_from(name)).state == STATE_ARMED;
        }
        assert_int_equal(armed, 300 - minute);
    }
    assert_true(world.alarm_boot_ms == UINT64_MAX);
}

static struct fleet_result write_own(const char *kind, const char *key, const char *bytes)
{
    const struct own_record record = {str_from(kind), str_from(key), str_from(bytes)};
    return done(fleet_own_write(fleet, &record, me));
}

static void the_servers_own_records_are_kept(void **state)
{
    struct own_record r;
    uint32_t at = 0;
    (void)state;
    assert_false(fleet_own_at(fleet, &at, &r));
    assert_int_equal(write_own("server", "secret", "1").answer, FLEET_DONE);
    assert_int_equal(write_own("secret", "secret", "2").answer, FLEET_DONE);
    assert_int_equal(write_own("server", "secret", "3").answer, FLEET_DONE);
    assert_true(fleet_own_at(fleet, &at, &r));
    assert_str(r.kind, "server");
    assert_str(r.bytes, "3");
    assert_true(fleet_own_at(fleet, &at, &r));
    assert_str(r.kind, "secret");
    assert_str(r.bytes, "2");
    assert_false(fleet_own_at(fleet, &at, &r));
    assert_int_equal(write_own("server", "secret", "").answer, FLEET_DONE);
    at = 0;
    assert_true(fleet_own_at(fleet, &at, &r));
    assert_str(r.kind, "secret");
    assert_false(fleet_own_at(fleet, &at, &r));
    at = 0;
    assert_int_equal(newest(), 0);
}

#define FLEET(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void windows_are_counted_by_the_pin(void **state)
{
    struct change c = arming("Swindow");
    (void)state;
    c.arm.pin = STR("one");
    done(ask("a", c));
    done(ask("b", c));
    c.arm.pin = STR("two");
    done(ask("c", c));
    done(ask("d", arming("Sother"))); /* of a server without a CA */
    assert_int_equal(fleet_count_windows(fleet, STR("one"), 9), 2);
    assert_int_equal(fleet_count_windows(fleet, STR("one"), 1), 1);
    assert_int_equal(fleet_count_windows(fleet, STR("two"), 9), 1);
    assert_int_equal(fleet_count_windows(fleet, STR("tw"), 9), 0);
    assert_int_equal(fleet_count_windows(fleet, STR("window"), 9), 0); /* which is in the text */
    done(ask("a", c)); /* armed again: the window has another pin */
    assert_int_equal(fleet_count_windows(fleet, STR("one"), 9), 1);
    done(ask("b", (struct change){.kind = CHANGE_DISARM}));
    assert_int_equal(fleet_count_windows(fleet, STR("one"), 9), 0);
    assert_int_equal(fleet_count_windows(fleet, STR("two"), 9), 2);
    pass(120 * MINUTE);
    fleet_on_alarm(fleet);
    fleet_on_store(fleet);
    assert_int_equal(fleet_count_windows(fleet, STR("two"), 9), 0);
}

UNIT_MAIN(FLEET(known_only_when_committed), FLEET(changes_of_a_node_go_one_at_a_time),
          FLEET(nothing_to_write_is_done_at_once), FLEET(a_refusal_keeps_its_alarm),
          FLEET(who_left_is_not_told), FLEET(a_node_that_is_built_is_read_once),
          FLEET(no_key_comes_back), FLEET(many_nodes_are_built),
          FLEET(windows_are_found_while_open), FLEET(windows_are_counted_by_the_pin),
          FLEET(a_window_ends_when_its_time_is_up), FLEET(a_silent_boot_fails),
          FLEET(strangers_are_not_heard), FLEET(nodes_come_and_go),
          FLEET(nothing_outlasts_a_deletion), FLEET(a_deletion_that_failed_is_none),
          FLEET(of_two_that_saw_the_same_one_wins), FLEET(a_name_is_taken_once),
          FLEET(watchers_hear_once), FLEET(events_are_read_by_pages),
          FLEET(the_ring_forgets_the_oldest), FLEET(deadlines_come_in_their_order),
          FLEET(the_servers_own_records_are_kept))
