/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "tree/scalar.h"

static struct yaml_node plain(const char *text)
{
    return (struct yaml_node){.plain = true, .n = (uint32_t)strlen(text), .text = text};
}

/* As a word: "int 5", "str", "refused: why". */
static const char *meaning_of(const struct yaml_node *y)
{
    static char out[160];
    struct value v;
    const char *why = scalar_read(y, &v);
    if (why)
        snprintf(out, sizeof(out), "refused: %s", why);
    else if (v.kind == VALUE_INT)
        snprintf(out, sizeof(out), "int %lld", (long long)v.i);
    else if (v.kind == VALUE_FLOAT)
        snprintf(out, sizeof(out), "float %g", v.f);
    else if (v.kind == VALUE_BOOL)
        snprintf(out, sizeof(out), v.b ? "true" : "false");
    else
        snprintf(out, sizeof(out), "%s", v.kind == VALUE_NONE ? "none" : "str");
    return out;
}

static const char *meaning(const char *text)
{
    struct yaml_node y = plain(text);
    return meaning_of(&y);
}

struct meant {
    const char *text, *meaning;
};

static void both_yamls_agree(void **state)
{
    (void)state;
    static const struct meant cases[] = {
        {"", "none"},
        {"~", "none"},
        {"null", "none"},
        {"Null", "none"},
        {"true", "true"},
        {"True", "true"},
        {"FALSE", "false"},
        {"tRue", "str"},
        {"0", "int 0"},
        {"-0", "int 0"},
        {"5", "int 5"},
        {"+5", "int 5"},
        {"-17", "int -17"},
        {"0x1F", "int 31"},
        {"0.5", "float 0.5"},
        {"-1.5", "float -1.5"},
        {"1.", "float 1"},
        {".5", "float 0.5"},
        {"1.0e+3", "float 1000"},
        {"2.5E-1", "float 0.25"},
        {"1.29.15", "str"},
        {"v1.29", "str"},
        {"10.0.20.1", "str"},
        {"a b", "str"},
        {"bc:24:11:0a:14:0b", "str"},
        {"80:80", "str"},
        {"-", "str"},
        {"+", "str"},
        {".", "str"},
        {"..", "str"},
        {"1e", "str"},
        {"0x", "str"},
        {"0xg", "str"},
        {"e5", "str"},
        {"nope", "str"},
        {"9223372036854775807", "int 9223372036854775807"},
        {"-9223372036854775808", "int -9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strcmp(meaning(cases[i].text), cases[i].meaning) != 0)
            fail_msg("'%s' is %s, not %s", cases[i].text, meaning(cases[i].text), cases[i].meaning);
    }
}

static void what_they_differ_in_is_refused(void **state)
{
    (void)state;
    static const struct meant cases[] = {
        {"yes", "true or false"},
        {"No", "true or false"},
        {"oN", "true or false"},
        {"OFF", "true or false"},
        {"y", "true or false"},
        {"N", "true or false"},
        {"010", "octal"},
        {"-017", "octal"},
        {"08", "octal"},
        {"00", "octal"},
        {"0o17", "octal"},
        {"0b101", "binary"},
        {"1_000", "underscores"},
        {"1_0.5", "underscores"},
        {"0x_ff", "underscores"},
        {"-0x1F", "only to YAML 1.1"},
        {"1e3", "only to YAML 1.2"},
        {"1.5e3", "only to YAML 1.2"},
        {"-.5", "only to YAML 1.2"},
        {"12:34:56", "base 60"},
        {"10:30", "base 60"},
        {"1:2", "base 60"},
        {"-1:30.5", "base 60"},
        {"52:54:00:12:34:00", "base 60"},
        {"00:11:22:33:44:55", "base 60"},
        {"2026-11-22", "a date"},
        {"2026-11-22T10:00:00Z", "a date"},
        {"2026-1-2 1:02:03.5 +1", "a date"},
        {".inf", "not a number"},
        {"-.INF", "not a number"},
        {".NaN", "not a number"},
        {"<<", "a meaning of its own"},
        {"=", "a meaning of its own"},
        {"9223372036854775808", "larger than 64 bits"},
        {"0xFFFFFFFFFFFFFFFFF", "larger than 64 bits"},
        {"1.0e+999", "larger than any number"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = meaning(cases[i].text);
        if (strncmp(got, "refused", 7) != 0 || !strstr(got, cases[i].meaning) ||
            !strstr(got, "quote it"))
            fail_msg("'%s': %s", cases[i].text, got);
    }
}

static void quotes_make_a_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "~", "yes", "010", "1", "true", "12:34:56", "<<"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct yaml_node y = plain(texts[i]);
        y.plain = false;
        assert_string_equal(meaning_of(&y), "str");
        y.plain = true;
        y.tag = YAML_TAG_STR;
        assert_string_equal(meaning_of(&y), "str");
    }
}

static const char *tagged(const char *text, enum yaml_tag tag)
{
    static struct yaml_node y;
    y = plain(text);
    y.tag = (uint8_t)tag;
    return meaning_of(&y);
}

static void tags_must_be_true(void **state)
{
    (void)state;
    assert_string_equal(tagged("5", YAML_TAG_INT), "int 5");
    assert_string_equal(tagged("5", YAML_TAG_FLOAT), "float 5");
    assert_string_equal(tagged("true", YAML_TAG_BOOL), "true");
    assert_string_equal(tagged("", YAML_TAG_NULL), "none");
    assert_contains(tagged("x", YAML_TAG_INT), "refused: is not what its tag says");
    assert_contains(tagged("5.5", YAML_TAG_INT), "refused: is not what its tag says");
    assert_contains(tagged("5", YAML_TAG_BOOL), "refused: is not what its tag says");
    assert_contains(tagged("yes", YAML_TAG_BOOL), "refused: is true or false to YAML 1.1");
    assert_contains(tagged("", YAML_TAG_INT), "refused: is not what its tag says");
}

static void numbers_of_any_length_are_no_texts(void **state)
{
    (void)state;
    char digits[200] = "1";
    for (size_t n = 1; n < sizeof(digits) - 1; n++) {
        digits[n] = '1';
        const char *got = meaning(digits);
        assert_true(n < 19 ? got[0] == 'i' : strncmp(got, "refused", 7) == 0);
    }
    digits[100] = '.';
    assert_contains(meaning(digits), "refused: is longer than any number");
    digits[50] = 'x';
    assert_string_equal(meaning(digits), "str");
}

UNIT_MAIN(cmocka_unit_test(both_yamls_agree), cmocka_unit_test(what_they_differ_in_is_refused),
          cmocka_unit_test(quotes_make_a_text), cmocka_unit_test(tags_must_be_true),
          cmocka_unit_test(numbers_of_any_length_are_no_texts))
