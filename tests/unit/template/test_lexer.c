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

UNIT_MAIN(cmocka_unit_test(text_alone), cmocka_unit_test(one_newline_goes_behind_a_block),
          cmocka_unit_test(indentation_goes_before_a_block),
          cmocka_unit_test(a_minus_eats_all_white_space), cmocka_unit_test(raw_is_text),
          cmocka_unit_test(brackets_hold_a_tag_open), cmocka_unit_test(numbers_take_python_s_forms),
          cmocka_unit_test(errors_have_places))
