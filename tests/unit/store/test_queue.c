/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for the writer, and in which order it gets it. */
#include "lib/unit.h"

#include "store/queue.h"

static struct queue q;

static int enter(void **state)
{
    (void)state;
    queue_init(&q, STORE_LIMITS_DEFAULT);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    queue_done(&q);
    return 0;
}

static void ask(uint64_t tag, bool behind)
{
    const struct store_event ev = {1, STR("a"), STR("x"), STR(""), STR("")};
    const struct store_txn t = {.tag = tag, .events = &ev, .n_events = 1, .behind = behind};
    assert_int_equal(queue_put(&q, request_commit(&t)), 0);
}

/* "1 2 | 3": the tags of the commits, and of what is written behind them. */
static const char *next(void)
{
    static char text[256];
    struct queue_work w = queue_wait(&q, 10, 0);
    struct request *r;
    size_t at = 0;
    text[0] = '\0';
    while ((r = request_list_take(&w.commits))) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%d ", (int)r->notice.tag);
        request_free(r);
    }
    at += (size_t)snprintf(text + at, sizeof(text) - at, "|");
    while ((r = request_list_take(&w.behind))) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, " %d", (int)r->notice.tag);
        request_free(r);
    }
    return text;
}

static void test_behind_waits_for_all_others(void **state)
{
    (void)state;
    ask(1, true);
    ask(2, true);
    ask(3, false);
    ask(4, false);
    assert_string_equal(next(), "3 4 |");
    assert_string_equal(next(), "| 1");
    ask(5, false);
    assert_string_equal(next(), "5 |");
    assert_string_equal(next(), "| 2");
    assert_string_equal(next(), "|");
}

static void test_behind_has_its_turn_under_a_load_that_never_ends(void **state)
{
    (void)state;
    int groups = 0;
    ask(1, true);
    do {
        ask(2, false);
        groups++;
    } while (strcmp(next(), "2 |") == 0);
    assert_int_equal(groups, 33);
}

static void test_a_stop_waits_for_it(void **state)
{
    (void)state;
    ask(1, true);
    ask(2, false);
    queue_stop(&q);
    struct queue_work w = queue_wait(&q, 10, 1000);
    assert_false(w.stop);
    request_list_free(&w.commits);
    w = queue_wait(&q, 10, 1000);
    assert_false(w.stop);
    assert_int_equal(w.behind.n, 1);
    request_list_free(&w.behind);
    assert_true(queue_wait(&q, 10, 1000).stop);
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

UNIT_MAIN(WITH_QUEUE(test_behind_waits_for_all_others),
          WITH_QUEUE(test_behind_has_its_turn_under_a_load_that_never_ends),
          WITH_QUEUE(test_a_stop_waits_for_it))
