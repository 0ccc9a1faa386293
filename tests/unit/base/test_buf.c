/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"
#include "lib/wiped.h"

#include "base/buf.c"

static void assert_escaped(struct str foreign, size_t max, struct str want)
{
    struct buf b;
    buf_init(&b, 1000);
    assert_true(buf_escaped(&b, foreign, max));
    assert_str_equal(buf_view(&b), want);
    buf_done(&b);
}

static void grows_and_ends_in_nul(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);
    assert_str(buf_view(&b), "");
    for (int i = 0; i < 10000; i++)
        assert_true(i % 2 ? buf_char(&b, 'x') : buf_append(&b, "ab", 2));
    assert_int_equal(b.n, 15000);
    assert_int_equal(b.p[b.n], '\0');
    buf_clear(&b);
    assert_true(buf_printf(&b, "%s=%d", "n", 7));
    assert_string_equal(b.p, "n=7");
    buf_done(&b);
}

static void nothing_passes_the_cap(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    assert_true(buf_str(&b, STR("abcd")));
    assert_false(b.full);
    assert_false(buf_char(&b, 'e'));
    assert_true(b.full);
    assert_str(buf_view(&b), "abcd");
    buf_done(&b);
    assert_true(buf_str(&b, STR("abcd")));
    assert_false(buf_printf(&b, "%d", 5));
    assert_str(buf_view(&b), "abcd");
    buf_done(&b);
}

static void what_does_not_fit_leaves_no_part_and_stays_said(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    buf_str(&b, STR("12345678"));
    assert_false(buf_str(&b, STR("abc")));
    assert_false(buf_char(&b, 'x')); /* there is room for it, but the text has a hole by now */
    assert_false(buf_str(&b, STR("")));
    assert_false(buf_printf(&b, "%s", ""));
    assert_str(buf_view(&b), "12345678");
    buf_clear(&b);
    assert_true(buf_char(&b, 'x'));
    assert_str(buf_view(&b), "x");
    buf_done(&b);
}

static void done_and_zeroed_are_fine(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_done(&b);
    buf_clear(&b);
    assert_false(buf_char(&b, 'x')); /* a cap of 0 takes nothing */
    assert_str(buf_view(&b), "");
    buf_done(&b);
}

static void plain_text_is_left_alone(void **state)
{
    (void)state;
    assert_escaped(STR("curl/7.88 (x86_64) ~'"), 100, STR("curl/7.88 (x86_64) ~'"));
    assert_escaped(STR("Zürich € 😀"), 100, STR("Zürich € 😀"));
    assert_escaped(STR(""), 100, STR(""));
}

static void controls_never_come_through(void **state)
{
    (void)state;
    assert_escaped(STR("a\nb\rc\td\"e\\"), 100, STR("a\\nb\\rc\\td\\\"e\\\\"));
    assert_escaped(STR("\x1B[2J\0\x7F\b"), 100, STR("\\x1b[2J\\x00\\x7f\\x08"));
    assert_escaped(STR("\xC2\x9B"
                       "31m\xC2\xA0"),
                   100, STR("\\xc2\\x9b31m\xC2\xA0")); /* C1: CSI */
    assert_escaped(STR("\u061c\u00ad\u2060"), 100, STR("\\xd8\\x9c\\xc2\\xad\\xe2\\x81\\xa0"));
    assert_escaped(STR("\u3164\U000E0041"), 100, STR("\\xe3\\x85\\xa4\\xf3\\xa0\\x81\\x81"));
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        struct buf b;
        buf_init(&b, 100);
        assert_true(buf_escaped(&b, (struct str){&byte, 1}, 1));
        for (size_t i = 0; i < b.n; i++)
            assert_in_range(b.p[i], 0x20, 0x7E);
        buf_done(&b);
    }
}

static void broken_utf8_comes_byte_by_byte(void **state)
{
    (void)state;
    assert_escaped(STR("\xE2\x80\xA8\xE2\x80\xAE"), 100, STR("\\xe2\\x80\\xa8\\xe2\\x80\\xae"));
    assert_escaped(STR("\xE2\x81\xA6\xEF\xBB\xBF"), 100, STR("\\xe2\\x81\\xa6\\xef\\xbb\\xbf"));
    assert_escaped(STR("\xE2\x80\x90\xE2\x80\xAF"), 100, STR("\xE2\x80\x90\xE2\x80\xAF"));
    assert_escaped(STR("\xC3"), 100, STR("\\xc3"));
    assert_escaped(STR("\xE2\x82x"), 100, STR("\\xe2\\x82x"));
    assert_escaped(STR("\xED\xA0\x80"), 100, STR("\\xed\\xa0\\x80"));
    assert_escaped(STR("\xC0\xAF"), 100, STR("\\xc0\\xaf"));
}

static void long_text_ends_in_dots(void **state)
{
    (void)state;
    assert_escaped(STR("abcdef"), 6, STR("abcdef"));
    assert_escaped(STR("abcdefg"), 6, STR("abcdef…"));
    assert_escaped(STR("ab€d"), 3, STR("ab€…"));
}

static void escaping_into_a_full_buffer_says_so(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    assert_false(buf_escaped(&b, STR("abc\n\n"), 100));
    assert_str(buf_view(&b), "abc\\n");
    buf_done(&b);
}

static void secrets_leave_no_copy_behind(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);
    b.secret = true;
    wiped_bytes = 0;
    size_t left = 0; /* by growing */
    for (int i = 0; i < 10000; i++) {
        size_t room = b.room;
        assert_true(i % 2 ? buf_char(&b, 'x') : buf_printf(&b, "%s", "ab"));
        left += room == b.room ? 0 : room;
        assert_int_equal(wiped_bytes, left);
    }
    assert_int_equal(b.n, 15000);
    assert_str(str_head(buf_view(&b), 6), "abxabx");
    buf_clear(&b);
    for (size_t i = 0; i < b.room; i++)
        assert_int_equal(b.p[i], 0);
    assert_true(b.secret);
    size_t room = b.room;
    wiped_bytes = 0;
    buf_done(&b);
    assert_int_equal(wiped_bytes, room);
    assert_true(b.secret);
    buf_done(&b);
}

static void wiping_spares_no_byte(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_wipe(&b);
    buf_init(&b, 4);
    buf_str(&b, STR("key"));
    assert_false(buf_str(&b, STR("too much")));
    buf_wipe(&b);
    assert_true(b.room > 4 && !b.full);
    for (size_t i = 0; i < b.room; i++)
        assert_int_equal(b.p[i], 0);
    assert_true(buf_str(&b, STR("abc")));
    assert_str(buf_view(&b), "abc");
    wiped_bytes = 0;
    buf_done(&b);
    assert_int_equal(wiped_bytes, 0);
}

UNIT_MAIN(cmocka_unit_test(grows_and_ends_in_nul), cmocka_unit_test(nothing_passes_the_cap),
          cmocka_unit_test(what_does_not_fit_leaves_no_part_and_stays_said),
          cmocka_unit_test(done_and_zeroed_are_fine), cmocka_unit_test(plain_text_is_left_alone),
          cmocka_unit_test(controls_never_come_through),
          cmocka_unit_test(broken_utf8_comes_byte_by_byte),
          cmocka_unit_test(long_text_ends_in_dots),
          cmocka_unit_test(escaping_into_a_full_buffer_says_so),
          cmocka_unit_test(secrets_leave_no_copy_behind), cmocka_unit_test(wiping_spares_no_byte))
