/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/uuid.h"

static const char *again(const char *text)
{
    static char out[UUID_TEXT_SIZE];
    struct uuid u;
    return uuid_parse(str_from(text), &u) ? uuid_text(u, out) : NULL;
}

static void any_case_is_read_and_lower_case_written(void **state)
{
    (void)state;
    assert_string_equal(again("4C4C4544-0042-4810-8054-b4c04f4d5132"),
                        "4c4c4544-0042-4810-8054-b4c04f4d5132");
}

static void octets_are_in_the_order_of_the_text(void **state)
{
    (void)state;
    struct uuid u;
    assert_true(uuid_parse(STR("00010203-0405-0607-0809-0a0b0c0d0e0f"), &u));
    for (uint8_t i = 0; i < 16; i++)
        assert_int_equal(u.octet[i], i);
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "4c4c4544-0042-4810-8054-b4c04f4d513",
        "4c4c4544-0042-4810-8054-b4c04f4d51322",
        "4c4c45440042481080-54b4c04f4d513200-",
        "4c4c4544-0042-4810-8054_b4c04f4d5132",
        "4c4c4544-0042-4810-8054-b4c04f4d513g",
        "{4c4c4544-0042-4810-8054-b4c04f4d51}",
        "4c4c4544004248108054b4c04f4d5132",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (again(wrong[i]))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void what_boards_without_one_report_is_refused(void **state)
{
    (void)state;
    assert_null(again("00000000-0000-0000-0000-000000000000"));
    assert_null(again("ffffffff-ffff-ffff-ffff-FFFFFFFFFFFF"));
    assert_non_null(again("00000000-0000-0000-0000-000000000001"));
}

static void firmware_writes_it_in_many_ways(void **state)
{
    (void)state;
    static const char usual[] = "4c4c4544-0042-4810-8054-b4c04f4d5132";
    static const char *const ways[] = {
        usual,
        "4C4C4544-0042-4810-8054-B4C04F4D5132",
        "4c4c4544004248108054b4c04f4d5132",
        "{4c4c4544-0042-4810-8054-b4c04f4d5132}",
        "{4C4C4544004248108054B4C04F4D5132}",
        " 4c4c4544-0042-4810-8054-b4c04f4d5132\t",
    };
    char text[UUID_TEXT_SIZE];
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        assert_str_equal(uuid_usual(str_from(ways[i]), text), str_from(usual));
    assert_str(uuid_usual(STR("00000000000000000000000000000000"), text),
               "00000000-0000-0000-0000-000000000000");
    static const char *const others[] = {"",
                                         "{}",
                                         "{",
                                         "garbage",
                                         "{4c4c4544-0042-4810-8054-b4c04f4d5132",
                                         "4c4c4544-0042-4810-8054b4c04f4d5132"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_str_equal(uuid_usual(str_from(others[i]), text), str_from(others[i]));
    assert_str(uuid_usual(STR(" x "), text), "x");
}

UNIT_MAIN(cmocka_unit_test(any_case_is_read_and_lower_case_written),
          cmocka_unit_test(octets_are_in_the_order_of_the_text),
          cmocka_unit_test(other_shapes_are_refused),
          cmocka_unit_test(firmware_writes_it_in_many_ways),
          cmocka_unit_test(what_boards_without_one_report_is_refused))
