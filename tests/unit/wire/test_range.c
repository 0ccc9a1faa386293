/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/range.h"

#define NONE ((struct str){NULL, 0})

static void check_part(const char *header, uint64_t size, uint64_t offset, uint64_t length)
{
    struct range r;
    assert_int_equal(range_parse(str_from(header), size, &r), RANGE_PART);
    assert_int_equal(r.offset, offset);
    assert_int_equal(r.length, length);
}

static void check_other(const char *header, uint64_t size, enum range_verdict verdict)
{
    struct range r = {7, 7};
    assert_int_equal(range_parse(str_from(header), size, &r), verdict);
    assert_true(r.offset == 7 && r.length == 7);
}

static void reads_one_range(void **state)
{
    (void)state;
    check_part("bytes=0-0", 1000, 0, 1);
    check_part("bytes=0-499", 1000, 0, 500);
    check_part("bytes=500-999", 1000, 500, 500);
    check_part("bytes=500-5000", 1000, 500, 500);
    check_part("bytes=999-", 1000, 999, 1);
    check_part("bytes=0-", 1000, 0, 1000);
    check_part("bytes=-1", 1000, 999, 1);
    check_part("bytes=-1000", 1000, 0, 1000);
    check_part("bytes=-5000", 1000, 0, 1000);
    check_part("Bytes=0-1", 1000, 0, 2);
    check_part(" bytes=0-1\t", 1000, 0, 2);
    check_part("bytes= , 0-1 ,,", 1000, 0, 2);
}

static void knows_large_numbers(void **state)
{
    (void)state;
    check_part("bytes=18446744073709551613-", UINT64_MAX, UINT64_MAX - 2, 2);
    check_part("bytes=1-18446744073709551615", 10, 1, 9);
    check_part("bytes=1-99999999999999999999999", 10, 1, 9);
    check_part("bytes=-99999999999999999999999", 10, 0, 10);
    check_other("bytes=18446744073709551615-", UINT64_MAX, RANGE_BEYOND);
    check_other("bytes=99999999999999999999999-", 10, RANGE_BEYOND);
}

static void tells_what_lies_beyond(void **state)
{
    (void)state;
    check_other("bytes=1000-", 1000, RANGE_BEYOND);
    check_other("bytes=1000-1001", 1000, RANGE_BEYOND);
    check_other("bytes=-0", 1000, RANGE_BEYOND);
    check_other("bytes=0-", 0, RANGE_BEYOND);
    check_other("bytes=0-0", 0, RANGE_BEYOND);
    check_other("bytes=-5", 0, RANGE_WHOLE);
}

static void ignores_what_it_does_not_answer(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=0x1-2",
        "bytes=1",
        "bytes=5-4",
        "bytes=0-1,5-6",
        "seconds=0-1",
        "bytes 0-1",
        "bytes=0-1;x",
        "bytes=--1",
        "bytes=0-1-2",
        "bytes=+1-2",
        "bytes=0 -1",
        "bytes=-1,-2",
        "bytes =0-1",
        "=0-1",
        "bytes=0-a",
        "bytes=0-1,2-x",
        "none",
    };
    struct range r;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        check_other(headers[i], 1000, RANGE_WHOLE);
    assert_int_equal(range_parse(NONE, 1000, &r), RANGE_WHOLE);
}

static void a_tag_must_be_the_very_same(void **state)
{
    (void)state;
    static const struct str tag = {"\"abc\"", 5};
    assert_true(range_applies(NONE, tag));
    assert_true(range_applies(STR("\"abc\""), tag));
    assert_true(range_applies(STR(" \"abc\" "), tag));
    assert_false(range_applies(STR("W/\"abc\""), tag));
    assert_false(range_applies(STR("\"abd\""), tag));
    assert_false(range_applies(STR("abc"), tag));
    assert_false(range_applies(STR(""), tag));
    assert_false(range_applies(STR("*"), tag));
    assert_false(range_applies(STR("Sun, 22 Nov 2026 11:54:42 GMT"), tag));
}

static void writes_what_is_sent(void **state)
{
    (void)state;
    char text[RANGE_TEXT_SIZE];
    assert_string_equal(range_text(&(struct range){0, 500}, 1234, text), "bytes 0-499/1234");
    assert_string_equal(range_text(NULL, 1234, text), "bytes */1234");
    assert_string_equal(range_text(&(struct range){0, UINT64_MAX}, UINT64_MAX, text),
                        "bytes 0-18446744073709551614/18446744073709551615");
}

UNIT_MAIN(cmocka_unit_test(reads_one_range), cmocka_unit_test(knows_large_numbers),
          cmocka_unit_test(tells_what_lies_beyond),
          cmocka_unit_test(ignores_what_it_does_not_answer),
          cmocka_unit_test(a_tag_must_be_the_very_same), cmocka_unit_test(writes_what_is_sent))
