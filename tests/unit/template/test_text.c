/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "template/text.h"

static void code_points_come_and_go(void **state)
{
    (void)state;
    static const uint32_t codes[] = {1,      0x7F,   0x80,   0x7FF,   0x800,
                                     0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        char bytes[4];
        size_t n = text_encode(codes[i], bytes), used;
        assert_int_equal(str_decode((struct str){bytes, n}, &used), codes[i]);
        assert_int_equal(used, n);
        assert_int_equal(text_decode_last((struct str){bytes, n}, &used), codes[i]);
        assert_int_equal(used, n);
    }
}

/* Each byte that is no UTF-8 counts as one character, from either end. */
static void bad_bytes_are_characters(void **state)
{
    (void)state;
    size_t n;
    assert_int_equal(text_length(STR("a\xC3\xFFz")), 4);
    assert_int_equal(text_length(STR("\xE2\x82")), 2);
    assert_int_equal(str_decode(STR("\xF0\x9F"), &n), 0xFFFD);
    assert_int_equal(n, 1);
    assert_int_equal(text_decode_last(STR("a\x80"), &n), 0xFFFD);
    assert_int_equal(n, 1);
    assert_int_equal(text_decode_last(STR("\x80\x80\x80\x80\x80"), &n), 0xFFFD);
}

static void characters_by_number(void **state)
{
    (void)state;
    assert_str(text_char_at(STR("aé😀"), 0), "a");
    assert_str(text_char_at(STR("aé😀"), 2), "😀");
    assert_null(text_char_at(STR("aé😀"), 3).p);
    assert_null(text_char_at(STR(""), 0).p);
}

static void white_space_is_python_s(void **state)
{
    (void)state;
    unsigned count = 0;
    for (uint32_t c = 0; c < 0x110000; c++)
        count += text_is_space(c);
    assert_int_equal(count, 29); /* sum(chr(c).isspace() for c in range(0x110000)) */
    struct str space = {NULL, 0};
    assert_str(text_strip_left(STR("\x1c\u00a0\u3000x "), space), "x ");
    assert_str(text_strip_right(STR(" x\u2028\x85\v"), space), " x\u2028\x85");
    assert_str(text_strip_right(STR(" x\u2028\xC2\x85\v"), space), " x");
    assert_str(text_strip_left(STR("  "), space), "");
}

static void strip_takes_any_of_the_characters(void **state)
{
    (void)state;
    assert_str(text_strip_left(STR("éaébé"), STR("aé")), "bé");
    assert_str(text_strip_right(STR("éaébé"), STR("aé")), "éaéb");
    assert_str(text_strip_left(STR(" a"), STR("")), " a");
}

/* Held against Python: sum(c for c in range(0x110000) if chr(c).isprintable()) and their number. */
static void printable_is_python_s(void **state)
{
    (void)state;
    uint64_t sum = 0, count = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (text_is_printable(c)) {
            sum += c;
            count++;
        }
    }
    assert_int_equal(count, 144516);
    assert_int_equal(sum, 14867683184);
}

static void lines_end_as_in_splitlines(void **state)
{
    (void)state;
    struct str s = STR("a\r\nb\rc\n\nd\ve\u2028f\x1cg");
    static const char *const want[] = {"a", "b", "c", "", "d", "e", "f", "g"};
    for (size_t i = 0; i < 8; i++)
        assert_str_equal(text_cut_line(&s), str_from(want[i]));
    assert_int_equal(s.n, 0);
}

static void find_takes_an_empty_needle(void **state)
{
    (void)state;
    assert_int_equal(text_find(STR("abc"), STR("c")), 2);
    assert_int_equal(text_find(STR("abc"), STR("")), 0);
    assert_int_equal(text_find(STR(""), STR("")), 0);
    assert_true(text_find(STR(""), STR("a")) == SIZE_MAX);
    assert_true(text_find(STR("ab"), STR("abc")) == SIZE_MAX);
}

UNIT_MAIN(cmocka_unit_test(code_points_come_and_go), cmocka_unit_test(bad_bytes_are_characters),
          cmocka_unit_test(characters_by_number), cmocka_unit_test(white_space_is_python_s),
          cmocka_unit_test(strip_takes_any_of_the_characters),
          cmocka_unit_test(printable_is_python_s), cmocka_unit_test(lines_end_as_in_splitlines),
          cmocka_unit_test(find_takes_an_empty_needle))
