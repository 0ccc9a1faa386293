/* SPDX-License-Identifier: Apache-2.0 */
/* failing_store fails as requested: other tests depend on it. */
#include "lib/unit.h"

#include "lib/failing_store.h"
#include "lib/storeloop.h"

#include <errno.h>

static struct storeloop loop;

static int enter(void **state)
{
    (void)state;
    storeloop_start(&loop, failing_store_new());
    return 0;
}

static int leave(void **state)
{
    (void)state;
    storeloop_end(&loop);
    return 0;
}

#define put(key, expected, bytes) storeloop_put(&loop, key, expected, bytes)

static void expect(enum store_about about, const char *key, uint64_t revision)
{
    struct store_notice *n = store_take(loop.store);
    assert_non_null(n);
    assert_int_equal(n->about, about);
    assert_str_equal(n->record.key, str_from(key));
    assert_int_equal(n->revision, revision);
    store_notice_free(loop.store, n);
}

static void test_script(void **state)
{
    (void)state;
    failing_store_script(loop.store, STORE_FULL, false);
    failing_store_script(loop.store, STORE_OK, true);
    failing_store_script(loop.store, STORE_UNAVAILABLE, false);
    failing_store_script(loop.store, STORE_CONFLICT, false);
    struct store_notice n = put("a", STORE_ABSENT, "1");
    assert_int_equal(n.result, STORE_FULL);
    assert_string_equal(n.err.msg, "a test wants it so");
    assert_int_equal(put("a", STORE_ABSENT, "1").result, STORE_OK);
    assert_int_equal(put("b", STORE_ABSENT, "1").result, STORE_UNAVAILABLE);
    assert_int_equal(put("b", STORE_ABSENT, "1").result, STORE_CONFLICT);
    assert_int_equal(put("b", STORE_ABSENT, "1").result, STORE_OK);
}

static void test_unknown_that_happened(void **state)
{
    (void)state;
    failing_store_script(loop.store, STORE_UNKNOWN, true);
    assert_int_equal(put("a", STORE_ABSENT, "1").result, STORE_UNKNOWN);
    expect(STORE_START_OVER, "", 0);
    expect(STORE_CHANGED, "a", 1);
    expect(STORE_IN_STEP, "", 1);
    assert_null(store_take(loop.store));
}

static void test_unknown_that_did_not(void **state)
{
    (void)state;
    failing_store_script(loop.store, STORE_UNKNOWN, false);
    assert_int_equal(put("a", STORE_ABSENT, "1").result, STORE_UNKNOWN);
    expect(STORE_START_OVER, "", 0);
    expect(STORE_IN_STEP, "", 0);
    assert_null(store_take(loop.store));
}

static void test_others_are_seen_once_watched(void **state)
{
    struct store_write w = {STORE_PUT, STR("node"), STR("a"), STORE_ANY, STR("theirs")};
    struct store_txn t = {.writes = &w, .n_writes = 1};
    (void)state;
    failing_store_other(loop.store, &t);
    assert_null(store_take(loop.store));
    store_watch(loop.store, 1);
    failing_store_other(loop.store, &t);
    expect(STORE_CHANGED, "a", 2);
    struct store_notice n = put("a", 1, "ours");
    assert_int_equal(n.result, STORE_CONFLICT);
    assert_int_equal(n.revision, 2);
    w.op = STORE_DELETE;
    failing_store_other(loop.store, &t);
    expect(STORE_DELETED, "a", 3);
}

static void test_refusal_and_health(void **state)
{
    struct store_query q = {.limit = 1};
    struct err e = {0};
    (void)state;
    failing_store_refuse(loop.store, -EBUSY);
    assert_int_equal(store_read(loop.store, &q), -EBUSY);
    failing_store_refuse(loop.store, 0);
    assert_int_equal(put("a", STORE_ABSENT, "1").result, STORE_OK);
    failing_store_health(loop.store, STORE_FULL);
    expect(STORE_HEALTH, "", 0);
    assert_int_equal(store_health(loop.store, &e), STORE_FULL);
    assert_string_equal(e.msg, "a test wants it so");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

UNIT_MAIN(WITH_STORE(test_script), WITH_STORE(test_unknown_that_happened),
          WITH_STORE(test_unknown_that_did_not), WITH_STORE(test_others_are_seen_once_watched),
          WITH_STORE(test_refusal_and_health))
