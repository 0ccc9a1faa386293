/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/base64.h"

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

static void both(struct str bytes, const char *plain, const char *url)
{
    char text[64];
    struct str back = STR("untouched");
    base64_write(bytes, text);
    assert_string_equal(text, plain);
    assert_int_equal(strlen(text), base64_length(bytes.n));
    assert_true(base64_read(str_from(text), &arena, &back));
    assert_str_equal(back, bytes);
    assert_int_equal(back.p[back.n], '\0');
    assert_int_equal(base64url_write(bytes, text), strlen(url));
    assert_string_equal(text, url);
}

/* The vectors of RFC 4648, section 10, and the digits in which the alphabets differ. */
static void there_and_back(void **state)
{
    (void)state;
    both(STR(""), "", "");
    both(STR("f"), "Zg==", "Zg");
    both(STR("fo"), "Zm8=", "Zm8");
    both(STR("foo"), "Zm9v", "Zm9v");
    both(STR("foob"), "Zm9vYg==", "Zm9vYg");
    both(STR("fooba"), "Zm9vYmE=", "Zm9vYmE");
    both(STR("foobar"), "Zm9vYmFy", "Zm9vYmFy");
    both(STR("\xFB\xFF\xBE"), "+/++", "-_--");
    both(STR("\0\xFF"), "AP8=", "AP8");
}

static void reads_nothing_else(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Zg",     "Zg=",  "Zg===",      "Zh==",     "Zm9=",
                                        "Z===",   "====", "=",          "Zg==Zg==", "Zm 9v",
                                        "Zm9v\n", "-_--", "Zm\xC3\xA4", "Z=g="};
    struct str got = STR("untouched");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(base64_read(str_from(wrong[i]), &arena, &got));
    assert_false(base64_read(STR("Zm\0v"), &arena, &got));
    assert_str(got, "untouched");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(there_and_back), TEST(reads_nothing_else))
