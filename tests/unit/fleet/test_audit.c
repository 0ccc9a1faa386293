/* SPDX-License-Identifier: Apache-2.0 */
/* The audit between the loop and the store: what is written when, and what a store that fails, or
 * takes nothing, leaves of it. */
#include "lib/unit.h"

#include "base/json.h"
#include "fleet/fleet.h"
#include "lib/failing_store.h"

#include <errno.h>

#define REFUSALS_MAX 4096
#define ENTRIES_MAX 16384

static struct fleet *fleet;
static struct store *store;
static struct arena arena;
static uint64_t due_ms, passed_ms;

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){1795343968000 + (int64_t)passed_ms, 1000000 + passed_ms, STR("boot")};
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
}

static void set_alarm(void *cls, uint64_t due_boot_ms)
{
    (void)cls;
    due_ms = due_boot_ms;
}

static int begin(void **state)
{
    static const struct fleet_host host = {now, unseal, NULL};
    struct err e;
    (void)state;
    arena_init(&arena, 65536);
    passed_ms = 0;
    store = failing_store_new();
    assert_int_equal(fleet_open(store, &host, &fleet, &e), 0);
    assert_int_equal(fleet_start(fleet, on_store, NULL, (struct alarm){set_alarm, NULL}, &e), 0);
    fleet_on_store(fleet);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fleet_close(fleet);
    arena_done(&arena);
    return 0;
}

static void add(enum store_class class, const char *who, const char *what, const char *agent)
{
    const struct audit_entry e = {.class = class,
                                  .status = 200,
                                  .uid = STR("n1"),
                                  .node = STR("n1"),
                                  .who = str_from(who),
                                  .what = str_from(what),
                                  .agent = str_from(agent)};
    fleet_audit(fleet, &e);
}

static void add_many(enum store_class class, int n)
{
    char what[32];
    for (int i = 0; i < n; i++) {
        snprintf(what, sizeof(what), "%d", i);
        add(class, "x", what, "");
    }
}

/* A second passes, and then the store answers all that is asked of it. */
static void pass(void)
{
    passed_ms += 1000;
    if (due_ms <= 1000000 + passed_ms)
        fleet_on_alarm(fleet);
    for (int i = 0; i < 200; i++)
        fleet_on_store(fleet);
}

static const struct store_page *page(uint64_t after)
{
    const struct store_query q = {.journal = STORE_AUDIT, .after = after, .limit = STORE_PAGE_MAX};
    struct slot_ref ticket = fleet_events(fleet, &q, (struct waiter){0});
    struct fleet_result r;
    fleet_on_store(fleet);
    fleet_take(fleet, ticket, &arena, &r);
    assert_non_null(r.page);
    return r.page;
}

static struct value member(const struct store_entry *e, struct str key)
{
    struct value v;
    assert_int_equal(json_read(e->event.bytes, &arena, &v, NULL), 0);
    return value_get(v, key);
}

/* "who what*times" of each of the first ones. */
static const char *told(void)
{
    static char text[512];
    const struct store_page *p = page(0);
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < p->n && i < 10; i++) {
        struct value times = member(&p->entries[i], STR("times"));
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s %.*s*%d", i ? ", " : "",
                               STR_ARG(p->entries[i].event.who),
                               STR_ARG(value_text(member(&p->entries[i], STR("what")))),
                               times.kind == VALUE_INT ? (int)times.i : 1);
    }
    return text;
}

static size_t count(void)
{
    size_t n = 0;
    uint64_t after = 0;
    for (const struct store_page *p = page(0); p->n; p = page(after)) {
        after = p->entries[p->n - 1].id;
        n += p->n;
    }
    return n;
}

static void test_written_a_second_later(void **state)
{
    (void)state;
    assert_true(due_ms == UINT64_MAX);
    add(STORE_BY_NODE, "seed key", "user-data", "a");
    add(STORE_BY_NODE, "seed key", "user-data", "a");
    add(STORE_BY_NODE, "seed key", "user-data", "b");
    assert_int_equal(due_ms, 1000000 + 1000);
    assert_string_equal(told(), "");
    pass();
    assert_string_equal(told(), "seed key user-data*2, seed key user-data*1");
    assert_true(due_ms == UINT64_MAX);
    add(STORE_BY_NODE, "seed key", "user-data", "a"); /* another second, another entry */
    pass();
    assert_int_equal(count(), 3);
    assert_str_equal(page(0)->entries[0].event.kind, STR("node"));
    assert_str_equal(page(0)->entries[0].event.node, STR("n1"));
}

static void test_foreign_text(void **state)
{
    char long_text[1000];
    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    add(STORE_REFUSED, "mac \x1b[31m\xff", "a\nb", long_text);
    pass();
    const struct store_entry *e = page(0)->entries;
    assert_str_equal(e->event.who, STR("mac \\x1b[31m\\xff"));
    assert_str_equal(value_text(member(e, STR("what"))), STR("a\\nb"));
    struct str agent = value_text(member(e, STR("agent")));
    assert_true(agent.n < 140 && str_starts(agent, STR("xxxx")));
}

/* What was certainly not written is written later, once. */
static void test_a_store_that_fails(void **state)
{
    (void)state;
    add(STORE_BY_ADMIN, "uid 0", "a", "");
    failing_store_script(store, STORE_FULL, false);
    pass();
    assert_string_equal(told(), "");
    add(STORE_BY_ADMIN, "uid 0", "b", "");
    failing_store_script(store, STORE_UNAVAILABLE, false);
    pass();
    pass();
    pass();
    assert_string_equal(told(), "uid 0 a*1, uid 0 b*1");
    failing_store_refuse(store, -EBUSY);
    add(STORE_BY_ADMIN, "uid 0", "c", "");
    pass();
    failing_store_refuse(store, 0);
    pass();
    assert_string_equal(told(), "uid 0 a*1, uid 0 b*1, uid 0 c*1");
    assert_int_equal(fleet_audit_lost(fleet), 0);
}

/* Nothing is sent to a store that says so. */
static void test_a_store_that_is_not_well(void **state)
{
    (void)state;
    failing_store_health(store, STORE_FULL);
    fleet_on_store(fleet);
    add(STORE_BY_ADMIN, "uid 0", "a", "");
    pass();
    pass();
    assert_string_equal(told(), "");
    failing_store_health(store, STORE_OK);
    pass();
    assert_string_equal(told(), "uid 0 a*1");
}

/* It may be there or not: twice would be worse than a loss that is told of. */
static void test_a_store_that_does_not_know(void **state)
{
    (void)state;
    add(STORE_BY_ADMIN, "uid 0", "a", "");
    failing_store_script(store, STORE_UNKNOWN, false);
    pass();
    assert_int_equal(fleet_audit_lost(fleet), 1);
    pass();
    assert_string_equal(told(), "server lost*1");
    pass();
    assert_int_equal(count(), 1);
}

static void test_bounds(void **state)
{
    (void)state;
    failing_store_health(store, STORE_FULL);
    add_many(STORE_REFUSED, REFUSALS_MAX + 50);
    assert_int_equal(fleet_audit_lost(fleet), 50);
    add_many(STORE_BY_NODE, ENTRIES_MAX);
    uint64_t lost = fleet_audit_lost(fleet);
    assert_true(lost > REFUSALS_MAX);
    add(STORE_BY_ADMIN, "uid 0", "reload", ""); /* there is room for what admins do */
    add(STORE_BY_NODE, "x", "1", "");           /* as is, for what is there already */
    assert_int_equal(fleet_audit_lost(fleet), lost);
    failing_store_health(store, STORE_OK);
    pass();
    assert_int_equal(count(), REFUSALS_MAX + 50 + ENTRIES_MAX - lost + 1 + 1);
    const struct store_page *p = page(0);
    assert_str_equal(p->entries[0].event.who, STR("server"));
    assert_int_equal(member(p->entries, STR("times")).i, lost);
}

/* A storm does not wait for the second to pass. */
static void test_many_at_once(void **state)
{
    (void)state;
    add_many(STORE_BY_NODE, ENTRIES_MAX / 2);
    for (int i = 0; i < 200; i++)
        fleet_on_store(fleet);
    assert_true(count() >= ENTRIES_MAX / 4);
    pass();
    assert_int_equal(count(), ENTRIES_MAX / 2);
    assert_int_equal(fleet_audit_lost(fleet), 0);
}

static void test_a_stop_writes_all(void **state)
{
    struct store_stats before, after;
    (void)state;
    add_many(STORE_BY_NODE, 1000);
    fleet_stats(fleet, &before);
    fleet_stop(fleet);
    fleet_stats(fleet, &after);
    assert_int_equal(after.commits - before.commits, 4); /* batches of 256 */
    assert_int_equal(fleet_audit_lost(fleet), 0);
}

static void test_a_stop_on_a_full_disk(void **state)
{
    (void)state;
    add_many(STORE_BY_NODE, 300);
    failing_store_script(store, STORE_FULL, false);
    fleet_stop(fleet);
    assert_int_equal(fleet_audit_lost(fleet), 256);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(test_written_a_second_later), TEST(test_foreign_text), TEST(test_a_store_that_fails),
          TEST(test_a_store_that_is_not_well), TEST(test_a_store_that_does_not_know),
          TEST(test_bounds), TEST(test_many_at_once), TEST(test_a_stop_writes_all),
          TEST(test_a_stop_on_a_full_disk))
