/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/buf.h"
#include "template/lexer.h"

/* The tokens as text: data in <>, tags' ends as they are, words in between. */
static void tokens_are(const char *source, const char *want)
{
    struct lexer lx;
    struct token t;
    struct buf b;
    buf_init(&b, 4096);
    lexer_init(&lx, str_from(source));
    for (;;) {
        lexer_next(&lx, &t);
        if (t.kind == TOKEN_END)
            break;
        if (t.kind == TOKEN_ERROR) {
            buf_printf(&b, "!%u", lx.error_at);
            lexer_recover(&lx);
        } else if (t.kind == TOKEN_DATA) {
            buf_printf(&b, "<%.*s>", STR_ARG(t.text));
        } else {
            buf_printf(&b, "%.*s ", STR_ARG(t.text));
        }
    }
    assert_str_equal(buf_view(&b), str_from(want));
    buf_done(&b);
}

static void text_alone(void **state)
{
    (void)state;
    tokens_are("", "");
    tokens_are("a { b } c", "<a { b } c>");
    tokens_are("{", "<{>");
    tokens_are("%} }} #}", "<%} }} #}>");
}

static void one_newline_goes_behind_a_block(void **state)
{
    (void)state;
    tokens_are("{% a %}\n\nb", "{% a %} <\nb>");
    tokens_are("{% a +%}\nb", "{% a +% <\nb>");
    tokens_are("{{ a }}\nb", "{{ a }} <\nb>");
    tokens_are("{# a #}\nb", "<b>");
}

static void indentation_goes_before_a_block(void **state)
{
    (void)state;
    tokens_are("x\n  {% a %}", "<x\n>{% a %} ");
    tokens_are("  {% a %}", "{% a %} ");
    tokens_are("x  {% a %}", "<x  >{% a %} ");
    tokens_are("x\n  {%+ a %}", "<x\n  >{%+ a %} ");
    tokens_are("x\n  {{ a }}", "<x\n  >{{ a }} ");
    tokens_are("{{ a }}  {% b %}", "{{ a }} <  >{% b %} ");
    tokens_are("{% a %}\n  {% b %}", "{% a %} {% b %} ");
}

static void a_minus_eats_all_white_space(void **state)
{
    (void)state;
    tokens_are("a \n {{- b -}} \n\xC2\xA0 c", "<a>{{- b -} <c>");
    tokens_are("a \n {#- b -#} \n c", "<a><c>");
}

static void raw_is_text(void **state)
{
    (void)state;
    tokens_are("{% raw %}\n{{ a }}\n{% endraw %}\nb", "<\n{{ a }}\n><b>");
    tokens_are("a {%- raw -%} {% b %} {%- endraw -%} c", "<a><{% b %}><c>");
    tokens_are("{% raw %}{% endraw %}", "");
    tokens_are("{% rawx %}", "{% rawx %} ");
}

static void brackets_hold_a_tag_open(void **state)
{
    (void)state;
    tokens_are("{{ {'a': {}} }}", "{{ { 'a' : { } } }} ");
    tokens_are("{{ [1)] }}x", "{{ [ 1 !5<x>");
    tokens_are("{{ ) }}x", "{{ !3<x>");
}

static void numbers_take_python_s_forms(void **state)
{
    (void)state;
    tokens_are("{{ 1_0 0x1f 0b1 1.5 1e3 1.5E-3 }}", "{{ 1_0 0x1f 0b1 1.5 1e3 1.5E-3 }} ");
    tokens_are("{{ a.1.5 }}", "{{ a . 1 . 5 }} ");
    tokens_are("{{ 012 1. 1e 0x }}", "{{ 0 12 1 . 1 e 0 x }} ");
}

static void errors_have_places(void **state)
{
    (void)state;
    tokens_are("a{{ 'b }}c", "<a>{{ !4<c>");
    tokens_are("a{{ b", "<a>{{ b !1");
    tokens_are("a{# b", "!1");
    tokens_are("ab{% raw %}", "!2");
    tokens_are("{{ é }}x", "{{ !3<x>");
    tokens_are("{% a $ %}x{{ b }}", "{% a !5<x>{{ b }} ");
}

/* --- What words mean ----------------------------------------------------------------------- */

static void integer_is(const char *text, int64_t want)
{
    int64_t got;
    assert_null(lexer_read_integer(str_from(text), &got));
    assert_true(got == want);
}

static void integers_of_every_base(void **state)
{
    (void)state;
    integer_is("0", 0);
    integer_is("1_000", 1000);
    integer_is("0x_fF", 255);
    integer_is("0b101", 5);
    integer_is("0o17", 15);
    integer_is("9223372036854775807", INT64_MAX);
}

static void integers_have_an_end(void **state)
{
    (void)state;
    int64_t got = 5;
    assert_non_null(lexer_read_integer(STR("9223372036854775808"), &got));
    assert_non_null(lexer_read_integer(STR("0xffffffffffffffff"), &got));
    assert_int_equal(got, 5);
}

static void floats(void **state)
{
    (void)state;
    double f;
    assert_null(lexer_read_float(STR("1_0.5e-1"), &f));
    assert_true(f == 1.05);
    assert_non_null(lexer_read_float(STR("1e999"), &f));
    char digits[600];
    memset(digits, '1', sizeof(digits));
    assert_non_null(lexer_read_float((struct str){digits, sizeof(digits)}, &f));
}

static void string_is(const char *text, const char *want)
{
    struct arena a;
    struct str got;
    arena_init(&a, 4096);
    assert_null(lexer_read_string(str_from(text), &a, &got));
    assert_str_equal(got, str_from(want));
    arena_done(&a);
}

static void strings_and_their_escapes(void **state)
{
    (void)state;
    string_is("''", "");
    string_is("\"it's\"", "it's");
    string_is("'\\n\\t\\\\\\'\\\"'", "\n\t\\'\"");
    string_is("'\\x41\\u00e9\\U0001f600'", "Aé😀");
    string_is("'\\101\\7\\1018'", "A\aA8");
    string_is("'a\\\nb'", "ab");
    string_is("'\\q\\.'", "\\q\\.");
}

static void string_fails(const char *text, const char *part)
{
    struct arena a;
    struct str got;
    arena_init(&a, 4096);
    const char *error = lexer_read_string(str_from(text), &a, &got);
    assert_non_null(error);
    assert_contains(error, part);
    arena_done(&a);
}

static void bad_escapes_are_reported(void **state)
{
    (void)state;
    string_fails("'\\x4'", "cut short");
    string_fails("'\\u12'", "cut short");
    string_fails("'\\U00110000'", "not a character");
    string_fails("'\\ud800'", "not a character");
    string_fails("'\\N{BULLET}'", "by name");
    string_fails("'\\0'", "character 0");
    string_fails("'\\é'", "backslash");
}

UNIT_MAIN(cmocka_unit_test(text_alone), cmocka_unit_test(one_newline_goes_behind_a_block),
          cmocka_unit_test(indentation_goes_before_a_block),
          cmocka_unit_test(a_minus_eats_all_white_space), cmocka_unit_test(raw_is_text),
          cmocka_unit_test(brackets_hold_a_tag_open), cmocka_unit_test(numbers_take_python_s_forms),
          cmocka_unit_test(errors_have_places), cmocka_unit_test(integers_of_every_base),
          cmocka_unit_test(integers_have_an_end), cmocka_unit_test(floats),
          cmocka_unit_test(strings_and_their_escapes), cmocka_unit_test(bad_escapes_are_reported))
