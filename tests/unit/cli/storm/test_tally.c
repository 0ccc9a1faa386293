/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/storm/tally.h"

#include <stdio.h>

static void percentiles_are_near(void **state)
{
    static struct latency l;
    (void)state;
    assert_int_equal(latency_percentile_us(&l, 50), 0);
    for (uint64_t us = 1; us <= 100000; us++)
        latency_add(&l, us);
    assert_in_range(latency_percentile_us(&l, 50), 50000, 51600);
    assert_in_range(latency_percentile_us(&l, 99), 99000, 100000);
    assert_int_equal(latency_percentile_us(&l, 100), 100000);
    assert_int_equal(l.max_us, 100000);
}

static void short_ones_are_exact(void **state)
{
    static struct latency l;
    (void)state;
    latency_add(&l, 7);
    latency_add(&l, 9);
    assert_int_equal(latency_percentile_us(&l, 50), 7);
    assert_int_equal(latency_percentile_us(&l, 99), 9);
}

static void endless_ones_are_counted(void **state)
{
    static struct latency l;
    (void)state;
    latency_add(&l, UINT64_MAX);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.max_us, UINT64_MAX);
    assert_true(latency_percentile_us(&l, 50) > 0);
}

static void failures_are_counted_by_phase_and_kind(void **state)
{
    static struct tally t;
    (void)state;
    tally_fail(&t, STORM_REPORT, "status 503", STR("storm-00001"), STR("busy"));
    tally_fail(&t, STORM_REPORT, "status 503", STR("storm-00002"), STR("later"));
    tally_fail(&t, STORM_SEED, "status 503", STR("storm-00003"), STR(""));
    assert_int_equal(t.failures_n, 2);
    assert_int_equal(t.failures[0].count, 2);
    assert_string_equal(t.failures[0].example, "storm-00001: busy");
    assert_string_equal(t.failures[1].example, "storm-00003");
    assert_int_equal(tally_failed(&t, STORM_REPORT), 2);
    assert_int_equal(tally_failed(&t, STORM_ARM), 0);
}

static void kinds_beyond_the_room_are_counted_too(void **state)
{
    static struct tally t;
    char kind[24];
    uint64_t n = 0;
    (void)state;
    for (int i = 0; i < TALLY_FAILURES_MAX + 20; i++) {
        snprintf(kind, sizeof(kind), "kind %d", i);
        tally_fail(&t, STORM_REPORT, kind, STR("storm-00001"), STR(""));
    }
    assert_int_equal(t.failures_n, TALLY_FAILURES_MAX);
    for (uint32_t i = 0; i < t.failures_n; i++)
        n += t.failures[i].count;
    assert_int_equal(n, TALLY_FAILURES_MAX + 20);
    assert_string_equal(t.failures[TALLY_FAILURES_MAX - 1].kind, "other");
}

UNIT_MAIN(cmocka_unit_test(percentiles_are_near), cmocka_unit_test(short_ones_are_exact),
          cmocka_unit_test(endless_ones_are_counted),
          cmocka_unit_test(failures_are_counted_by_phase_and_kind),
          cmocka_unit_test(kinds_beyond_the_room_are_counted_too))
