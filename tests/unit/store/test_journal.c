/* SPDX-License-Identifier: Apache-2.0 */
/* The port's promises about events, tested on each store. */
#include "lib/unit.h"

#include "base/clock.h"
#include "lab.h"

/* Events 1 to n: nodes a, b, c in turn, kinds x and y in turn; at_ms is their id. */
static void fill_journal(uint64_t n)
{
    static const char *const nodes[] = {"a", "b", "c"};
    for (uint64_t i = 1; i <= n; i++)
        ask_event(i, nodes[(i - 1) % 3], i % 2 ? "x" : "y");
    for (uint64_t i = 1; i <= n; i++)
        store_notice_free(lab.loop.store, storeloop_until(&lab.loop, STORE_COMMIT));
}

static void expect_page(struct store_query q, const char *ids, bool more)
{
    char got[512] = "";
    struct store_notice *n = storeloop_read(&lab.loop, q);
    for (size_t i = 0; i < n->page.n; i++) {
        const struct store_entry *x = &n->page.entries[i];
        char text[STR_U64_SIZE];
        size_t at = strlen(got);
        snprintf(got + at, sizeof(got) - at, "%d ", (int)x->id);
        assert_str_equal(x->event.bytes, str_of_u64(x->id, text));
        assert_int_equal(x->event.at_ms, x->id);
        assert_int_equal(x->revision, x->id);
    }
    assert_string_equal(got, ids);
    assert_int_equal(n->page.more, more);
    store_notice_free(lab.loop.store, n);
}

static void test_pages(void **state)
{
    (void)state;
    fill_journal(12);
    expect_page((struct store_query){.limit = 4}, "1 2 3 4 ", true);
    expect_page((struct store_query){.limit = 4, .after = 8}, "9 10 11 12 ", false);
    expect_page((struct store_query){.limit = 4, .after = 12}, "", false);
    expect_page((struct store_query){.limit = 3, .newest_first = true}, "12 11 10 ", true);
    expect_page((struct store_query){.limit = 3, .newest_first = true, .before = 3}, "2 1 ", false);
    expect_page((struct store_query){.after = 2, .before = 6}, "3 4 5 ", false);
    expect_page((struct store_query){.node = STR("b")}, "2 5 8 11 ", false);
    expect_page((struct store_query){.node = STR("b"), .limit = 2, .after = 2}, "5 8 ", true);
    expect_page((struct store_query){.kind = STR("y"), .limit = 3}, "2 4 6 ", true);
    expect_page((struct store_query){.node = STR("b"), .kind = STR("y")}, "2 8 ", false);
    expect_page((struct store_query){.node = STR("b"), .kind = STR("y"), .newest_first = true},
                "8 2 ", false);
    expect_page((struct store_query){.node = STR("d")}, "", false);
    expect_page((struct store_query){.after = UINT64_MAX, .before = UINT64_MAX}, "", false);
}

static void test_tags_and_ends_of_pages(void **state)
{
    (void)state;
    struct store_notice *n = storeloop_read(&lab.loop, (struct store_query){.tag = 9});
    assert_int_equal(n->tag, 9);
    assert_int_equal(n->page.oldest, 0);
    assert_int_equal(n->page.newest, 0);
    store_notice_free(lab.loop.store, n);
    fill_journal(5);
    n = storeloop_read(&lab.loop, (struct store_query){.node = STR("nobody")});
    assert_int_equal(n->page.oldest, 1);
    assert_int_equal(n->page.newest, 5);
    store_notice_free(lab.loop.store, n);
}

/* Retention runs on another thread: ask until it has come so far. */
static void wait_for_oldest(uint64_t id)
{
    for (;;) {
        struct store_notice *n = storeloop_read(&lab.loop, (struct store_query){.limit = 1});
        uint64_t oldest = n->page.oldest;
        assert_true(oldest <= id);
        store_notice_free(lab.loop.store, n);
        if (oldest == id)
            return;
    }
}

static void test_retention_by_count(void **state)
{
    (void)state;
    fill_journal(12);
    store_retain(lab.loop.store, (struct store_retention){.max_events = 4});
    wait_for_oldest(9);
    fill_journal(2); /* ids continue */
    store_retain(lab.loop.store, (struct store_retention){.max_events = 1});
    wait_for_oldest(14);
}

static void test_retention_by_age(void **state)
{
    (void)state;
    int64_t now = clock_wall_ms();
    fill_journal(6); /* of 1970 */
    struct store_event ev = {now, STR("a"), STR("x"), STR("")};
    storeloop_commit(&lab.loop, &(struct store_txn){.events = &ev, .n_events = 1});
    store_retain(lab.loop.store, (struct store_retention){.max_age_ms = 3600000, .min_events = 3});
    wait_for_oldest(5);
    store_retain(lab.loop.store, (struct store_retention){.max_age_ms = 3600000});
    wait_for_oldest(7);
    assert_int_equal(events(), 1);
}

/* The last event is removed; its id is not used again. */
static void test_ids_are_not_used_again(void **state)
{
    (void)state;
    fill_journal(3);
    store_retain(lab.loop.store, (struct store_retention){.max_age_ms = 1});
    while (events())
        ;
    all_records();
    struct store_event ev = {clock_wall_ms() + 3600000, STR("a"), STR("x"), STR("")};
    struct store_txn t = {.events = &ev, .n_events = 1};
    assert_int_equal(storeloop_commit(&lab.loop, &t).first_event, 4);
}

UNIT_MAIN(EACH(test_pages), EACH(test_tags_and_ends_of_pages), EACH(test_retention_by_count),
          EACH(test_retention_by_age), EACH(test_ids_are_not_used_again))
