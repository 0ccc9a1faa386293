/* SPDX-License-Identifier: Apache-2.0 */
/* The port's promises about events, tested on each store. */
#include "lib/unit.h"

#include "base/clock.h"
#include "lab.h"

#include <errno.h>
#include <unistd.h>

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

#define RETAIN_MS 60000
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
    store_retain(lab.loop.store, (struct store_retention){.max_events = {4}});
    wait_for_oldest(9);
    fill_journal(2); /* ids continue */
    store_retain(lab.loop.store, (struct store_retention){.max_events = {1}});
    wait_for_oldest(14);
}

static void test_retention_by_age(void **state)
{
    (void)state;
    int64_t now = clock_wall_ms();
    fill_journal(6); /* of 1970 */
    struct store_event ev = {now, STR("a"), STR("x"), STR("")};
    storeloop_commit(&lab.loop, &(struct store_txn){.events = &ev, .n_events = 1});
    store_retain(lab.loop.store,
                 (struct store_retention){.max_age_ms = {3600000}, .min_events = 3});
    wait_for_oldest(5);
    store_retain(lab.loop.store, (struct store_retention){.max_age_ms = {3600000}});
    wait_for_oldest(7);
    assert_int_equal(events(), 1);
}

/* The last event is removed; its id is not used again. */
static void test_ids_are_not_used_again(void **state)
{
    (void)state;
    fill_journal(3);
    store_retain(lab.loop.store, (struct store_retention){.max_age_ms = {1}});
    while (events())
        ;
    all_records();
    struct store_event ev = {clock_wall_ms() + 3600000, STR("a"), STR("x"), STR("")};
    struct store_txn t = {.events = &ev, .n_events = 1};
    assert_int_equal(storeloop_commit(&lab.loop, &t).first_event, 4);
}

/* --- Classes and nodes ----------------------------------------------------------------------- */

static void fill(int n, const char *node, const char *kind)
{
    for (int i = 0; i < n; i++)
        ask_event(1, node, kind);
    for (int i = 0; i < n; i++)
        store_notice_free(lab.loop.store, storeloop_until(&lab.loop, STORE_COMMIT));
}

/* The ids that a query finds, as "1-4 9 " and what it says of removed ones. */
static const char *found(struct store_query q, uint64_t *ret_removed)
{
    static char text[512];
    struct store_notice *n = storeloop_read(&lab.loop, q);
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0, k; i < n->page.n; i = k) {
        for (k = i + 1; k < n->page.n && n->page.entries[k].id == n->page.entries[k - 1].id + 1;)
            k++;
        at += (size_t)snprintf(text + at, sizeof(text) - at, k - i > 1 ? "%d-%d " : "%d ",
                               (int)n->page.entries[i].id, (int)n->page.entries[k - 1].id);
    }
    if (ret_removed)
        *ret_removed = n->page.removed;
    store_notice_free(lab.loop.store, n);
    return text;
}

static void expect_page_ids(struct store_query q, const char *ids, bool more)
{
    char got[512] = "";
    struct store_notice *n = storeloop_read(&lab.loop, q);
    for (size_t i = 0, at = 0; i < n->page.n; i++)
        at += (size_t)snprintf(got + at, sizeof(got) - at, "%d ", (int)n->page.entries[i].id);
    assert_string_equal(got, ids);
    assert_int_equal(n->page.more, more);
    store_notice_free(lab.loop.store, n);
}

static void expect_found(struct store_query q, const char *ids, uint64_t removed)
{
    uint64_t got;
    assert_string_equal(found(q, &got), ids);
    assert_int_equal(got, removed);
}

/* Retention runs on another thread: ask until it has come so far. */
static void retain(struct store_retention keep, const char *ids)
{
    store_retain(lab.loop.store, keep);
    for (int i = 0; i < RETAIN_MS && strcmp(found((struct store_query){0}, NULL), ids) != 0; i++)
        usleep(1000);
    assert_string_equal(found((struct store_query){0}, NULL), ids);
}

static const struct store_query of_all,
    of_a = {.node = {"a", 1}}, of_b = {.node = {"b", 1}}, changes = {.kind = {"x", 1}},
    reports = {.kind = {"progress", 8}}, reports_of_a = {.node = {"a", 1}, .kind = {"progress", 8}},
    changes_of_b = {.node = {"b", 1}, .kind = {"x", 1}};

static void test_reports_push_out_no_changes(void **state)
{
    (void)state;
    fill(3, "a", "x");
    fill(40, "b", "progress");
    fill(2, "a", "x");
    expect_found(of_all, "1-45 ", 0);
    retain((struct store_retention){.max_events = {4, 5}}, "2-3 39-45 ");
    expect_found(changes, "2-3 44-45 ", 1);
    expect_found(reports, "39-43 ", 38);
    expect_found(of_a, "2-3 44-45 ", 1);
    expect_found(of_b, "39-43 ", 38);
    expect_found(changes_of_b, "", 0);
    expect_page_ids((struct store_query){.after = 2, .limit = 3}, "3 39 40 ", true);
    expect_page_ids((struct store_query){.newest_first = true, .limit = 3, .before = 45},
                    "44 43 42 ", true);
    fill(1, "b", "progress"); /* ids go on */
    assert_string_equal(found((struct store_query){.after = 45}, NULL), "46 ");
}

/* Reports of a, then many of b: b's own oldest go, though a's are older. */
static void test_a_node_pushes_out_its_own(void **state)
{
    (void)state;
    fill(3, "a", "progress");
    fill(2, "b", "x");
    fill(40, "b", "progress");
    fill(1, "a", "progress");
    fill(12, "", "x");
    retain((struct store_retention){.max_events = {0, 14}, .max_of_node = {10}}, "1-5 36-58 ");
    expect_found(of_a, "1-3 46 ", 0);
    expect_found(of_b, "4-5 36-45 ", 35);
    expect_found(reports_of_a, "1-3 46 ", 0);
    expect_found(changes_of_b, "4-5 ", 0);
    expect_found(of_all, "1-5 36-58 ", 35);
    retain((struct store_retention){.max_events = {0, 12}, .max_of_node = {10}}, "3-5 36-58 ");
    expect_found(of_a, "3 46 ", 2);
    fill(25, "b", "x"); /* of changes, too */
    retain((struct store_retention){.max_events = {0, 12}, .max_of_node = {10}}, "3 36-58 74-83 ");
    expect_found(changes_of_b, "74-83 ", 73);
}

/* A file that is opened again knows what it holds and what is gone. */
static void test_a_tally_lasts(void **state)
{
    (void)state;
    fill(20, "b", "progress");
    fill(2, "a", "progress");
    retain((struct store_retention){.max_of_node = {10}}, "11-22 ");
    all_records();
    expect_found(of_b, "11-20 ", 10);
    expect_found(of_a, "21-22 ", 0);
    fill(7, "b", "progress");
    retain((struct store_retention){.max_of_node = {5}}, "21-22 25-29 ");
    expect_found(of_b, "25-29 ", 24);
}

/* --- The audit ------------------------------------------------------------------------------- */

static void audit(int n, const char *node, const char *kind, const char *who)
{
    for (int i = 0; i < n; i++) {
        const struct store_event ev = {1, str_from(node), str_from(kind), STR("{}"), str_from(who)};
        const struct store_txn t = {.events = &ev, .n_events = 1, .behind = i % 2};
        assert_int_equal(storeloop_commit(&lab.loop, &t).result, STORE_OK);
    }
}

/* It has ids of its own: whoever follows the events sees no gap in theirs. */
static void test_the_audit_is_a_journal_of_its_own(void **state)
{
    (void)state;
    fill(2, "a", "x");
    audit(1, "a", "admin", "uid 0");
    audit(1, "a", "node", "seed key");
    audit(1, "", "refused", "");
    fill(1, "a", "x");
    audit(1, "b", "admin", "token ci");
    assert_string_equal(found(of_all, NULL), "1-3 ");
    const struct store_query all = {.journal = STORE_AUDIT};
    struct store_notice *n = storeloop_read(&lab.loop, all);
    assert_int_equal(n->page.n, 4);
    assert_int_equal(n->page.oldest, 1);
    assert_int_equal(n->page.newest, 4);
    assert_str_equal(n->page.entries[1].event.who, STR("seed key"));
    assert_str_equal(n->page.entries[1].event.kind, STR("node"));
    store_notice_free(lab.loop.store, n);
    struct store_query q = all;
    q.who = STR("token");
    assert_string_equal(found(q, NULL), "4 ");
    q.who = STR("token ci");
    assert_string_equal(found(q, NULL), "4 ");
    q.who = STR("tok");
    assert_string_equal(found(q, NULL), "");
    q = (struct store_query){.journal = STORE_AUDIT, .node = STR("a"), .kind = STR("admin")};
    assert_string_equal(found(q, NULL), "1 ");
    q.who = STR("token");
    assert_string_equal(found(q, NULL), "");
    all_records();
    assert_string_equal(found(all, NULL), "1-4 ");
    audit(1, "a", "admin", "uid 0");
    assert_string_equal(found(all, NULL), "1-5 ");
    assert_string_equal(found(of_all, NULL), "1-3 ");
}

/* What anyone can send pushes out nothing else, and a node's fetches no other's. */
static void test_refusals_push_out_only_refusals(void **state)
{
    (void)state;
    const struct store_query all = {.journal = STORE_AUDIT};
    audit(2, "a", "admin", "uid 0");
    audit(2, "a", "node", "seed key");
    fill(30, "a", "x");
    audit(30, "a", "refused", "");
    audit(9, "b", "node", "seed key");
    store_retain(lab.loop.store, (struct store_retention){
                                     .max_events = {0, 0, 9, 9, 4},
                                     .max_of_node = {0, 5},
                                     .min_events = 1,
                                 });
    for (int i = 0; i < 20000 && strcmp(found(all, NULL), "1-4 31-34 39-43 ") != 0; i++)
        ;
    uint64_t removed;
    assert_string_equal(found(all, &removed), "1-4 31-34 39-43 ");
    assert_int_equal(removed, 38);
    assert_string_equal(found(of_all, NULL), "1-30 ");
    struct store_query q = {.journal = STORE_AUDIT, .node = STR("a"), .kind = STR("node")};
    assert_string_equal(found(q, &removed), "3-4 ");
    assert_int_equal(removed, 0);
}

static void test_a_transaction_is_of_one_journal(void **state)
{
    (void)state;
    const struct store_event both[] = {{1, STR("a"), STR("x"), STR("{}"), STR("")},
                                       {1, STR("a"), STR("admin"), STR("{}"), STR("uid 0")}};
    const struct store_txn t = {.events = both, .n_events = 2};
    assert_int_equal(store_commit(lab.loop.store, &t), -EINVAL);
    const struct store_query q = {.limit = 1, .kind = STR("admin")};
    assert_int_equal(store_read(lab.loop.store, &q), -EINVAL);
}

UNIT_MAIN(EACH(test_pages), EACH(test_tags_and_ends_of_pages), EACH(test_retention_by_count),
          EACH(test_retention_by_age), EACH(test_ids_are_not_used_again),
          EACH(test_reports_push_out_no_changes), EACH(test_a_node_pushes_out_its_own),
          EACH(test_a_tally_lasts), EACH(test_the_audit_is_a_journal_of_its_own),
          EACH(test_refusals_push_out_only_refusals), EACH(test_a_transaction_is_of_one_journal))
