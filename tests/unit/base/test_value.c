/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/value.h"

#define TEXT(literal) value_str(STR(literal))
#define LIST(...)                                   \
    value_list((const struct value[]){__VA_ARGS__}, \
               sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value))
#define MAP(...)                                        \
    value_map((const struct value_pair[]){__VA_ARGS__}, \
              sizeof((const struct value_pair[]){__VA_ARGS__}) / sizeof(struct value_pair))

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(value_kind_name((struct value){0}), "undefined");
    assert_string_equal(value_kind_name(value_none()), "none");
    assert_string_equal(value_kind_name(value_bool(true)), "boolean");
    assert_string_equal(value_kind_name(value_int(1)), "integer");
    assert_string_equal(value_kind_name(value_float(1)), "float");
    assert_string_equal(value_kind_name(TEXT("")), "string");
    assert_string_equal(value_kind_name(value_list(NULL, 0)), "list");
    assert_string_equal(value_kind_name(value_map(NULL, 0)), "mapping");
}

static void value_is_two_words(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct value), 16);
}

static void get_finds_by_key_or_says_undefined(void **state)
{
    (void)state;
    struct value map = MAP({value_int(1), TEXT("no string key")}, {TEXT("a"), value_int(7)});
    assert_int_equal(value_get(map, STR("a")).i, 7);
    assert_int_equal(value_get(map, STR("b")).kind, VALUE_UNDEFINED);
    assert_int_equal(value_get(map, STR("")).kind, VALUE_UNDEFINED);
    assert_int_equal(value_get(TEXT("a"), STR("a")).kind, VALUE_UNDEFINED);
    assert_int_equal(value_get(value_map(NULL, 0), STR("a")).kind, VALUE_UNDEFINED);
}

static void same_means_same_kind_and_data(void **state)
{
    (void)state;
    const struct value all[] = {
        {0},
        value_none(),
        value_bool(false),
        value_bool(true),
        value_int(0),
        value_int(1),
        value_float(0),
        value_float(1),
        TEXT(""),
        TEXT("1"),
        TEXT("a\0b"),
        TEXT("a\0c"),
        value_list(0, 0),
        LIST(value_int(1)),
        LIST(TEXT("1")),
        value_map(0, 0),
        MAP({TEXT("a"), value_int(1)}),
        MAP({TEXT("a"), value_none()}),
    };
    size_t n = sizeof(all) / sizeof(*all);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            assert_int_equal(value_same(all[i], all[j]), i == j);
}

static void order_counts_in_lists_not_in_maps(void **state)
{
    (void)state;
    struct value_pair a = {TEXT("a"), value_int(1)}, b = {TEXT("b"), LIST(value_int(2))};
    assert_true(value_same(MAP(a, b), MAP(b, a)));
    assert_false(value_same(MAP(a, b), MAP(a)));
    assert_false(value_same(LIST(value_int(1), value_int(2)), LIST(value_int(2), value_int(1))));
}

static void copy_is_deep(void **state)
{
    (void)state;
    struct arena from, to;
    arena_init(&from, 1024);
    arena_init(&to, 1024);
    char text[] = "worker";
    struct value v = MAP({TEXT("roles"), LIST(value_str((struct str){text, 6}), value_float(0.5))},
                         {TEXT("none"), value_none()}, {TEXT("on"), value_bool(true)});
    struct value first = value_copy(&from, v);
    struct value second = value_copy(&to, first);
    text[0] = 'X';
    arena_done(&from); /* AddressSanitizer sees whatever still points there */
    assert_false(value_same(second, v));
    text[0] = 'w';
    assert_true(value_same(second, v));
    assert_str(value_text(value_get(second, STR("roles")).items[0]), "worker");
    arena_done(&to);
}

UNIT_MAIN(cmocka_unit_test(kinds_have_names), cmocka_unit_test(value_is_two_words),
          cmocka_unit_test(get_finds_by_key_or_says_undefined),
          cmocka_unit_test(same_means_same_kind_and_data),
          cmocka_unit_test(order_counts_in_lists_not_in_maps), cmocka_unit_test(copy_is_deep))
