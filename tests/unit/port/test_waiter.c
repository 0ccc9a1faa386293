/* SPDX-License-Identifier: Apache-2.0 */
/* Who is woken by a list of waiters, and how often. */
#include "lib/unit.h"

#include "port/waiter.h"

#define PEERS 8

static unsigned woken[PEERS];
static struct waiters all;

static void on_wake(void *cls, struct slot_ref ref)
{
    (void)cls;
    woken[ref.slot]++;
}

static void on_other_wake(void *cls, struct slot_ref ref)
{
    *(unsigned *)cls += ref.slot;
}

static struct waiter number(uint32_t i)
{
    return (struct waiter){{on_wake, NULL}, {i, 1}};
}

static int start(void **state)
{
    (void)state;
    memset(woken, 0, sizeof(woken));
    return 0;
}

static int end(void **state)
{
    (void)state;
    waiters_done(&all);
    return 0;
}

static void nobody(void **state)
{
    (void)state;
    waiter_wake((struct waiter){0});
    waiters_wake(&all);
    waiters_remove(&all, number(1));
}

static void each_once_by_its_own_wake(void **state)
{
    unsigned sum = 0;
    (void)state;
    for (uint32_t i = 0; i < PEERS; i++)
        waiters_add(&all, number(i));
    waiters_add(&all, (struct waiter){{on_other_wake, &sum}, {5, 1}});
    waiters_wake(&all);
    waiters_wake(&all);
    for (uint32_t i = 0; i < PEERS; i++)
        assert_int_equal(woken[i], 1);
    assert_int_equal(sum, 5);
}

static void one_that_leaves(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        waiters_add(&all, number(i));
    waiters_remove(&all, number(1));
    waiters_remove(&all, (struct waiter){{on_wake, NULL}, {2, 2}}); /* another one's slot */
    waiters_wake(&all);
    assert_int_equal(woken[0] + woken[2], 2);
    assert_int_equal(woken[1], 0);
}

/* Adds itself again, and more than there was room for, as a stream does that is stepped at once. */
static void on_wake_again(void *cls, struct slot_ref ref)
{
    (void)cls;
    woken[ref.slot]++;
    for (uint32_t i = 0; i < PEERS; i++)
        waiters_add(&all, (struct waiter){{on_wake_again, NULL}, {i, 1}});
    waiters_remove(&all, number(7)); /* of this round: too late */
}

static void added_while_waking(void **state)
{
    (void)state;
    waiters_add(&all, (struct waiter){{on_wake_again, NULL}, {0, 1}});
    waiters_add(&all, number(7));
    waiters_wake(&all);
    assert_int_equal(woken[0], 1);
    assert_int_equal(woken[7], 1);
    assert_int_equal(all.n, PEERS);
    waiters_wake(&all);
    for (uint32_t i = 1; i < 7; i++)
        assert_int_equal(woken[i], 1);
    assert_int_equal(woken[0], 2);
    assert_int_equal(all.n, PEERS * PEERS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(nobody), TEST(each_once_by_its_own_wake), TEST(one_that_leaves),
          TEST(added_while_waking))
