/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "template/literal.h"

static void integer_is(const char *text, int64_t want)
{
    int64_t got;
    assert_null(literal_integer(str_from(text), &got));
    assert_true(got == want);
}

static void integers_of_every_base(void **state)
{
    (void)state;
    integer_is("0", 0);
    integer_is("1_000", 1000);
    integer_is("0x_fF", 255);
    integer_is("0b101", 5);
    integer_is("0o17", 15);
    integer_is("9223372036854775807", INT64_MAX);
}

static void integers_have_an_end(void **state)
{
    (void)state;
    int64_t got = 5;
    assert_non_null(literal_integer(STR("9223372036854775808"), &got));
    assert_non_null(literal_integer(STR("0xffffffffffffffff"), &got));
    assert_int_equal(got, 5);
}

static void floats(void **state)
{
    (void)state;
    double f;
    assert_null(literal_float(STR("1_0.5e-1"), &f));
    assert_true(f == 1.05);
    assert_non_null(literal_float(STR("1e999"), &f));
    char digits[600];
    memset(digits, '1', sizeof(digits));
    assert_non_null(literal_float((struct str){digits, sizeof(digits)}, &f));
}

static void string_is(const char *text, const char *want)
{
    struct arena a;
    struct str got;
    arena_init(&a, 4096);
    assert_null(literal_string(str_from(text), &a, &got));
    assert_str_equal(got, str_from(want));
    arena_done(&a);
}

static void strings_and_their_escapes(void **state)
{
    (void)state;
    string_is("''", "");
    string_is("\"it's\"", "it's");
    string_is("'\\n\\t\\\\\\'\\\"'", "\n\t\\'\"");
    string_is("'\\x41\\u00e9\\U0001f600'", "Aé😀");
    string_is("'\\101\\7\\1018'", "A\aA8");
    string_is("'a\\\nb'", "ab");
    string_is("'\\q\\.'", "\\q\\.");
}

static void string_fails(const char *text, const char *part)
{
    struct arena a;
    struct str got;
    arena_init(&a, 4096);
    const char *error = literal_string(str_from(text), &a, &got);
    assert_non_null(error);
    assert_contains(error, part);
    arena_done(&a);
}

static void bad_escapes_are_told(void **state)
{
    (void)state;
    string_fails("'\\x4'", "cut short");
    string_fails("'\\u12'", "cut short");
    string_fails("'\\U00110000'", "no character");
    string_fails("'\\ud800'", "no character");
    string_fails("'\\N{BULLET}'", "by name");
    string_fails("'\\0'", "character 0");
    string_fails("'\\é'", "backslash");
}

UNIT_MAIN(cmocka_unit_test(integers_of_every_base), cmocka_unit_test(integers_have_an_end),
          cmocka_unit_test(floats), cmocka_unit_test(strings_and_their_escapes),
          cmocka_unit_test(bad_escapes_are_told))
