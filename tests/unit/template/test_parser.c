/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

static void faults_have_place_and_line(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", "a\n\té {{ name |\tnope }}\nc"), -EINVAL);
    assert_int_equal(r.faults.errors, 1);
    assert_int_equal(r.faults.list[0].at.line, 2);
    assert_int_equal(r.faults.list[0].at.column, 14);
    assert_string_equal(r.faults.list[0].excerpt, "\té {{ name |\tnope }}\n\t           \t^");
    render_done(&r);
}

static void every_fault_is_reported(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t",
                                "{{ 1 + }}\n{% if ) %}\n{{ a b }}\n{% else %}{{ \"x }}\n"
                                "{% endif %}{{ ok }}{{ 'é'|nope }}{% macro x() %}{{ + }}"
                                "{% endmacro %}{% endfor %}"),
                     -EINVAL);
    static const uint32_t lines[] = {1, 2, 3, 4, 5, 5, 5};
    assert_int_equal(r.faults.errors, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(r.faults.list[i].at.line, lines[i]);
    render_done(&r);
}

static void the_number_of_faults_has_an_end(void **state)
{
    (void)state;
    struct rendering r;
    struct buf b;
    render_init(&r);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_str(&b, STR("{{ }}"));
    assert_int_equal(render_add(&r, "t", b.p), -EINVAL);
    assert_int_equal(r.faults.errors, 50);
    buf_done(&b);
    render_done(&r);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    render_refuses("{{ a", 1, 1, "this tag has no end");
    render_refuses("x{# a", 1, 2, "comment has no end");
    render_refuses("{% raw %}", 1, 1, "raw block has no end");
    render_refuses("\n{% if 1 %}\n", 2, 4, "{% endif %}");
    render_refuses("{% for x in [] %}{% else %}", 1, 4, "{% endfor %}");
    render_refuses("{% set a %}", 1, 4, "{% endset %}");
    render_refuses("{{ 'a }}", 1, 4, "string has no end");
    render_refuses("{{ (1 }}", 1, 7, "')' is missing");
    render_refuses("{{ }}", 1, 4, "an expression expected before the tag ends");
    render_refuses("{{ a b }}", 1, 6, "'}}' expected, not 'b'");
    render_refuses("{% %}", 1, 4, "the name of a tag expected");
}

static void what_is_wrong_comes_with_a_guess(void **state)
{
    (void)state;
    render_refuses("{{ a|indnet }}", 1, 6, "there is no filter 'indnet'; did you mean 'indent'?");
    render_refuses("{{ a|map('b') }}", 1, 6,
                   "Jinja2's filter 'map' is not supported here; write a for loop");
    render_refuses("{{ a|round }}", 1, 6, "Jinja2's filter 'round' is not supported here");
    render_refuses("{{ a is defind }}", 1, 9, "no test 'defind'; did you mean 'defined'?");
    render_refuses("{{ a.itmes() }}", 1, 6, "no method 'itmes'; did you mean 'items'?");
    render_refuses("{% inclde 'a' %}", 1, 4, "no tag 'inclde'; did you mean 'include'?");
    render_refuses("{% endif %}", 1, 4, "'endif' has no matching beginning");
    render_refuses("{{ a && b }}", 1, 6, "write \"and\"");
}

static void what_the_subset_lacks_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const tags[] = {"macro", "call",       "filter", "block",
                                       "with",  "autoescape", "trans"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        char text[200], part[64];
        snprintf(text, sizeof(text), "{%% %s x %%}{{ + }}{%% %s y %%}{%% end%s %%}{%% end%s %%}",
                 tags[i], tags[i], tags[i], tags[i]);
        snprintf(part, sizeof(part), "'%s' is not supported", tags[i]);
        render_refuses(text, 1, 4, part);
    }
    render_refuses("{% extends 'a' %}", 1, 4, "'extends' is not supported; include");
    render_refuses("{% do x %}", 1, 4, "'do' is not supported");
    render_refuses("{{ list[1:2] }}", 1, 10, "slices");
    render_refuses("{{ x.__class__ }}", 1, 6, "out of reach");
    render_refuses("{{ cycler(1) }}", 1, 4, "only range()");
}

static void arguments_are_checked(void **state)
{
    (void)state;
    render_refuses("{{ a|upper(1) }}", 1, 12, "filter 'upper' takes fewer arguments");
    render_refuses("{{ a|replace('b') }}", 1, 6, "needs its argument 'new'");
    render_refuses("{{ a|indent(widht=1) }}", 1, 19, "has no argument 'widht'");
    render_refuses("{{ a|indent(1, width=1) }}", 1, 22, "given twice");
    render_refuses("{{ a|join(*b) }}", 1, 11, "'*' and '**'");
    render_refuses("{{ 'a'.startswith(prefix='a') }}", 1, 26, "has no argument 'prefix'");
}

static void repeat(struct buf *b, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_str(b, str_from(text));
}

static void nested_is(const char *open, const char *middle, const char *close, size_t n, int want)
{
    struct rendering r;
    struct buf b;
    render_init(&r);
    buf_init(&b, 1 << 22);
    repeat(&b, open, n);
    repeat(&b, middle, 1);
    repeat(&b, close, n);
    assert_int_equal(render_add(&r, "t", b.p), want);
    if (want == 0)
        assert_int_equal(render_run(&r, "t"), 0);
    buf_done(&b);
    render_done(&r);
}

/* Nesting has an end long before the stack has. */
static void depth_is_capped(void **state)
{
    (void)state;
    nested_is("{% if 1 %}", "x", "{% endif %}", 150, 0);
    nested_is("{% if 1 %}", "x", "{% endif %}", 100000, -EINVAL);
    nested_is("{% for x in [1] %}", "x", "{% endfor %}", 100000, -EINVAL);
    static const char *const forms[][3] = {
        {"(", "1", ")"},    {"[", "1", "]"},     {"-", "1", ""},     {"not ", "1", ""},
        {"", "1", "|list"}, {"", "1", "+1"},     {"", "name", ".a"}, {"1 if 1 else ", "1", ""},
        {"", "1", " < 1"},  {"", "1", " and 1"}, {"", "1", "[0]"},   {"", "1", " is defined"},
        {"", "1", "**1"},   {"{1: ", "1", "}"},  {"", "1", " if 1"}, {"1|default(", "1", ")"},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char open[64], middle[64];
        snprintf(open, sizeof(open), "%s", forms[i][0]);
        snprintf(middle, sizeof(middle), "%s", forms[i][1]);
        struct rendering r;
        struct buf b;
        render_init(&r);
        buf_init(&b, 1 << 22);
        buf_str(&b, STR("{{ "));
        repeat(&b, open, 50000);
        buf_str(&b, str_from(middle));
        repeat(&b, forms[i][2], 50000);
        buf_str(&b, STR(" }}"));
        assert_int_equal(render_add(&r, "t", b.p), -EINVAL);
        buf_done(&b);
        render_done(&r);
    }
}

UNIT_MAIN(cmocka_unit_test(faults_have_place_and_line), cmocka_unit_test(every_fault_is_reported),
          cmocka_unit_test(the_number_of_faults_has_an_end),
          cmocka_unit_test(what_is_missing_is_named),
          cmocka_unit_test(what_is_wrong_comes_with_a_guess),
          cmocka_unit_test(what_the_subset_lacks_is_refused_by_name),
          cmocka_unit_test(arguments_are_checked), cmocka_unit_test(depth_is_capped))
