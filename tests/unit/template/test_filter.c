/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "base/fs.h"
#include "template/builtin.h"

#include <stdlib.h>

static void check_row(const char *name, const char *const *params, uint8_t required,
                      const char *help, const char *before)
{
    size_t n = 0;
    while (n < RUN_ARGS_MAX && params[n])
        n++;
    assert_true(required <= n);
    assert_true(help[0] && strlen(help) < 100 && help[strlen(help) - 1] != '.');
    if (before && strcmp(before, name) >= 0)
        fail_msg("%s stands behind %s", name, before);
}

static void check_table(const struct builtins *t)
{
    assert_true(t->n > 10);
    for (size_t i = 0; i < t->n; i++) {
        const struct builtin *b = &t->list[i];
        assert_non_null(b->fn);
        check_row(b->name, b->params, b->required, b->help, i ? b[-1].name : NULL);
        assert_ptr_equal(builtin_find(t, str_from(b->name)), b);
    }
    assert_null(builtin_find(t, STR("")));
    assert_null(builtin_find(t, STR("defin")));
}

static void tables_are_complete_and_sorted(void **state)
{
    (void)state;
    check_table(&builtin_filters);
    check_table(&builtin_tests);
    check_table(&builtin_methods);
    assert_null(builtin_method(builtin_find(&builtin_methods, STR("items")), value_int(1)));
}

static void the_reference_has_every_row(void **state)
{
    (void)state;
    struct template_builtin b;
    size_t n = 0, filters = 0;
    for (; template_builtin_at(n, &b); n++) {
        filters += strcmp(b.kind, "filter") == 0;
        check_row(b.name, b.params, (uint8_t)b.required, b.help, NULL);
    }
    assert_int_equal(n, builtin_filters.n + builtin_tests.n + builtin_methods.n);
    assert_int_equal(filters, builtin_filters.n);
    assert_true(template_builtin_at(builtin_filters.n, &b));
    assert_string_equal(b.kind, "test");
    assert_string_equal(b.name, builtin_tests.list[0].name);
}

static void every_example_is_true(void **state)
{
    (void)state;
    struct template_builtin b;
    for (size_t i = 0; template_builtin_at(i, &b); i++) {
        bool method = strstr(b.kind, "method");
        char use[32];
        snprintf(use, sizeof(use), method ? ".%s(" : "%s", b.name);
        assert_contains(b.example, method ? "." : b.kind[0] == 'f' ? "| " : " is ");
        assert_contains(b.example, use);
        assert_null(strchr(b.example, '\n'));
        assert_null(strchr(b.result, '\n'));
        render_gives(b.example, b.result);
    }
}

/* docs/templates.md names every one of them. */
static void the_manual_names_every_filter_and_test(void **state)
{
    (void)state;
    struct arena a;
    struct str text;
    struct err e;
    arena_init(&a, 65536);
    const char *source = getenv("CLOUDSEED_SOURCE");
    struct str path = arena_printf(&a, "%s/docs/templates.md", source ? source : ".");
    assert_int_equal(fs_read(path.p, 1 << 20, &a, &text, &e), 0);
    struct template_builtin b;
    for (size_t i = 0; template_builtin_at(i, &b); i++) {
        if (!strstr(text.p, b.name))
            fail_msg("docs/templates.md does not name the %s %s", b.kind, b.name);
    }
    arena_done(&a);
}

/* A value never ends its scalar, whatever is in it. */
static void yaml_scalars_stay_scalars(void **state)
{
    (void)state;
    render_gives("{{ 'a: b # c'|to_yaml_scalar }}", "\"a: b # c\"");
    render_gives("{{ 'x\\n- y\\r\\t\\\"\\\\'|to_yaml_scalar }}", "\"x\\n- y\\r\\t\\\"\\\\\"");
    render_gives("{{ '\\x01\\x7f\\x85\\u2028\\u2029\\ufeff\\ufffe'|to_yaml_scalar }}",
                 "\"\\u0001\\u007f\\u0085\\u2028\\u2029\\ufeff\\ufffe\"");
    render_gives("{{ 'é😀'|to_yaml_scalar }}", "\"é😀\"");
    render_gives("{{ '52:54:00:12:34:00'|to_yaml_scalar }} {{ 'no'|to_yaml_scalar }}",
                 "\"52:54:00:12:34:00\" \"no\"");
    render_gives("{{ 7|to_yaml_scalar }} {{ true|to_yaml_scalar }} {{ none|to_yaml_scalar }}",
                 "7 true null");
    render_gives("{{ 1e20|to_yaml_scalar }} {{ 1.5|to_yaml_scalar }} {{ 1e-7|to_yaml_scalar }}",
                 "1.0e+20 1.5 1.0e-07");
    render_fails("{{ {}|to_yaml_scalar }}", 1, 7, "a mapping is not a scalar; use \"|to_yaml_flow");
    render_fails("{{ (1e308 * 10)|to_yaml_scalar }}", 1, 17, "infinities");
}

/* Unlike tojson's, its texts are YAML whatever is in them. */
static void yaml_of_lists_and_mappings(void **state)
{
    (void)state;
    render_gives("{{ ['é😀', 'a: b\n', \"<&'>\"]|to_yaml_flow }}",
                 "[\"é😀\", \"a: b\\n\", \"<&'>\"]");
    render_gives("{{ {'b': [none, 1e20, {}], '😀\\x85': []}|to_yaml_flow }}",
                 "{\"b\": [null, 1.0e+20, {}], \"😀\\u0085\": []}");
    render_gives("{{ 'no'|to_yaml_flow }} {{ 7|to_yaml_flow }}", "\"no\" 7");
    render_fails("{{ [1e308 * 10]|to_yaml_flow }}", 1, 17, "infinities");
    render_fails("{{ {'a': 1}.keys()|to_yaml_flow }}", 1, 20, "cannot be YAML");
}

static void words_of_a_shell_stay_words(void **state)
{
    (void)state;
    render_gives("{{ 'a b'|quote }} {{ ''|quote }} {{ \"it's\"|quote }} {{ 'a-b/c.d'|quote }}",
                 "'a b' '' 'it'\"'\"'s' a-b/c.d");
    render_gives("{{ '$(x);`y`\n'|quote }} {{ none|quote }} {{ 5|quote }}", "'$(x);`y`\n' '' 5");
    render_fails("{{ list|quote }}", 1, 9, "'quote' needs a string, not a list");
}

static void base64_has_its_padding(void **state)
{
    (void)state;
    render_gives("{{ ''|b64encode }}{{ 'f'|b64encode }}{{ 'fo'|b64encode }}{{ 'foo'|b64encode }}",
                 "Zg==Zm8=Zm9v");
    render_gives("{{ 'é\\xff'|b64encode }}", "w6nDvw==");
    render_fails("{{ nil|b64encode }}", 1, 8, "needs a string, not none");
}

static void json_escapes_what_html_reads(void **state)
{
    (void)state;
    render_gives("{{ \"<&>'\\\"é😀\"|tojson }}",
                 "\"\\u003c\\u0026\\u003e\\u0027\\\"\\u00e9\\ud83d\\ude00\"");
    render_gives("{{ {'b': [1, none], 'a': {}}|tojson }}", "{\"a\": {}, \"b\": [1, null]}");
    render_gives("{{ {'b': [1], 'a': {}}|tojson(2) }}",
                 "{\n  \"a\": {},\n  \"b\": [\n    1\n  ]\n}");
}

static void floats_are_shown_as_python_shows_them(void **state)
{
    (void)state;
    render_gives("{{ 0.1 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 5e-324 }} "
                 "{{ 1.7976931348623157e308 }} {{ -0.0 }} {{ 0.1 + 0.2 }} {{ 123456.789 }}",
                 "0.1 1e+16 1000000000000000.0 0.0001 1e-05 5e-324 1.7976931348623157e+308 -0.0 "
                 "0.30000000000000004 123456.789");
}

static void sorting_is_stable(void **state)
{
    (void)state;
    render_gives("{{ ['b', 'A', 'a', 'B']|sort|join }}{{ ['b', 'A', 'a', 'B']|sort(true)|join }}",
                 "AabBbBAa");
}

UNIT_MAIN(cmocka_unit_test(tables_are_complete_and_sorted),
          cmocka_unit_test(the_reference_has_every_row), cmocka_unit_test(every_example_is_true),
          cmocka_unit_test(the_manual_names_every_filter_and_test),
          cmocka_unit_test(yaml_scalars_stay_scalars), cmocka_unit_test(yaml_of_lists_and_mappings),
          cmocka_unit_test(words_of_a_shell_stay_words), cmocka_unit_test(base64_has_its_padding),
          cmocka_unit_test(json_escapes_what_html_reads),
          cmocka_unit_test(floats_are_shown_as_python_shows_them),
          cmocka_unit_test(sorting_is_stable))
