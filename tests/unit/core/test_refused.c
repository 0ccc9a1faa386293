/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "core/refused.h"

#include <stdio.h>

static struct refused *table;

static int start(void **state)
{
    (void)state;
    table = refused_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    refused_free(table);
    return 0;
}

static void they_are_counted_by_reason(void **state)
{
    (void)state;
    static const char armed[] = "not armed", locked[] = "locked";
    struct refused_fetches r;
    assert_false(refused_find(table, STR("a"), &r));
    refused_note(table, STR("a"), armed, 10);
    refused_note(table, STR("b"), armed, 11);
    refused_note(table, STR("a"), armed, 12);
    assert_true(refused_find(table, STR("a"), &r));
    assert_int_equal(r.times, 2);
    assert_int_equal(r.first_wall_ms, 10);
    assert_int_equal(r.last_wall_ms, 12);
    refused_note(table, STR("a"), locked, 13);
    assert_true(refused_find(table, STR("a"), &r));
    assert_int_equal(r.times, 1);
    assert_string_equal(r.reason, "locked");
    refused_forget(table, STR("a"));
    refused_forget(table, STR("nobody"));
    assert_false(refused_find(table, STR("a"), &r));
    assert_true(refused_find(table, STR("b"), &r));
}

static void the_one_refused_longest_ago_makes_room(void **state)
{
    (void)state;
    struct refused_fetches r;
    char uid[16];
    for (int i = 0; i <= REFUSED_MAX; i++) {
        snprintf(uid, sizeof(uid), "n%d", i);
        refused_note(table, str_from(uid), "not armed", i);
        refused_note(table, STR("n0"), "not armed", i);
    }
    assert_true(refused_find(table, STR("n0"), &r));
    assert_false(refused_find(table, STR("n1"), &r));
    assert_true(refused_find(table, STR("n2"), &r));
    assert_true(refused_find(table, str_from(uid), &r));
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(they_are_counted_by_reason, start, end),
          cmocka_unit_test_setup_teardown(the_one_refused_longest_ago_makes_room, start, end))
