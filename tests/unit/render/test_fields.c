/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "render/fields.h"

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

#define B INSPECT_BOOL
#define N INSPECT_NUMBER
#define T INSPECT_TEXT
#define L INSPECT_LIST
#define M INSPECT_MAP
#define Z INSPECT_NULL

static const char *rule_lower(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 'a' || text.p[i] > 'z')
            return "is not in lower case";
    }
    return NULL;
}

static void check_pair(const struct field_at *at)
{
    if (yaml_get(at->y, STR("from")) && !yaml_get(at->y, STR("to")))
        field_fault(at, at->y, "'from' needs 'to'");
    if (yaml_get(at->y, STR("odd")))
        field_warn(at, at->key, "odd in '%s'", at->parent->row->name);
}

static const struct field inner[] = {
    {"from", N},
    {"to", N},
    {"odd", B},
    {NULL},
};

static const struct field numbers = {"", L, FIELD_ITEMS(N)};

static void check_kind(const struct field_at *at)
{
    if (at->y->kind == YAML_SEQUENCE)
        field_check(at, &numbers);
}

static const struct field table[] = {
    {"kind", T | L, .check = check_kind},
    {"any"},
    {"flag", B},
    {"word", T, FIELD_WORDS("active", "passive")},
    {"count", N, FIELD_RANGE(1, 9)},
    {"either", N | T, FIELD_RANGE(1, 9), FIELD_WORDS("auto")},
    {"least", N, FIELD_RANGE(5, INT64_MAX)},
    {"whole", N, FIELD_INTEGER},
    {"lower", T, .rule = rule_lower},
    {"many", T | L, .rule = rule_lower, FIELD_ITEMS(T, FIELD_WORDS("a", "b"))},
    {"lists", L, FIELD_ITEMS(L, FIELD_ITEMS(N))},
    {"free", M, .key = rule_lower, FIELD_VALUES(M, .fields = inner, .check = check_pair)},
    {"open", M},
    {"soft", M | Z, FIELD_WARN, .fields = inner},
    {"loose", M, FIELD_OTHER_KEYS | FIELD_EMPTY, .fields = inner},
    {"truth", B | T, FIELD_WORDS("maybe")},
    {"yes", B, FIELD_AS_TEXT | FIELD_NO_CASE, FIELD_WORDS("true", "no")},
    {"text", T, FIELD_AS_TEXT},
    {"rate", T, FIELD_WARN_VALUE, FIELD_WORDS("fast")},
    {"secret", T, FIELD_SECRET, .rule = rule_lower},
    {"chosen", T, FIELD_SECRET, FIELD_WORDS("a")},
    {"old", T, .instead = "write 'word'"},
    {"older", T, .deprecated = "2.5", .instead = "write 'word'"},
    {"gone", T, .until = 3, .instead = "write 'word'"},
    {"new", T, .since = 3},
    {"changed", M, .until = 3, .fields = inner},
    {"changed", L, .since = 3, FIELD_ITEMS(M, .fields = inner)},
    {NULL},
};

static const struct field base[] = {{"id", N, FIELD_REQUIRED}, {"label", T}, {NULL}};

static const struct field strict[] = {
    {FIELD_ROWS(base)},
    {"late", N, FIELD_REQUIRED, .since = 3},
    {NULL},
};

static const struct field top = {"", M, .fields = table};
static const struct field named = {"thing", M, .fields = strict};

/* What is said of the text, a line for each fault. */
static struct str said_by(const struct field_reader *reader, const struct field *row,
                          const char *text)
{
    struct faults faults;
    const struct yaml_node *y;
    struct inspect in = {"f", &arena, &faults, false};
    struct str all = STR("");
    faults_init(&faults);
    assert_int_equal(yaml_parse("f", str_from(text), &arena, &faults, &y), 0);
    fields_check(&in, reader, row, y);
    for (size_t i = 0; i < faults.kept; i++) {
        const struct fault *f = &faults.list[i];
        all = arena_printf(&arena, "%.*s%u:%u: %s%s\n", STR_ARG(all), f->at.line, f->at.column,
                           f->warning ? "warning: " : "", f->msg);
    }
    faults_done(&faults);
    assert_false(in.warns);
    return all;
}

static struct str said(const char *text)
{
    static const struct field_reader reader = {.name = "it"};
    return said_by(&reader, &top, text);
}

static struct str said_of(unsigned version, const char *text)
{
    const struct field_reader reader = {.name = "it", .oldest = version, .newest = version};
    return said_by(&reader, &top, text);
}

static void right(void **state)
{
    (void)state;
    assert_str(said("{any: [1], flag: yes, word: active, count: 9, lower: abc, many: x}"), "");
    assert_str(said("{many: [a, b], lists: [[1, 2], []], free: {a: {from: 1, to: 2}, b: {}}}"), "");
    assert_str(said("{open: {x: y}, soft: {from: 1}, loose: {to: 1}, secret: a, chosen: a}"), "");
    assert_str(said("{either: auto, least: 99, whole: -1}"), "");
    assert_str(said("{either: \"9\"}"), "");
    assert_str(said("{soft: }"), "");
    assert_str(said("{yes: \"No\", text: 12}"), "");
    assert_str(said("{yes: TRUE, text: true}"), "");
    assert_str(said("{text: 89148000000060671234}"), "");
    assert_str(said("{word: active, text: 00:11:22:33:44:55}"), "");
}

static void types(void **state)
{
    (void)state;
    assert_str(said("[]"), "1:1: this must be a mapping, and is a list\n");
    assert_str(said("{flag: a}"), "1:8: flag must be true or false, and is a text\n");
    assert_str(said("{word: 1}"), "1:8: word: '1' is a number to YAML; quote it\n");
    assert_str(said("{lists: [[1, a]]}"), "1:14: lists: an item must be a number, and is a text\n");
    assert_str(said("{many: {}}"), "1:8: many must be a text or a list, and is a mapping\n");
    assert_str(said("{open: }"), "1:8: open must be a mapping, and is empty\n");
    assert_str(said("{yes: }"), "1:7: yes must be true or false, and is empty\n");
    assert_str(said("{yes: []}"), "1:7: yes must be true or false, and is a list\n");
    assert_str(said("{text: 012}"), "1:8: text: '012' is octal to one YAML and not to the other; "
                                    "quote it, or write it as a decimal\n");
    assert_str(said("{text: 1:20}"),
               "1:8: text: '1:20' is a number of base 60 to YAML 1.1; quote it\n");
    assert_str(said("{rate: []}"), "1:8: rate must be a text, and is a list\n");
    assert_str(said("{secret: 12}"), "1:10: secret must be a text; quote it\n");
}

static void values(void **state)
{
    (void)state;
    assert_str(said("{word: activ}"),
               "1:8: word: 'activ' is not a valid value; did you mean 'active'?\n");
    assert_str(said("{word: x}"), "1:8: word: 'x' is not a valid value: write active, passive\n");
    assert_str(said("{count: 10}"),
               "1:9: count: '10' is not a valid value: write a whole number from 1 to 9\n");
    assert_str(said("{count: 1.5}"),
               "1:9: count: '1.5' is not a valid value: write a whole number from 1 to 9\n");
    assert_str(said("{either: 0}"), "1:10: either: '0' is not a valid value: write auto or a whole "
                                    "number from 1 to 9\n");
    assert_str(said("{least: 4}"),
               "1:9: least: '4' is not a valid value: write a whole number from 5 on\n");
    assert_str(said("{whole: 1.5}"),
               "1:9: whole: '1.5' is not a valid value: write a whole number\n");
    assert_str(said("{lower: A}"), "1:9: lower: 'A' is not in lower case\n");
    assert_str(said("{many: [a, c]}"), "1:12: many: 'c' is not a valid value: write a, b\n");
    assert_str(said("{yes: 1}"), "1:7: yes: '1' is not a valid value: write true, no\n");
    assert_str(said("{rate: x}"), "1:8: warning: rate: 'x' is not a valid value: write fast\n");
    assert_str(said("{secret: Pass}"), "1:10: secret: this is not in lower case\n");
    assert_str(said("{chosen: Pass}"), "1:10: chosen: this is not a valid value: write a\n");
}

static void keys(void **state)
{
    (void)state;
    assert_str(said("{wrod: a}"), "1:2: unknown key 'wrod'; did you mean 'word'?\n");
    assert_str(said("{free: {a: {form: 1}}}"),
               "1:13: free: a: unknown key 'form'; did you mean 'from'?\n");
    assert_str(said("{free: {A: {}}}"), "1:9: free: 'A' is not in lower case\n");
    assert_str(said("{loose: {t: 1, x: 1}}"),
               "1:10: loose: unknown key 't'; did you mean 'to'?\n"
               "1:16: warning: loose: unknown key 'x', which it passes over\n");
    assert_str(said("{soft: {x: 1, to: a}}"),
               "1:9: warning: soft: unknown key 'x'\n"
               "1:19: warning: soft: to must be a number, and is a text\n");
    assert_str(said("{soft: {x: 1}, flag: a}"),
               "1:9: warning: soft: unknown key 'x'\n"
               "1:22: flag must be true or false, and is a text\n");
}

static void empty_values(void **state)
{
    (void)state;
    assert_str(said("{loose: {to: }}"), "1:14: warning: loose: to: it is empty: leave it out\n");
    assert_str(said("{free: {a: {to: }}}"), "1:17: free: a: to must be a number, and is empty\n");
}

static void empty_values_that_are_none(void **state)
{
    (void)state;
    const struct field_reader reader = {.name = "it", .takes_empty = true};
    assert_str(said_by(&reader, &top, "{free: {a: {to: }, b: }, lists: , old: }"),
               "1:35: warning: 'old' is deprecated; write 'word'\n");
    assert_str(said_by(&reader, &top, "{lists: [~]}"),
               "1:10: lists: an item must be a list, and is empty\n");
}

static void booleans_beside_words(void **state)
{
    (void)state;
    assert_str(said("{truth: yes}"), "");
    assert_str(said("{truth: maybe}"), "");
    assert_str(said("{truth: mayby}"),
               "1:9: truth: 'mayby' is not a valid value; did you mean 'maybe'?\n");
}

static void own_checks(void **state)
{
    (void)state;
    assert_str(said("{free: {a: {from: 1}}}"), "1:12: free: a: 'from' needs 'to'\n");
    assert_str(said("{free: {a: {odd: true}}}"), "1:9: warning: free: a: odd in 'free'\n");
    assert_str(said("{kind: a}"), "");
    assert_str(said("{kind: [1, a]}"), "1:12: kind: an item must be a number, and is a text\n");
    assert_str(said("{free: {a: []}}"), "1:12: free: a must be a mapping, and is a list\n");
}

static void required_keys(void **state)
{
    (void)state;
    const struct field_reader old = {.name = "it", .oldest = 2, .newest = 2},
                              both = {.name = "it", .oldest = 2, .newest = 3};
    assert_str(said_by(&old, &named, "{}"), "1:1: thing: 'id' is missing\n");
    assert_str(said_by(&old, &named, "{id: x}"),
               "1:6: thing: id must be a number, and is a text\n");
    assert_str(said_by(&old, &named, "{id: 1, label: a, lable: b}"),
               "1:19: thing: unknown key 'lable'; did you mean 'label'?\n");
    assert_str(said_by(&both, &named, "{id: 1}"), "1:1: thing: 'late' is missing\n");
}

static void versions(void **state)
{
    (void)state;
    assert_str(said_of(2, "{gone: a, changed: {to: 1}}"),
               "1:2: warning: 'gone' is deprecated; write 'word'\n");
    assert_str(said_of(3, "{gone: a}"), "1:2: it has no key 'gone'; write 'word'\n");
    assert_str(said_of(2, "{new: a}"), "1:2: it has no key 'new'\n");
    assert_str(said_of(3, "{new: a, changed: [{to: 1}]}"), "");
    assert_str(said_of(2, "{changed: []}"), "1:11: changed must be a mapping, and is a list\n");
    assert_str(said_of(3, "{changed: {}}"), "1:11: changed must be a list, and is a mapping\n");
    assert_str(said_of(3, "{gon: a}"), "1:2: unknown key 'gon'\n");
    assert_str(said("{old: a}"), "1:2: warning: 'old' is deprecated; write 'word'\n");
    assert_str(said("{older: a}"), "1:2: warning: 'older' is deprecated since 2.5; write 'word'\n");
}

static void keys_in_paths(void **state)
{
    (void)state;
    assert_str(said("{free: {\"a\\tb\": {x: 1}}}"), "1:9: free: 'a\\tb' is not in lower case\n"
                                                    "1:18: free: 'a\\tb': unknown key 'x'\n");
}

static void long_paths(void **state)
{
    (void)state;
    struct str path = arena_printf(&arena, "{free: {%0200d: {from: 1, tp: 2}}}", 0);
    struct str text = said(path.p);
    assert_true(str_starts(text, STR("1:9: free: '0000000000")));
    assert_non_null(strstr(text.p, ": free: 00000000000000000000000000000000: unknown key 'tp'"));
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(right, start, end),
          cmocka_unit_test_setup_teardown(types, start, end),
          cmocka_unit_test_setup_teardown(values, start, end),
          cmocka_unit_test_setup_teardown(keys, start, end),
          cmocka_unit_test_setup_teardown(empty_values, start, end),
          cmocka_unit_test_setup_teardown(empty_values_that_are_none, start, end),
          cmocka_unit_test_setup_teardown(booleans_beside_words, start, end),
          cmocka_unit_test_setup_teardown(own_checks, start, end),
          cmocka_unit_test_setup_teardown(required_keys, start, end),
          cmocka_unit_test_setup_teardown(versions, start, end),
          cmocka_unit_test_setup_teardown(keys_in_paths, start, end),
          cmocka_unit_test_setup_teardown(long_paths, start, end))
