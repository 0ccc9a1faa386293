/* SPDX-License-Identifier: Apache-2.0 */
/* The port's promises about records and the queue, tested on each store. */
#include "lib/unit.h"

#include "lab.h"

#include <errno.h>

static void test_empty(void **state)
{
    (void)state;
    assert_string_equal(all_records(), "");
    assert_int_equal(events(), 0);
    assert_int_equal(store_health(lab.loop.store, NULL), STORE_OK);
    assert_null(store_take(lab.loop.store));
}

static void test_put_and_put_again(void **state)
{
    (void)state;
    struct store_notice one = put("a", STORE_ABSENT, "1");
    assert_int_equal(one.result, STORE_OK);
    assert_int_equal(one.revision, 1);
    assert_int_equal(one.first_event, 1);
    struct store_notice two = put("a", one.revision, "2");
    assert_int_equal(two.result, STORE_OK);
    assert_int_equal(two.revision, 2);
    assert_int_equal(two.first_event, 2);
    put("b", STORE_ABSENT, "");
    assert_string_equal(all_records(), "node/a=2@2 node/b=@3 ");
    assert_int_equal(events(), 3);
}

static void test_wrong_revision(void **state)
{
    (void)state;
    put("a", STORE_ABSENT, "1");
    put("a", 1, "2");
    struct store_notice n = put("a", 1, "3");
    assert_int_equal(n.result, STORE_CONFLICT);
    assert_int_equal(n.revision, 2);
    assert_int_equal(n.conflict, 0);
    assert_contains(n.err.msg, "node 'a' was changed by somebody else");
    n = put("b", 1, "1");
    assert_int_equal(n.result, STORE_CONFLICT);
    assert_int_equal(n.revision, 0);
    assert_contains(n.err.msg, "node 'b' is not there any more");
    n = put("a", STORE_ABSENT, "1");
    assert_int_equal(n.result, STORE_CONFLICT);
    assert_contains(n.err.msg, "node 'a' is there already");
    assert_string_equal(all_records(), "node/a=2@2 ");
    assert_int_equal(events(), 2);
    struct store_stats stats;
    store_stats(lab.loop.store, &stats);
    assert_int_equal(stats.queued, 0);
}

static void test_any_revision(void **state)
{
    (void)state;
    assert_int_equal(put("a", STORE_ANY, "1").result, STORE_OK);
    assert_int_equal(put("a", STORE_ANY, "2").result, STORE_OK);
    assert_string_equal(all_records(), "node/a=2@2 ");
}

static struct store_notice remove_one(const char *key, uint64_t expected)
{
    struct store_write w = {STORE_DELETE, STR("node"), str_from(key), expected, STR("")};
    return storeloop_commit(&lab.loop, &(struct store_txn){.writes = &w, .n_writes = 1});
}

static void test_delete(void **state)
{
    (void)state;
    put("a", STORE_ABSENT, "1");
    put("b", STORE_ABSENT, "1");
    assert_int_equal(remove_one("a", 7).result, STORE_CONFLICT);
    assert_int_equal(remove_one("a", 1).result, STORE_OK);
    assert_int_equal(remove_one("a", 1).result, STORE_CONFLICT);
    assert_int_equal(remove_one("a", STORE_ANY).result, STORE_OK);
    assert_string_equal(all_records(), "node/b=1@2 ");
}

/* An old revision must not match a new record of the same name. */
static void test_name_used_again(void **state)
{
    (void)state;
    uint64_t old = put("a", STORE_ABSENT, "1").revision;
    remove_one("a", old);
    uint64_t again = put("a", STORE_ABSENT, "1").revision;
    assert_true(again > old + 1);
    assert_int_equal(put("a", old, "2").result, STORE_CONFLICT);
    assert_int_equal(remove_one("a", again).result, STORE_OK);
    all_records(); /* the counter outlives all records */
    assert_true(put("a", STORE_ABSENT, "1").revision > again + 1);
}

static void test_only_a_check(void **state)
{
    (void)state;
    put("lease", STORE_ABSENT, "1");
    struct store_write w[] = {
        {STORE_CHECK, STR("node"), STR("lease"), 1, STR("")},
        {STORE_PUT, STR("node"), STR("a"), STORE_ABSENT, STR("1")},
    };
    struct store_txn t = {.tag = 5, .writes = w, .n_writes = 2};
    struct store_notice n = storeloop_commit(&lab.loop, &t);
    assert_int_equal(n.result, STORE_OK);
    assert_int_equal(n.tag, 5);
    assert_int_equal(n.first_event, 0);
    put("lease", 1, "2");
    w[1].key = STR("b");
    n = storeloop_commit(&lab.loop, &t);
    assert_int_equal(n.result, STORE_CONFLICT);
    assert_int_equal(n.conflict, 0);
    assert_int_equal(n.revision, 3);
    assert_string_equal(all_records(), "node/a=1@2 node/lease=2@3 ");
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    put("b", STORE_ABSENT, "1");
    struct store_write w[] = {
        {STORE_PUT, STR("node"), STR("a"), STORE_ABSENT, STR("1")},
        {STORE_DELETE, STR("node"), STR("b"), 1, STR("")},
        {STORE_PUT, STR("node"), STR("c"), 9, STR("1")},
    };
    struct store_event ev[] = {{1, STR("a"), STR("x"), STR("")}, {1, STR("b"), STR("x"), STR("")}};
    struct store_txn t = {.writes = w, .n_writes = 3, .events = ev, .n_events = 2};
    struct store_notice n = storeloop_commit(&lab.loop, &t);
    assert_int_equal(n.result, STORE_CONFLICT);
    assert_int_equal(n.conflict, 2);
    assert_string_equal(all_records(), "node/b=1@1 ");
    assert_int_equal(events(), 1);
    w[2].expected = STORE_ABSENT;
    n = storeloop_commit(&lab.loop, &t);
    assert_int_equal(n.result, STORE_OK);
    assert_int_equal(n.revision, 2);
    assert_int_equal(n.first_event, 2);
    assert_string_equal(all_records(), "node/a=1@2 node/c=1@2 ");
    assert_int_equal(events(), 3);
}

/* Each write meets what those before it have left, whose revision no caller can expect. */
static void test_one_record_again_and_again(void **state)
{
    (void)state;
    put("a", STORE_ABSENT, "1");
    struct store_write w[] = {
        {STORE_DELETE, STR("node"), STR("a"), 1, STR("")},
        {STORE_PUT, STR("node"), STR("a"), STORE_ABSENT, STR("2")},
        {STORE_PUT, STR("node"), STR("a"), STORE_ANY, STR("3")},
        {STORE_PUT, STR("node"), STR("b"), STORE_ABSENT, STR("4")},
        {STORE_DELETE, STR("node"), STR("b"), STORE_ANY, STR("")},
        {STORE_CHECK, STR("node"), STR("b"), STORE_ABSENT, STR("")},
        {STORE_PUT, STR("node"), STR("c"), STORE_ABSENT, STR("5")},
        {STORE_PUT, STR("node"), STR("d"), STORE_ABSENT, STR("6")},
        {STORE_PUT, STR("node"), STR("c"), STORE_ABSENT, STR("7")},
    };
    struct store_txn t = {.writes = w, .n_writes = 9};
    struct store_notice n = storeloop_commit(&lab.loop, &t);
    assert_int_equal(n.result, STORE_CONFLICT);
    assert_int_equal(n.conflict, 8);
    assert_string_equal(all_records(), "node/a=1@1 ");
    t.n_writes = 8;
    n = storeloop_commit(&lab.loop, &t);
    assert_int_equal(n.result, STORE_OK);
    assert_int_equal(n.revision, 2);
    assert_string_equal(all_records(), "node/a=3@2 node/c=5@2 node/d=6@2 ");
}

/* Queued at once, so that they share a commit; each succeeds or fails by itself. */
static void test_conflict_does_not_affect_others(void **state)
{
    (void)state;
    put("n0", STORE_ABSENT, "1");
    for (uint64_t i = 1; i <= 300; i++) {
        char key[STR_U64_SIZE + 1] = "n";
        str_of_u64(i, key + 1);
        struct store_write w[] = {
            {STORE_PUT, STR("node"), str_from(key), STORE_ABSENT, STR("1")},
            {STORE_CHECK, STR("node"), STR("n0"), i % 3 ? 1 : 99, STR("")},
        };
        struct store_event ev = {1, str_from(key), STR("x"), STR("")};
        struct store_txn t = {.tag = i, .writes = w, .n_writes = 2, .events = &ev, .n_events = 1};
        assert_int_equal(store_commit(lab.loop.store, &t), 0);
    }
    uint64_t revision = 1, event = 1;
    for (uint64_t i = 1; i <= 300; i++) {
        struct store_notice *n = storeloop_until(&lab.loop, STORE_COMMIT);
        assert_int_equal(n->tag, i);
        assert_int_equal(n->result, i % 3 ? STORE_OK : STORE_CONFLICT);
        if (n->result == STORE_OK) {
            assert_int_equal(n->revision, ++revision);
            assert_int_equal(n->first_event, ++event);
        }
        store_notice_free(lab.loop.store, n);
    }
    assert_int_equal(events(), 201);
    assert_null(strstr(all_records(), "node/n300="));
    struct store_stats stats;
    store_stats(lab.loop.store, &stats);
    assert_true(lab_lasts() || stats.commits == 201);
}

/* The later of two that know the same revision loses. */
static void test_two_at_once(void **state)
{
    (void)state;
    put("a", STORE_ABSENT, "1");
    for (uint64_t i = 0; i < 2; i++) {
        struct store_write w = {STORE_PUT, STR("node"), STR("a"), 1, STR("2")};
        assert_int_equal(store_commit(lab.loop.store,
                                      &(struct store_txn){.tag = i, .writes = &w, .n_writes = 1}),
                         0);
    }
    struct store_notice *one = storeloop_until(&lab.loop, STORE_COMMIT);
    struct store_notice *two = storeloop_until(&lab.loop, STORE_COMMIT);
    assert_int_equal(one->result, STORE_OK);
    assert_int_equal(two->result, STORE_CONFLICT);
    assert_int_equal(two->revision, one->revision);
    store_notice_free(lab.loop.store, one);
    store_notice_free(lab.loop.store, two);
}

static int expect_any_bytes(void *cls, const struct store_record *r, struct err *e)
{
    (void)cls;
    (void)e;
    assert_str(r->bytes, "\0\xff\0x");
    return 0;
}

static void test_any_bytes(void **state)
{
    uint64_t revision;
    (void)state;
    struct store_write w = {STORE_PUT, STR("kn\xc3\xb6t"), STR("a b/'\"%"), 0, STR("\0\xff\0x")};
    struct store_event ev = {-5, STR("n\xc3\xb6"), STR("k"), STR("\0\n\xff")};
    struct store_txn t = {.writes = &w, .n_writes = 1, .events = &ev, .n_events = 1};
    assert_int_equal(storeloop_commit(&lab.loop, &t).result, STORE_OK);
    assert_string_equal(all_records(), "kn\xc3\xb6t/a b/'\"%=@1 "); /* up to the NUL */
    struct store_notice *n = storeloop_read(&lab.loop, (struct store_query){0});
    assert_str(n->page.entries[0].event.bytes, "\0\n\xff");
    assert_str(n->page.entries[0].event.node, "n\xc3\xb6");
    assert_int_equal(n->page.entries[0].event.at_ms, -5);
    store_notice_free(lab.loop.store, n);
    store_stop(lab.loop.store);
    assert_int_equal(store_load(lab.loop.store, expect_any_bytes, NULL, &revision, NULL), 0);
}

static void test_bounds(void **state)
{
    (void)state;
    static char big[STORE_TXN_MAX_BYTES + 1];
    char name[STORE_NAME_MAX_BYTES + 1];
    memset(name, 'x', sizeof(name));
    struct store_write w = {STORE_PUT, STR("k"), {name, STORE_NAME_MAX_BYTES}, 0, STR("")};
    struct store_txn t = {.writes = &w, .n_writes = 1};
    assert_int_equal(storeloop_commit(&lab.loop, &t).result, STORE_OK);
    w.key = (struct str){name, sizeof(name)};
    assert_int_equal(store_commit(lab.loop.store, &t), -EINVAL);
    w.key = STR("");
    assert_int_equal(store_commit(lab.loop.store, &t), -EINVAL);
    w.key = STR("a\0b");
    assert_int_equal(store_commit(lab.loop.store, &t), -EINVAL);
    w.key = STR("\xff");
    assert_int_equal(store_commit(lab.loop.store, &t), -EINVAL);
    w.key = STR("big");
    w.bytes = (struct str){big, sizeof(big)};
    assert_int_equal(store_commit(lab.loop.store, &t), -EMSGSIZE);
    w.bytes.n--;
    assert_int_equal(storeloop_commit(&lab.loop, &t).result, STORE_OK);
    assert_int_equal(store_commit(lab.loop.store, &(struct store_txn){0}), -EINVAL);
    t.n_writes = STORE_TXN_MAX_ITEMS + 1;
    assert_int_equal(store_commit(lab.loop.store, &t), -EMSGSIZE);
    struct store_query q = {.limit = STORE_PAGE_MAX + 1};
    assert_int_equal(store_read(lab.loop.store, &q), -EINVAL);
    q.limit = 0;
    assert_int_equal(store_read(lab.loop.store, &q), -EINVAL);
}

static void test_queue_is_bounded(void **state)
{
    (void)state;
    if (lab.which == FAILING) {
        failing_store_refuse(lab.loop.store, -EBUSY);
        struct store_event ev = {1, STR("a"), STR("x"), STR("")};
        struct store_txn t = {.events = &ev, .n_events = 1};
        assert_int_equal(store_commit(lab.loop.store, &t), -EBUSY);
        return;
    }
    lab_restart((struct store_limits){.commits_max = 3, .bytes_max = 8192, .reads_max = 2});
    static char big[6000];
    struct store_event ev = {1, STR("a"), STR("x"), STR("")};
    struct store_txn t = {.events = &ev, .n_events = 1};
    struct store_query q = {.limit = 1};
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_commit(lab.loop.store, &t), 0);
    assert_int_equal(store_commit(lab.loop.store, &t), -EBUSY);
    assert_int_equal(store_read(lab.loop.store, &q), 0);
    assert_int_equal(store_read(lab.loop.store, &q), 0);
    assert_int_equal(store_read(lab.loop.store, &q), -EBUSY);
    /* Answers count until they are taken. */
    for (int i = 0; i < 3; i++)
        store_notice_free(lab.loop.store, storeloop_until(&lab.loop, STORE_COMMIT));
    ev.bytes = (struct str){big, sizeof(big)};
    assert_int_equal(store_commit(lab.loop.store, &t), 0);
    assert_int_equal(store_commit(lab.loop.store, &t), -EBUSY);
    store_notice_free(lab.loop.store, storeloop_until(&lab.loop, STORE_COMMIT));
    assert_int_equal(store_commit(lab.loop.store, &t), 0);
}

static void test_stop_finishes_what_is_queued(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 50; i++)
        ask_event(i, "a", "x");
    store_stop(lab.loop.store);
    struct store_event ev = {1, STR("a"), STR("x"), STR("")};
    struct store_txn t = {.events = &ev, .n_events = 1};
    assert_int_equal(store_commit(lab.loop.store, &t), -ESHUTDOWN);
    uint64_t answered = 0;
    struct store_notice *n;
    while ((n = store_take(lab.loop.store))) {
        assert_int_equal(n->result, STORE_OK);
        answered += n->about == STORE_COMMIT;
        store_notice_free(lab.loop.store, n);
    }
    assert_int_equal(answered, 50);
}

static int refuse_record(void *cls, const struct store_record *r, struct err *e)
{
    (void)cls;
    (void)r;
    return err_set(e, -EBADMSG, "no");
}

static void test_load_can_be_ended(void **state)
{
    (void)state;
    put("a", STORE_ABSENT, "1");
    struct store *s = lab.loop.store;
    uint64_t revision = 77;
    struct err e = {0};
    store_stop(s);
    assert_int_equal(store_load(s, refuse_record, NULL, &revision, &e), -EBADMSG);
    assert_string_equal(e.msg, "no");
    assert_int_equal(revision, 77);
}

UNIT_MAIN(EACH(test_empty), EACH(test_put_and_put_again), EACH(test_wrong_revision),
          EACH(test_any_revision), EACH(test_delete), EACH(test_name_used_again),
          EACH(test_only_a_check), EACH(test_all_or_nothing), EACH(test_one_record_again_and_again),
          EACH(test_conflict_does_not_affect_others), EACH(test_two_at_once), EACH(test_any_bytes),
          EACH(test_bounds), EACH(test_queue_is_bounded), EACH(test_stop_finishes_what_is_queued),
          EACH(test_load_can_be_ended))
