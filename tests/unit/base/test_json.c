/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"
#include "lib/wiped.h"

#include "base/json.c"

static void assert_json(struct value v, bool pretty, struct str want)
{
    struct buf b;
    buf_init(&b, 10000);
    assert_true(json_write(&b, v, pretty));
    assert_str_equal(buf_view(&b), want);
    buf_done(&b);
}

static struct value text(const char *z)
{
    return value_str(str_from(z));
}

static void scalars(void **state)
{
    (void)state;
    assert_json(value_none(), false, STR("null"));
    assert_json(value_bool(true), false, STR("true"));
    assert_json(value_int(INT64_MIN), false, STR("-9223372036854775808"));
    assert_json(value_float(0.5), false, STR("0.5"));
    assert_json(value_float(2), false, STR("2.0"));
    assert_json(text("Zürich"), false, STR("\"Zürich\""));
}

static void floats_as_short_as_they_can_be(void **state)
{
    (void)state;
    assert_json(value_float(-0.0), false, STR("-0.0"));
    assert_json(value_float(0.1), false, STR("0.10000000000000001"));
    assert_json(value_float(1e5), false, STR("100000.0"));
    assert_json(value_float(1e17), false, STR("1e17"));
    assert_json(value_float(1.5e-7), false, STR("1.4999999999999999e-7"));
    assert_json(value_float(5e-324), false, STR("4.9406564584124654e-324"));
    assert_json(value_float(1e300), false, STR("1.0000000000000001e300"));
}

static void numbers_that_json_lacks_are_null(void **state)
{
    (void)state;
    assert_json(value_float((double)INFINITY), false, STR("null"));
    assert_json(value_float(-(double)INFINITY), false, STR("null"));
    assert_json(value_float((double)NAN), false, STR("null"));
}

/* jansson has texts that cannot be read, and words that are rare. */
static void what_jansson_read_is_wiped(void **state)
{
    const struct str broken = STR("{\"token\": \"a secret of some length\", x}");
    struct arena a;
    struct value v;
    (void)state;
    arena_init(&a, 1024);
    wiped_bytes = 0;
    assert_int_equal(json_read(broken, &a, &v, NULL), -EINVAL);
    assert_true(wiped_bytes > strlen("a secret of some length"));
    arena_done(&a);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    assert_json(value_str(STR("\"\\\n\x01\0")), false, STR("\"\\\"\\\\\\n\\u0001\\u0000\""));
    assert_json(value_str(STR("a\xFF\xC3"
                              "b")),
                false,
                STR("\"a\xEF\xBF\xBD\xEF\xBF\xBD"
                    "b\""));
    assert_json(value_str(STR("\xFF")), false, STR("\"\xEF\xBF\xBD\""));
}

static void hidden_characters_are_escaped(void **state)
{
    (void)state;
    assert_json(text("\x7F"
                     "a\xC2\x85\xC2\x9B\u00ad\u061c\u200b\u200f\u2028\u2029\u202a\u202e"),
                false,
                STR("\"\\u007Fa\\u0085\\u009B\\u00AD\\u061C\\u200B\\u200F\\u2028\\u2029"
                    "\\u202A\\u202E\""));
    assert_json(text("\u2060\u2066\u2069\ufeff\U000E007F"), false,
                STR("\"\\u2060\\u2066\\u2069\\uFEFF\\uDB40\\uDC7F\""));
    assert_json(text("\b\f\r\t\u00a0\u4e16\U0001F600"), false,
                STR("\"\\b\\f\\r\\t\u00a0\u4e16\U0001F600\""));
}

static void maps_keep_their_order(void **state)
{
    (void)state;
    const struct value list[] = {value_int(1), value_none()};
    const struct value_pair map[] = {
        JSON_STR("z", STR("1")),
        JSON_INT("a", 2),
        JSON_BOOL("m", false),
        JSON_VALUE("list", value_list(list, 2)),
        JSON_VALUE("none", value_map(NULL, 0)),
    };
    assert_json(value_map(map, 5), false,
                STR("{\"z\":\"1\",\"a\":2,\"m\":false,\"list\":[1,null],\"none\":{}}"));
    assert_json(value_map(map, 2), true, STR("{\n  \"z\": \"1\",\n  \"a\": 2\n}"));
}

static void keys_are_whole(void **state)
{
    (void)state;
    const struct value_pair map[] = {JSON_INT("a\0b", 1), JSON_INT("a", 2), JSON_INT("\xFF", 3)};
    assert_json(value_map(map, 3), false, STR("{\"a\\u0000b\":1,\"a\":2,\"\xEF\xBF\xBD\":3}"));
}

static void full_buffer_is_said(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_false(json_write(&b, text("0123456789"), false));
    assert_true(b.full);
    buf_done(&b);
}

static struct value read_ok(struct arena *a, struct str json)
{
    struct value v;
    struct err e = {0};
    if (json_read(json, a, &v, &e) < 0)
        fail_msg("%s", e.msg);
    return v;
}

static void reading_gives_the_same_data(void **state)
{
    (void)state;
    static const char json[] =
        "{\"b\":[1,-2,0.25,true,false,null,\"\"],\"a\":{\"x\":\"\\u00e4\\n\"},"
        "\"\":9223372036854775807}";
    struct arena a;
    arena_init(&a, 1024);
    struct value v = read_ok(&a, STR(json));
    assert_int_equal(v.kind, VALUE_MAP);
    assert_int_equal(v.n, 3);
    assert_int_equal(value_get(v, STR("b")).n, 7);
    assert_true(value_get(v, STR("b")).items[2].f == 0.25);
    assert_str(value_text(value_get(value_get(v, STR("a")), STR("x"))), "ä\n");
    assert_true(value_get(v, STR("")).i == INT64_MAX);
    assert_json(v, false,
                STR("{\"b\":[1,-2,0.25,true,false,null,\"\"],\"a\":{\"x\":\"ä\\n\"},"
                    "\"\":9223372036854775807}"));
    assert_int_equal(read_ok(&a, STR(" 7 ")).i, 7); /* not only maps and lists */
    assert_int_equal(read_ok(&a, STR("[]")).n, 0);
    arena_done(&a);
}

static void assert_refused(struct str json, const char *words)
{
    struct arena a;
    struct err e = {0};
    struct value v = value_int(42);
    arena_init(&a, 1024);
    assert_int_equal(json_read(json, &a, &v, &e), -EINVAL);
    assert_contains(e.msg, words);
    assert_int_equal(v.i, 42);
    assert_int_equal(json_read(json, &a, &v, NULL), -EINVAL);
    arena_done(&a);
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused(STR(""), "line 1");
    assert_refused((struct str){NULL, 0}, "");
    assert_refused(STR("{\n\"a\": 1,\n\"a\": 2}"), "line 3 column 3: duplicate");
    assert_refused(STR("[1] x"), "line 1 column 5");
    assert_refused(STR("[1,]"), "line 1");
    assert_refused(STR("{'a': 1}"), "line 1");
    assert_refused(STR("\"\\u0000\""), "\\u0000");
    assert_refused(STR("\"\xFF\""), "0xff");
    assert_refused(STR("\"\\ud800\""), "Unicode");
    assert_refused(STR("[NaN]"), "line 1");
    assert_refused(STR("[01]"), "line 1");
    assert_refused(STR("9223372036854775808"), "too big");
    assert_refused(STR("[1e999]"), "overflow");
    assert_refused(STR("/* a */ 1"), "line 1");
}

/* What jansson reads for us and what we read must not differ. */
static void odd_texts_are_read_as_a_whole(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"-0", "0"},
        {"123456789012345678", "123456789012345678"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"1e2", "100.0"},
        {"-1E22", "-1e22"},
        {"0.1", "0.10000000000000001"},
        {" [ ] ", "[]"},
        {"\t{\r\n\"a\" : [ 1 ,2] }", "{\"a\":[1,2]}"},
        {"\"\\u00e4\\ud83d\\ude00\\/\\\"\"", "\"\u00e4\U0001F600/\\\"\""},
        {"{\"\\u0061\":{\"\":null}}", "{\"a\":{\"\":null}}"},
        {"[[],{},[[]],\"\"]", "[[],{},[[]],\"\"]"},
    };
    static const char *const refused[] = {
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "0x1",
        "00",
        "-01",
        "[1 2]",
        "[,1]",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\"}",
        "tru",
        "nulll",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud800a\"",
        "\"a",
        "{\"a\":1,}",
        "]",
        "[",
        "{",
        "\v1",
        "\xC2\xA0",
        "1 1",
        "{\"a\":1,\"\\u0061\":2}",
        "\"\\\"",
        "\"\xED\xA0\x80\"",
        "{\"\xFF\":1}",
    };
    struct arena a;
    arena_init(&a, 1024);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        assert_json(read_ok(&a, str_from(same[i][0])), false, str_from(same[i][1]));
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_refused(str_from(refused[i]), "line 1");
    assert_refused(STR("1\0"), "NUL");
    assert_refused(STR("\"a\0\""), "line 1");
    assert_refused(STR("[1\0]"), "NUL");
    arena_done(&a);
}

static void large_maps_have_no_key_twice(void **state)
{
    (void)state;
    struct arena a;
    struct buf b;
    arena_init(&a, 1024);
    buf_init(&b, 1000000);
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%s\"k%d\":%d", i ? "," : "{", i, i);
    size_t n = b.n;
    buf_str(&b, STR("}"));
    struct value v = read_ok(&a, buf_view(&b));
    assert_int_equal(v.n, 1000);
    assert_int_equal(value_get(v, STR("k999")).i, 999);
    assert_json(value_get(v, STR("k7")), false, STR("7"));
    b.n = n;
    buf_str(&b, STR(",\"k0\":1}"));
    assert_refused(buf_view(&b), "duplicate");
    buf_done(&b);
    arena_done(&a);
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    char json[2 * 65 + 1];
    memset(json, '[', 65);
    memset(json + 65, ']', 65);
    assert_refused((struct str){json, 130}, "64 levels");
    struct arena a;
    arena_init(&a, 1024);
    struct value v = read_ok(&a, (struct str){json + 1, 128});
    assert_int_equal(v.n, 1);
    arena_done(&a);
    static char deep[200000];
    memset(deep, '[', sizeof(deep));
    assert_refused((struct str){deep, sizeof(deep)}, "depth");
}

UNIT_MAIN(cmocka_unit_test(scalars), cmocka_unit_test(floats_as_short_as_they_can_be),
          cmocka_unit_test(numbers_that_json_lacks_are_null),
          cmocka_unit_test(what_jansson_read_is_wiped), cmocka_unit_test(strings_are_escaped),
          cmocka_unit_test(maps_keep_their_order), cmocka_unit_test(keys_are_whole),
          cmocka_unit_test(full_buffer_is_said), cmocka_unit_test(reading_gives_the_same_data),
          cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
          cmocka_unit_test(hidden_characters_are_escaped),
          cmocka_unit_test(odd_texts_are_read_as_a_whole),
          cmocka_unit_test(large_maps_have_no_key_twice), cmocka_unit_test(depth_has_a_limit))
