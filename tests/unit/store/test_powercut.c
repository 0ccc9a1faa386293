/* SPDX-License-Identifier: Apache-2.0 */
/* What was answered is kept after a power cut, and after a disk error. */
#include "lib/unit.h"

#include "lib/folder.h"
#include "lossyfs.h"
#include "producers.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdlib.h>

static struct producers producers;

static uint64_t rounds(void)
{
    const char *wanted = getenv("POWERCUTS");
    return wanted ? strtoull(wanted, NULL, 10) : 25;
}

static int open_store(bool unsafe, struct store **ret, struct err *e)
{
    struct sqlite_options o = {.path = "state.db", .unsafe = unsafe};
    return sqlite_open(&o, ret, e);
}

/* All producers at once, until the power is off. */
static void produce_until_cut(struct store *s)
{
    struct storeloop l;
    uint64_t under_way = PRODUCERS;
    storeloop_start(&l, s);
    for (uint64_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(producers_commit(&producers, s, i), 0);
    while (under_way) {
        struct store_notice *n = storeloop_until(&l, STORE_COMMIT);
        uint64_t i = n->tag;
        under_way--;
        if (n->result == STORE_OK) {
            producers.answered[i]++;
            producers.revisions[i] = n->revision;
            under_way++;
            assert_int_equal(producers_commit(&producers, s, i), 0);
        } else {
            assert_true(n->result == STORE_UNKNOWN || n->result == STORE_UNAVAILABLE);
            assert_true(lossyfs_is_cut());
        }
        store_notice_free(s, n);
    }
    storeloop_end(&l);
}

/* One cut; returns how many producers lost an answered commit: all if the file cannot be read. */
static unsigned one_cut(uint64_t seed, bool unsafe)
{
    struct store *s = NULL;
    struct storeloop l;
    struct err e = {0};
    unsigned lost;
    /* Most cuts come between commits, some while the file is made. */
    uint64_t at = seed % 5 ? 1 + seed * 2654435761U % 1000 : 1 + seed / 5;
    memset(&producers, 0, sizeof(producers));
    unlink("state.db");
    lossyfs_arm(at, (uint32_t)seed, seed % 2);
    if (open_store(unsafe, &s, &e) == 0)
        produce_until_cut(s);
    assert_true(lossyfs_is_cut());
    lossyfs_restore();
    if (open_store(false, &s, &e) < 0) {
        if (!unsafe)
            fail_msg("cut %d: %s", (int)seed, e.msg);
        lost = PRODUCERS;
    } else {
        lost = producers_compare(&producers, &l, s);
        storeloop_end(&l);
    }
    unlink("state.db");
    unlink("state.db-wal");
    return lost;
}

static void test_nothing_answered_is_lost(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= rounds(); i++) {
        unsigned lost = one_cut(i, false);
        if (lost)
            fail_msg("cut %d: %u producers had an answer that does not hold", (int)i, lost);
    }
}

/* Shows that the test above would notice a loss. */
static void test_without_syncs_it_would_be(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t i = 1; i <= 6 && !lost; i++)
        lost = one_cut(i, true);
    assert_true(lost > 0);
}

static const char *all_text(struct store_notice *n, char text[256])
{
    snprintf(text, 256, "%.*s=%.20s@%d", STR_ARG(n->record.key), n->record.bytes.p,
             (int)n->record.revision);
    return text;
}

/* After a failed sync it is unknown what the disk has: the answer is UNKNOWN, then the feed tells.
 */
static void test_failed_sync_is_unknown(void **state)
{
    struct store *s = NULL;
    struct storeloop l;
    struct err e = {0};
    char text[256];
    (void)state;
    lossyfs_arm(0, 0, false);
    assert_int_equal(open_store(false, &s, &e), 0);
    storeloop_start(&l, s);
    assert_int_equal(storeloop_put(&l, "a", STORE_ABSENT, "1").result, STORE_OK);
    lossyfs_fail_syncs(0, 1);
    struct store_notice failed = storeloop_put(&l, "a", 1, "2");
    assert_int_equal(failed.result, STORE_UNKNOWN);
    assert_contains(failed.err.msg, "state.db: ");
    struct store_notice *n = storeloop_until(&l, STORE_START_OVER);
    store_notice_free(s, n);
    n = storeloop_until(&l, STORE_CHANGED);
    all_text(n, text);
    uint64_t revision = n->record.revision;
    assert_true(strncmp(text, "a=1", 3) == 0 || strncmp(text, "a=2", 3) == 0);
    store_notice_free(s, n);
    store_notice_free(s, storeloop_until(&l, STORE_IN_STEP));
    assert_int_equal(store_health(s, &e), STORE_OK);
    /* It continues from there. */
    assert_int_equal(storeloop_put(&l, "a", revision, "3").result, STORE_OK);
    storeloop_end(&l);
    unlink("state.db");
}

/* More records than the feed sends at a time, and a commit between two steps. */
static void test_start_over_has_all_records(void **state)
{
    struct store *s = NULL;
    struct storeloop l;
    struct err e = {0};
    unsigned seen = 0;
    (void)state;
    lossyfs_arm(0, 0, false);
    assert_int_equal(open_store(false, &s, &e), 0);
    storeloop_start(&l, s);
    for (unsigned i = 0; i < 3000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "n%04u", i);
        assert_int_equal(storeloop_put(&l, key, STORE_ABSENT, "1").result, STORE_OK);
    }
    lossyfs_fail_syncs(0, 1);
    assert_int_equal(storeloop_put(&l, "n0000", STORE_ANY, "2").result, STORE_UNKNOWN);
    store_notice_free(s, storeloop_until(&l, STORE_START_OVER));
    struct store_write w = {STORE_DELETE, STR("node"), STR("n2999"), STORE_ANY, STR("")};
    struct store_txn t = {.writes = &w, .n_writes = 1};
    assert_int_equal(store_commit(s, &t), 0);
    bool in_step = false, deleted = false;
    while (!in_step || !deleted) {
        struct store_notice *n = storeloop_next(&l);
        in_step |= n->about == STORE_IN_STEP;
        deleted |= n->about == STORE_COMMIT;
        if (n->about == STORE_CHANGED) {
            assert_false(in_step);
            assert_false(deleted && str_is(n->record.key, "n2999"));
            seen++;
        }
        store_notice_free(s, n);
    }
    assert_true(seen == 3000 || seen == 2999);
    storeloop_end(&l);
    unlink("state.db");
}

/* While the file cannot be opened again, commits are refused at once. */
static void test_unavailable_until_it_can_be_opened(void **state)
{
    struct store *s = NULL;
    struct storeloop l;
    struct err e = {0};
    (void)state;
    lossyfs_arm(0, 0, false);
    assert_int_equal(open_store(false, &s, &e), 0);
    storeloop_start(&l, s);
    assert_int_equal(storeloop_put(&l, "a", STORE_ABSENT, "1").result, STORE_OK);
    assert_int_equal(chmod("state.db", 0644), 0);
    lossyfs_fail_syncs(0, 1);
    assert_int_equal(storeloop_put(&l, "a", 1, "2").result, STORE_UNKNOWN);
    while (store_health(s, &e) != STORE_UNAVAILABLE)
        store_notice_free(s, storeloop_until(&l, STORE_HEALTH));
    assert_contains(e.msg, "chmod 600 state.db");
    struct store_notice n = storeloop_put(&l, "a", 1, "2");
    assert_int_equal(n.result, STORE_UNAVAILABLE);
    assert_contains(n.err.msg, "chmod 600 state.db");
    assert_int_equal(chmod("state.db", 0600), 0);
    while (store_health(s, &e) != STORE_OK)
        store_notice_free(s, storeloop_until(&l, STORE_HEALTH));
    assert_int_equal(storeloop_put(&l, "a", STORE_ANY, "2").result, STORE_OK);
    storeloop_end(&l);
    unlink("state.db");
}

#define PAGES 20

/* Each of its records takes a page of its own. */
static int commit_pages(struct store *s, const char *key, char fill)
{
    static char bytes[3000];
    struct store_write w[PAGES];
    char keys[PAGES][16];
    memset(bytes, fill, sizeof(bytes));
    for (unsigned i = 0; i < PAGES; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%s%02u", key, i);
        w[i] = (struct store_write){
            STORE_PUT, STR("node"), str_from(keys[i]), STORE_ANY, {bytes, sizeof(bytes)}};
    }
    return store_commit(s, &(struct store_txn){.writes = w, .n_writes = PAGES});
}

/* However many pages it has: a call for each would cost more than the pages. */
static void test_commit_is_written_in_few_calls(void **state)
{
    struct store *s = NULL;
    struct storeloop l;
    struct err e = {0};
    (void)state;
    lossyfs_arm(0, 0, false);
    assert_int_equal(open_store(false, &s, &e), 0);
    storeloop_start(&l, s);
    assert_int_equal(storeloop_put(&l, "a", STORE_ABSENT, "1").result, STORE_OK);
    uint64_t before = lossyfs_writes();
    assert_int_equal(commit_pages(s, "p", '1'), 0);
    store_notice_free(s, storeloop_until(&l, STORE_COMMIT));
    assert_in_range(lossyfs_writes() - before, 1, 4);
    storeloop_end(&l);
    unlink("state.db");
}

static int last_is_there(void *cls, const struct store_record *record, struct err *e)
{
    (void)e;
    assert_int_equal(record->bytes.p[0], '2');
    ++*(unsigned *)cls;
    return 0;
}

#define CHUNKS 80

/* SQLite writes what it has no room for before the commit, and reads it again. */
static void test_group_that_is_more_than_the_cache(void **state)
{
    struct store *s = NULL;
    struct storeloop l;
    struct err e = {0};
    unsigned seen = 0;
    uint64_t revision;
    (void)state;
    lossyfs_arm(0, 0, false);
    assert_int_equal(open_store(false, &s, &e), 0);
    for (unsigned i = 0; i < 2 * CHUNKS; i++) { /* one group: the store was not started yet */
        char key[16];
        bool again = i >= CHUNKS; /* backwards, so that what was written last is read at once */
        snprintf(key, sizeof(key), "c%02u-", again ? 2 * CHUNKS - 1 - i : i);
        assert_int_equal(commit_pages(s, key, again ? '2' : '1'), 0);
    }
    storeloop_start(&l, s);
    for (unsigned i = 0; i < 2 * CHUNKS; i++) {
        struct store_notice *n = storeloop_until(&l, STORE_COMMIT);
        assert_int_equal(n->result, STORE_OK);
        store_notice_free(s, n);
    }
    storeloop_end(&l);
    assert_int_equal(open_store(false, &s, &e), 0);
    assert_int_equal(store_load(s, last_is_there, &seen, &revision, &e), 0);
    assert_int_equal(seen, CHUNKS * PAGES);
    store_close(s);
    unlink("state.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_answered_is_lost, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(test_without_syncs_it_would_be, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(test_failed_sync_is_unknown, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(test_start_over_has_all_records, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(test_unavailable_until_it_can_be_opened, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(test_commit_is_written_in_few_calls, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(test_group_that_is_more_than_the_cache, folder_enter,
                                        folder_leave),
    };
    lossyfs_install();
    return cmocka_run_group_tests_name("", tests, NULL, NULL);
}
