/* SPDX-License-Identifier: Apache-2.0 */
/* Lines out of pieces that end anywhere. */
#include "lib/unit.h"

#include "wire/lines.h"

#include <errno.h>

#define MAX_BYTES 8

static struct lines lines;

static int open_lines(void **state)
{
    (void)state;
    lines_init(&lines, MAX_BYTES);
    return 0;
}

static int close_lines(void **state)
{
    (void)state;
    lines_done(&lines);
    return 0;
}

static void wants(struct str *piece, const char *line)
{
    struct str got;
    assert_int_equal(lines_next(&lines, piece, &got), 1);
    assert_str_equal(got, str_from(line));
}

static void wants_no_more(struct str *piece)
{
    struct str got;
    assert_int_equal(lines_next(&lines, piece, &got), 0);
    assert_int_equal(piece->n, 0);
}

static void several_lines_in_a_piece(void **state)
{
    struct str piece = STR("one\ntwo\r\n\n\r\nthree\n");
    (void)state;
    wants(&piece, "one");
    wants(&piece, "two");
    wants(&piece, "three");
    wants_no_more(&piece);
    assert_false(lines_is_within(&lines));
}

static void a_line_in_several_pieces(void **state)
{
    struct str a = STR("on"), b = STR("e"), c = STR("\ntwo\nth"), d = STR("ree\r"), f = STR("\n");
    (void)state;
    wants_no_more(&a);
    assert_true(lines_is_within(&lines));
    wants_no_more(&b);
    wants(&c, "one");
    wants(&c, "two");
    wants_no_more(&c);
    wants_no_more(&d);
    assert_true(lines_is_within(&lines));
    wants(&f, "three");
    assert_false(lines_is_within(&lines));
    wants_no_more(&f);
}

static void a_line_of_the_longest_kind(void **state)
{
    struct str whole = STR("12345678\r\n"), begun = STR("1234"), rest = STR("5678\r\n");
    (void)state;
    wants(&whole, "12345678");
    wants_no_more(&begun);
    wants(&rest, "12345678");
}

static void a_line_that_is_too_long(void **state)
{
    struct str whole = STR("123456789\n"), begun = STR("1234"), rest = STR("56789"),
               more = STR("\n");
    struct str got;
    (void)state;
    assert_int_equal(lines_next(&lines, &whole, &got), -EMSGSIZE);
    wants_no_more(&begun);
    wants_no_more(&rest); /* the last byte might be a CR */
    assert_int_equal(lines_next(&lines, &more, &got), -EMSGSIZE);
}

static void a_line_without_an_end_is_not_held_for_ever(void **state)
{
    struct str piece = STR("1234567890"), got;
    (void)state;
    assert_int_equal(lines_next(&lines, &piece, &got), -EMSGSIZE);
    assert_true(lines.held.n <= MAX_BYTES + 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_lines, close_lines)

UNIT_MAIN(TEST(several_lines_in_a_piece), TEST(a_line_in_several_pieces),
          TEST(a_line_of_the_longest_kind), TEST(a_line_that_is_too_long),
          TEST(a_line_without_an_end_is_not_held_for_ever))
