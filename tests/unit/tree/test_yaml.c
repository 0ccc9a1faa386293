/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "lib/listing.h"
#include "tree/yaml.h"

#include <stdlib.h>

/* A tree in one line: plain text bare, other text in quotes, lists in [], mappings in {}. */
static void show(struct buf *out, const struct yaml_node *y)
{
    if (y->kind == YAML_SCALAR) {
        buf_printf(out, y->plain ? "%.*s" : "\"%.*s\"", STR_ARG(yaml_text(y)));
        return;
    }
    buf_char(out, y->kind == YAML_SEQUENCE ? '[' : '{');
    for (uint32_t i = 0; i < y->n; i++) {
        if (i)
            buf_char(out, ' ');
        if (y->kind == YAML_MAPPING) {
            show(out, y->pairs[i].key);
            buf_char(out, ':');
        }
        show(out, y->kind == YAML_MAPPING ? y->pairs[i].value : y->items[i]);
    }
    buf_char(out, y->kind == YAML_SEQUENCE ? ']' : '}');
}

/* The tree, then the faults, of a text. */
static const char *parsed(struct str text)
{
    static char result[4096];
    struct arena a;
    struct faults faults;
    struct buf out;
    const struct yaml_node *root;
    arena_init(&a, 4096);
    faults_init(&faults);
    buf_init(&out, sizeof(result) - 1);
    if (yaml_parse("f", text, &a, &faults, &root) == 0)
        show(&out, root);
    listing_write(&out, &faults);
    snprintf(result, sizeof(result), "%s", out.p ? out.p : "");
    buf_done(&out);
    faults_done(&faults);
    arena_done(&a);
    return result;
}

#define assert_parsed(text, want) assert_string_equal(parsed(STR(text)), want)
#define assert_fault(text, part) assert_contains(parsed(STR(text)), part)

static void kinds_and_styles_are_kept(void **state)
{
    (void)state;
    assert_parsed("a: 1\nb: '2'\nc: [x, \"y\"]\nd: {e: ~}\nf: |\n  z\n",
                  "{a:1 b:\"2\" c:[x \"y\"] d:{e:~} f:\"z\n\"}");
    assert_parsed("x", "x");
    assert_parsed("[]", "[]");
}

static void empty_files_are_nothing(void **state)
{
    (void)state;
    assert_parsed("", "");
    assert_parsed("# a comment\n", "");
    assert_parsed("---\n", "");
    assert_parsed("---\n...\n", "");
    assert_parsed("\xEF\xBB\xBF", "");
}

static void places_count_characters_from_one(void **state)
{
    (void)state;
    assert_fault("\xEF\xBB\xBF[a]: b", "f:1:1: a list cannot be a key");
    assert_fault("ä: 1\n'öü': {[x]: 2}\n", "f:2:8: a list cannot be a key");
    assert_fault("a:\r\n  b: 1\r\n  b: 2\r\n", "f:3:3: the key 'b' is here already, in line 2");
}

static void other_encodings_are_refused(void **state)
{
    (void)state;
    assert_fault("\xFF\xFE"
                 "a\0",
                 "f:1:1: this is UTF-16");
    assert_fault("\xFE\xFF\0a", "f:1:1: this is UTF-16");
    assert_fault("a\0:\0", "f:1:1: this is UTF-16");
    assert_fault("\0a\0:", "f:1:1: this is UTF-16");
    assert_fault("a: b\nc: \xE4\n", "f:2:4: the byte 0xe4 is not valid UTF-8");
    assert_fault("abcdef: \x01\n", "f:1:9: control characters are not allowed (#x01)");
    assert_fault("a: 1\nabcdef: \0x\n", "f:2:9: control characters are not allowed (#x00)");
}

static void a_second_document_is_refused(void **state)
{
    (void)state;
    assert_parsed("---\na: 1\n", "{a:1}");
    assert_parsed("a: 1\n---\nb: 2\n", "f:2:1: a second YAML document begins; a file holds one: "
                                       "split it, or drop the '---'\n");
    assert_fault("---\n---\n", "f:2:1: a second YAML document begins");
}

static void duplicate_keys_are_refused_and_the_first_is_kept(void **state)
{
    (void)state;
    assert_parsed("a: 1\n'a': 2\n",
                  "{a:1}f:2:1: the key 'a' is here already, in line 1; keep one of them\n");
    assert_parsed("{a: 1, A: 2}", "{a:1 A:2}");
}

/* Beyond sixteen keys they are found by hash. */
static void duplicates_among_many_keys_are_found(void **state)
{
    (void)state;
    for (unsigned n = 14; n < 40; n++) {
        struct buf text;
        buf_init(&text, 4096);
        for (unsigned i = 0; i < n; i++)
            buf_printf(&text, "k%u: x\n", i);
        assert_null(strstr(parsed(buf_view(&text)), "already"));
        buf_printf(&text, "k%u: x\n", n / 2);
        assert_contains(parsed(buf_view(&text)), "is here already");
        buf_done(&text);
    }
}

static void aliases_stand_for_their_anchor(void **state)
{
    (void)state;
    assert_parsed("a: &x [1, 2]\nb: *x\n", "{a:[1 2] b:[1 2]}");
    assert_parsed("a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "{a:1 b:1 c:2 d:2}");
    assert_parsed("[&x {k: &y v}, *x, *y]", "[{k:v} {k:v} v]");
    assert_fault("a: *x\nb: &x 1\n", "f:1:4: no anchor &x is defined before this alias");
}

static void aliases_into_themselves_are_refused(void **state)
{
    (void)state;
    assert_fault("&a [*a]", "f:1:5: the alias *a is inside the value that it stands for");
    assert_fault("a: &x\n  b: {c: *x}\n", "f:2:10: the alias *x is inside");
    assert_parsed("&a [&a 1, *a]", "[1 1]");
}

static void bombs_of_aliases_are_refused(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4096);
    buf_printf(&text, "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (unsigned i = 1; i < 9; i++)
        buf_printf(&text, "l%u: &l%u [*l%u, *l%u, *l%u, *l%u, *l%u, *l%u, *l%u, *l%u, *l%u]\n", i,
                   i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_contains(parsed(buf_view(&text)), "the aliases up to here stand for more than 16 MiB");
    buf_done(&text);
}

static void long_texts_count_in_aliases(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_printf(&text, "a: &a '%0*d'\nb: [*a", 100000, 0);
    for (unsigned i = 0; i < 200; i++)
        buf_printf(&text, ", *a");
    buf_printf(&text, "]\n");
    assert_contains(parsed(buf_view(&text)), "stand for more than 16 MiB");
    buf_done(&text);
}

/* "[[[…]]]" */
static const char *nested(unsigned levels, const char *inside)
{
    static char text[256];
    memset(text, '[', levels);
    size_t n = levels + (size_t)snprintf(text + levels, 64, "%s", inside);
    memset(text + n, ']', levels);
    text[n + levels] = '\0';
    return text;
}

static void nesting_has_an_end(void **state)
{
    (void)state;
    assert_null(strstr(parsed(str_from(nested(64, ""))), "nested"));
    assert_contains(parsed(str_from(nested(65, ""))), "f:1:65: nested deeper than 64 levels");
}

static void nesting_through_aliases_has_the_same_end(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof(text), "a: &a [[[1]]]\nb: %s\n", nested(60, "*a"));
    assert_null(strstr(parsed(str_from(text)), "nested"));
    snprintf(text, sizeof(text), "a: &a [[[1]]]\nb: %s\n", nested(61, "*a"));
    assert_contains(parsed(str_from(text)), "f:2:65: nested deeper than 64 levels");
}

/* The alias means the inner, flat one; the outer, deep one ends later. */
static void an_anchor_inside_of_its_like_wins(void **state)
{
    (void)state;
    char text[512];
    size_t n = (size_t)snprintf(text, sizeof(text), "a: &a %s\n", nested(40, "&a 1"));
    snprintf(text + n, sizeof(text) - n, "b: %s\n", nested(40, "*a"));
    assert_null(strstr(parsed(str_from(text)), "nested"));
}

static void merge_keys_bring_in_what_is_missing(void **state)
{
    (void)state;
    assert_parsed("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3, z: 4}\n", "{a:{x:1 y:2} b:{x:1 y:3 z:4}}");
    assert_parsed("b: {y: 3, <<: {x: 1, y: 2}}\n", "{b:{x:1 y:3}}");
    assert_parsed("b: {<<: [{x: 1}, {x: 2, y: 3}]}\n", "{b:{x:1 y:3}}");
    assert_parsed("b: {<<: {<<: {x: 1}, y: 2}, z: 3}\n", "{b:{x:1 y:2 z:3}}");
    assert_parsed("b: {<<: []}\n", "{b:{}}");
    assert_parsed("b: {'<<': 1}\n", "{b:{\"<<\":1}}");
}

static void merge_keys_take_mappings_alone(void **state)
{
    (void)state;
    assert_fault("{<<: 1}", "f:1:6: '<<' takes a mapping or a list of mappings, not a scalar");
    assert_fault("{<<: [{a: 1}, []]}", "f:1:15: '<<' takes a mapping or a list of mappings");
    assert_fault("{<<: {a: 1}, <<: {b: 2}}", "the key '<<' is here already");
    assert_fault("&a {<<: *a}", "the alias *a is inside");
}

static void tags_of_the_core_schema_are_known(void **state)
{
    (void)state;
    assert_parsed("[!!str 1, !!int 2, !!float 3, !!bool true, !!null ~, !!seq [], !!map {}]",
                  "[1 2 3 true ~ [] {}]");
    assert_fault("a: !ruby/object x", "f:1:4: the tag '!ruby/object' is not known here");
    assert_fault("a: !!set {x}", "f:1:4: the tag 'tag:yaml.org,2002:set' is not known here");
    assert_fault("a: !!map []", "f:1:4: the tag 'tag:yaml.org,2002:map' is not known here");
    assert_fault("! a", "the tag '!' is not known here");
}

static void keys_are_scalars(void **state)
{
    (void)state;
    assert_fault("{{ name }}: x", "a mapping cannot be a key");
    assert_fault("? [a, b]\n: c\n", "a list cannot be a key");
}

static void syntax_errors_name_the_place_and_show_it(void **state)
{
    (void)state;
    assert_fault("a: 1\nb: [1, 2\nc: 3\n", "f:3:2: while parsing a flow sequence that begins in "
                                           "line 2: did not find expected ',' or ']'\nc: 3\n ^");
    assert_fault("a:\n\tb: 1\n", "YAML indents by spaces, never by tabs");
    assert_fault("a: 'b\n", "found unexpected end of stream");
    assert_fault("a: b: c\n", "f:1:5: mapping values are not allowed in this context; is it "
                              "indented as its neighbours are, is a ':' missing on the line "
                              "before, or ': ' in a text without quotes?\n"
                              "a: b: c\n    ^");
    assert_fault("a: 1\n  b: 2\n", "': ' in a text without quotes?");
    assert_fault("a: 1\n b\nc\n", "f:3:1: while scanning a simple key: could not find expected "
                                  "':'; a key ends in ':' and a space\nc\n^");
    assert_fault("a: 1\nb 2\nc: 3\n", "f:2:1: while scanning a simple key: could not find");
    assert_fault("a:\n  b: 1\n c: 2\n", "did not find expected key; is this indented as its");
    assert_fault("a:\n  - 1\n  b: 1\n", "expected '-' indicator; is this indented as its");
    assert_fault("a: @b\n", "found character that cannot start any token");
}

static void excerpts_hold_nothing_for_a_terminal_to_obey(void **state)
{
    (void)state;
    assert_null(strchr(parsed(STR("a: b: \xC2\x9B[31m\n")), '^'));
    assert_null(strchr(parsed(STR("a: b: \x1B[31m\n")), '\x1B'));
    assert_null(strchr(parsed(STR("a: b: c\xC2\x85 d\n")), '^'));
}

static void nulls_are_told_from_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool null;
    } cases[] = {{"", true},         {"~", true},   {"null", true},    {"NULL", true},
                 {"nUll", false},    {"''", false}, {"'null'", false}, {"!!str", false},
                 {"!!str ~", false}, {"[]", false}, {"{}", false},     {"0", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena a;
        struct faults faults;
        const struct yaml_node *root;
        arena_init(&a, 4096);
        faults_init(&faults);
        assert_int_equal(yaml_parse("f", str_from(cases[i].text), &a, &faults, &root), 0);
        if (yaml_is_null(root) != cases[i].null)
            fail_msg("%s", cases[i].text);
        faults_done(&faults);
        arena_done(&a);
    }
}

UNIT_MAIN(cmocka_unit_test(kinds_and_styles_are_kept), cmocka_unit_test(empty_files_are_nothing),
          cmocka_unit_test(places_count_characters_from_one),
          cmocka_unit_test(other_encodings_are_refused),
          cmocka_unit_test(a_second_document_is_refused),
          cmocka_unit_test(duplicate_keys_are_refused_and_the_first_is_kept),
          cmocka_unit_test(duplicates_among_many_keys_are_found),
          cmocka_unit_test(aliases_stand_for_their_anchor),
          cmocka_unit_test(aliases_into_themselves_are_refused),
          cmocka_unit_test(bombs_of_aliases_are_refused),
          cmocka_unit_test(long_texts_count_in_aliases), cmocka_unit_test(nesting_has_an_end),
          cmocka_unit_test(nesting_through_aliases_has_the_same_end),
          cmocka_unit_test(an_anchor_inside_of_its_like_wins),
          cmocka_unit_test(merge_keys_bring_in_what_is_missing),
          cmocka_unit_test(merge_keys_take_mappings_alone),
          cmocka_unit_test(tags_of_the_core_schema_are_known), cmocka_unit_test(keys_are_scalars),
          cmocka_unit_test(syntax_errors_name_the_place_and_show_it),
          cmocka_unit_test(excerpts_hold_nothing_for_a_terminal_to_obey),
          cmocka_unit_test(nulls_are_told_from_texts))
