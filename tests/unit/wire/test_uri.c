/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/uri.h"

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct str decoded(struct str s)
{
    struct str got = STR("untouched");
    assert_true(uri_decode_segment(s, &arena, &got));
    assert_int_equal(got.p[got.n], '\0');
    return got;
}

static void refused(struct str s)
{
    struct str got = STR("untouched");
    assert_false(uri_decode_segment(s, &arena, &got));
    assert_str(got, "untouched");
}

static void decodes_what_is_encoded(void **state)
{
    (void)state;
    assert_str(decoded(STR("")), "");
    assert_str(decoded(STR("k8s-master-1")), "k8s-master-1");
    assert_str(decoded(STR("52%3A54%3a00")), "52:54:00");
    assert_str(decoded(STR("%41%42")), "AB");
    assert_str(decoded(STR("a%2Fb")), "a/b");
    assert_str(decoded(STR("a%20b")), "a b");
    assert_str(decoded(STR("%25")), "%");
    assert_str(decoded(STR("%2541")), "%41"); /* once, not twice */
    assert_str(decoded(STR("a+b")), "a+b");   /* a plus is a space in forms alone */
    assert_str(decoded(STR("%C3%A4\xC3\xA4")), "\xC3\xA4\xC3\xA4");
    assert_str(decoded(STR("%ff")), "\xFF");
}

static void refuses_half_an_escape(void **state)
{
    (void)state;
    refused(STR("%"));
    refused(STR("abc%4"));
    refused(STR("%4g"));
    refused(STR("%g4"));
    refused(STR("%%41"));
    refused(STR("% 1"));
    refused(STR("%-1"));
    refused(STR("%0x41"));
}

static void refuses_control_characters(void **state)
{
    (void)state;
    refused(STR("a%00b"));
    refused(STR("a%0Ab"));
    refused(STR("%1b[31m"));
    refused(STR("%7F"));
    refused(STR("a\nb"));
    refused(STR("a\0b"));
    refused(STR("\x7F"));
}

/* What lies behind the text, in the same line of a request, is not part of it. */
static void reads_no_further_than_the_segment(void **state)
{
    (void)state;
    refused((struct str){"%41", 2});
    refused((struct str){"%41", 1});
    assert_str(decoded((struct str){"%41%42", 3}), "A");
}

static void encodes_all_but_unreserved(void **state)
{
    (void)state;
    assert_str(uri_encode_segment(STR(""), &arena), "");
    assert_str(uri_encode_segment(STR("AZaz09-._~"), &arena), "AZaz09-._~");
    assert_str(uri_encode_segment(STR("a b/c?d#e%f"), &arena), "a%20b%2Fc%3Fd%23e%25f");
    assert_str(uri_encode_segment(STR("\0\x7F\xFF"), &arena), "%00%7F%FF");
    assert_str(uri_encode_segment(STR("52:54:00"), &arena), "52%3A54%3A00");
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        struct str plain = {&byte, 1};
        struct str there = uri_encode_segment(plain, &arena);
        if (c < 0x20 || c == 0x7F)
            refused(there);
        else
            assert_str_equal(decoded(there), plain);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(decodes_what_is_encoded), TEST(refuses_half_an_escape),
          TEST(refuses_control_characters), TEST(reads_no_further_than_the_segment),
          TEST(encodes_all_but_unreserved), TEST(every_byte_comes_back))
