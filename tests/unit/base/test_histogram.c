/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/histogram.h"

static void each_in_its_step(void **state)
{
    struct histogram h = {.sum_ns = 0};
    uint64_t sum = 0;
    (void)state;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        histogram_add(&h, histogram_bounds_ns[i]);
        histogram_add(&h, histogram_bounds_ns[i] + 1);
        sum += 2 * histogram_bounds_ns[i] + 1;
    }
    assert_int_equal(h.count[0], 1);
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_int_equal(h.count[i], 2);
    assert_int_equal(h.count[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(h.sum_ns, sum);
    assert_int_equal(histogram_count(&h), 2 * HISTOGRAM_BOUNDS);
}

static void bounds_ascend(void **state)
{
    (void)state;
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_true(histogram_bounds_ns[i] > histogram_bounds_ns[i - 1]);
}

UNIT_MAIN(cmocka_unit_test(each_in_its_step), cmocka_unit_test(bounds_ascend))
