/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

static const struct str none = {NULL, 0};

static void equality_counts_bytes(void **state)
{
    (void)state;
    assert_true(str_eq(STR("ab"), STR("ab")));
    assert_true(str_eq(none, STR("")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_is(STR("ab"), "ab"));
    assert_false(str_is(STR("ab\0"), "ab"));
    assert_str(str_from(NULL), "");
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("/s/KEY"), STR("/s/")));
    assert_false(str_starts(STR("/s"), STR("/s/")));
    assert_true(str_ends(STR("a.yaml"), STR(".yaml")));
    assert_false(str_ends(STR("yaml"), STR(".yaml")));
    assert_true(str_starts(none, none));
    assert_true(str_ends(none, none));
    assert_false(str_starts(none, STR("a")));
}

static void lists_end_in_null(void **state)
{
    (void)state;
    static const char *const list[] = {"ab", "c", NULL}, *const empty[] = {NULL};
    assert_true(str_in(STR("ab"), list) && str_in(STR("c"), list));
    assert_false(str_in(STR("a"), list) || str_in(STR(""), list) || str_in(STR("c"), empty));
}

static void skip_stops_at_the_end(void **state)
{
    (void)state;
    assert_str(str_skip(STR("abc"), 1), "bc");
    assert_str(str_skip(STR("abc"), 3), "");
    assert_str(str_skip(STR("abc"), 9), "");
    assert_str(str_skip(none, 0), "");
    assert_str(str_skip(none, 4), "");
}

static void head_never_halves_a_character(void **state)
{
    (void)state;
    assert_str(str_head(STR("abc"), 3), "abc");
    assert_str(str_head(STR("abc"), 2), "ab");
    assert_str(str_head(STR("a€b"), 4), "a€");
    assert_str(str_head(STR("a€b"), 3), "a");
    assert_str(str_head(STR("a€b"), 2), "a");
    assert_str(str_head(STR("a€b"), 1), "a");
    assert_str(str_head(STR("😀x"), 3), "");
    assert_str(str_head(STR("€"), 0), "");
    /* Not UTF-8 at all: no longer way back than a sequence has. */
    assert_int_equal(str_head(STR("\x80\x80\x80\x80\x80\x80\x80\x80"), 7).n, 4);
}

static void order_is_that_of_bytes(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR("z"), STR("\xC3\xA4")) < 0);
    assert_int_equal(str_cmp(none, STR("")), 0);
}

static void cut_at_each_separator(void **state)
{
    (void)state;
    struct str rest = STR("a//b");
    assert_str(str_cut(&rest, '/'), "a");
    assert_str(str_cut(&rest, '/'), "");
    assert_non_null(rest.p);
    assert_str(str_cut(&rest, '/'), "b");
    assert_null(rest.p);
    rest = STR("a/");
    assert_str(str_cut(&rest, '/'), "a");
    assert_non_null(rest.p); /* an empty rest is not the same as none */
    assert_str(str_cut(&rest, '/'), "");
    assert_null(rest.p);
}

static void trim_takes_blanks_and_line_ends(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t a b\r\n")), "a b");
    assert_str(str_trim(STR(" \n ")), "");
    assert_str(str_trim(none), "");
}

static void numbers_are_whole_or_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "01", "00", "+1", "-1", " 1", "1 ", "0x1", "1a", "101"};
    uint64_t n = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(str_to_u64(str_from(bad[i]), 100, &n));
    assert_int_equal(n, 77);
    assert_true(str_to_u64(STR("0"), 100, &n));
    assert_int_equal(n, 0);
    assert_true(str_to_u64(STR("100"), 100, &n));
    assert_int_equal(n, 100);
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &n));
    assert_false(str_to_u64(STR("99999999999999999999"), UINT64_MAX, &n));
}

static void case_folds_in_ascii_alone(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("If-None-Match"), STR("if-none-match")));
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
    assert_false(str_eq_nocase(STR("Ä"), STR("ä")));
}

static void assert_bad_utf8(struct str s, size_t want_at)
{
    size_t at = 99;
    assert_false(str_is_utf8(s, &at));
    assert_int_equal(at, want_at);
}

static void utf8_as_in_rfc_3629(void **state)
{
    (void)state;
    size_t at;
    assert_true(str_is_utf8(STR("a\0ä€😀\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"), &at));
    assert_true(str_is_utf8(none, &at));
    assert_bad_utf8(STR("a\x80"), 1);            /* continuation alone */
    assert_bad_utf8(STR("a\xC3"), 1);            /* cut */
    assert_bad_utf8(STR("\xE2\x82"), 0);         /* cut */
    assert_bad_utf8((struct str){"a€", 3}, 1);   /* the rest is there, but not ours */
    assert_bad_utf8(STR("\xC0\xAF"), 0);         /* overlong */
    assert_bad_utf8(STR("\xE0\x9F\xBF"), 0);     /* overlong */
    assert_bad_utf8(STR("\xF0\x8F\xBF\xBF"), 0); /* overlong */
    assert_bad_utf8(STR("ok\xED\xA0\x80"), 2);   /* surrogate */
    assert_bad_utf8(STR("\xF4\x90\x80\x80"), 0); /* beyond U+10FFFF */
    assert_bad_utf8(STR("\xFF"), 0);
}

static void distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR("worker"), STR("worker")), 0);
    assert_int_equal(str_distance(STR("worker"), STR("Worker")), 0);
    assert_int_equal(str_distance(STR("worker"), STR("wroker")), 1);
    assert_int_equal(str_distance(STR("gateway"), STR("gatway")), 1);
    assert_int_equal(str_distance(STR("master"), STR("")), 6);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
    char text[65];
    memset(text, 'a', sizeof(text));
    assert_int_equal(str_distance((struct str){text, 65}, STR("a")), 64);
    assert_int_equal(str_distance((struct str){text, 64}, STR("a")), 63);
}

static void decodes_one_character(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t want;
        size_t n;
    } cases[] = {{"a", 'a', 1},         {"\u00e4x", 0xE4, 2},
                 {"\u20ac", 0x20AC, 3}, {"\U0001F600", 0x1F600, 4},
                 {"\xFF", 0xFFFD, 1},   {"\xE2\x82", 0xFFFD, 1},
                 {"\uFFFD", 0xFFFD, 3}, {"\xC0\x80", 0xFFFD, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = 0;
        assert_int_equal(str_decode(str_from(cases[i].text), &n), cases[i].want);
        assert_int_equal(n, cases[i].n);
    }
}

static void hidden_is_what_no_terminal_may_get(void **state)
{
    (void)state;
    static const uint32_t hidden[] = {0,      0x1B,   0x7F,    0x80,   0x85,   0x9B,   0x9F,
                                      0xAD,   0x61C,  0x200B,  0x200E, 0x200F, 0x2028, 0x2029,
                                      0x202A, 0x202E, 0x2060,  0x2066, 0x2069, 0xFEFF, 0xFFF9,
                                      0xFE0F, 0x3164, 0xE0001, 0xE007F};
    static const uint32_t shown[] = {' ',    '~',    0xA0,   0xE4,   0x2027,  0x202F,
                                     0x20AC, 0x3000, 0xFFFD, 0x4E16, 0x1F600, 0xE1000};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        assert_true(str_is_hidden(hidden[i]));
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        assert_false(str_is_hidden(shown[i]));
}

UNIT_MAIN(cmocka_unit_test(equality_counts_bytes), cmocka_unit_test(starts_and_ends),
          cmocka_unit_test(lists_end_in_null), cmocka_unit_test(skip_stops_at_the_end),
          cmocka_unit_test(head_never_halves_a_character), cmocka_unit_test(order_is_that_of_bytes),
          cmocka_unit_test(cut_at_each_separator),
          cmocka_unit_test(trim_takes_blanks_and_line_ends),
          cmocka_unit_test(numbers_are_whole_or_nothing),
          cmocka_unit_test(case_folds_in_ascii_alone), cmocka_unit_test(utf8_as_in_rfc_3629),
          cmocka_unit_test(distance_counts_edits), cmocka_unit_test(decodes_one_character),
          cmocka_unit_test(hidden_is_what_no_terminal_may_get))
