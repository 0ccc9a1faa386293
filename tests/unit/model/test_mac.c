/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/mac.h"

static const char *again(const char *text)
{
    static char out[MAC_TEXT_SIZE];
    struct mac m;
    return mac_parse(str_from(text), &m) ? mac_text(m, out) : NULL;
}

static void three_ways_of_writing_are_one_address(void **state)
{
    (void)state;
    assert_string_equal(again("bc:24:11:0a:14:0b"), "bc:24:11:0a:14:0b");
    assert_string_equal(again("BC-24-11-0A-14-0B"), "bc:24:11:0a:14:0b");
    assert_string_equal(again("bc24110A140b"), "bc:24:11:0a:14:0b");
    assert_string_equal(again("00:00:00:00:00:01"), "00:00:00:00:00:01");
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "bc:24:11:0a:14",
        "bc:24:11:0a:14:0",
        "bc:24:11:0a:14:0b:",
        "bc:24:11:0a:14:0g",
        "bc:24-11:0a-14:0b",
        "bc.24.11.0a.14.0b",
        "bc24.110a.140b",
        "bc24110a140",
        "bc24110a140b0",
        "+c24110a140b",
        " bc:24:11:0a:14:0b",
        "bc:24:11:0a:14: b",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (again(wrong[i]))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void what_is_nobodys_own_is_refused(void **state)
{
    (void)state;
    assert_null(again("00:00:00:00:00:00"));
    assert_null(again("ff:ff:ff:ff:ff:ff"));
    assert_null(again("01:00:5e:00:00:01"));
    assert_non_null(again("02:00:5e:00:00:01")); /* set by an admin, still one card's */
}

static void failure_leaves_the_result_alone(void **state)
{
    (void)state;
    struct mac m = {{1, 2, 3, 4, 5, 6}};
    assert_false(mac_parse(STR("bc:24:11:0a:14:zz"), &m));
    assert_int_equal(m.octet[0], 1);
    assert_int_equal(m.octet[5], 6);
}

UNIT_MAIN(cmocka_unit_test(three_ways_of_writing_are_one_address),
          cmocka_unit_test(other_shapes_are_refused),
          cmocka_unit_test(what_is_nobodys_own_is_refused),
          cmocka_unit_test(failure_leaves_the_result_alone))
