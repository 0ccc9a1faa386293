/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "template/trace.h"

static int trace_run(struct rendering *r, const struct template *t, struct template_trace *trace)
{
    struct template_scope scope = {render_lookup, r};
    buf_clear(&r->out);
    return template_render(t, scope, &r->limits, &r->arena, &r->out, trace, &r->fault);
}

/* "t" is `text`, "other" can be included by it. */
static const struct template *begin(struct rendering *r, const char *text)
{
    render_init(r);
    assert_int_equal(render_add(r, "other", "<{{ n }}\n {{ name }}{{ 'own' }}>"), 0);
    assert_int_equal(render_add(r, "t", text), 0);
    assert_int_equal(template_set_link(r->set, &r->faults), 0);
    return template_set_find(r->set, STR("t"));
}

static void end(struct rendering *r, struct template_trace *trace)
{
    template_trace_done(trace);
    render_done(r);
}

static void begin_traced(struct rendering *r, const char *text, struct template_trace *trace)
{
    const struct template *t = begin(r, text);
    *trace = (struct template_trace){0};
    if (trace_run(r, t, trace) < 0)
        fail_msg("%s: %s", text, r->fault.msg);
}

/* --- Pieces -------------------------------------------------------------------------------- */

/* Each piece as "t'text'" or "t{value}", with the name of its template. */
static void show_pieces(const struct template_trace *trace, struct str out, struct buf *b)
{
    for (uint32_t i = 0; i < trace->n; i++) {
        const struct template_piece *p = &trace->list[i];
        size_t from = template_piece_begin(trace, p);
        bool value = template_piece_is_value(p);
        assert_true(p->end > from && p->end <= out.n);
        buf_str(b, template_name(p->t));
        buf_char(b, value ? '{' : '\'');
        buf_append(b, out.p + from, p->end - from);
        buf_char(b, value ? '}' : '\'');
    }
}

/* That `text` renders to these pieces, and these are all of the output. */
static void pieces_are(const char *text, const char *want)
{
    struct rendering r;
    struct template_trace trace;
    struct buf b;
    begin_traced(&r, text, &trace);
    buf_init(&b, 4096);
    show_pieces(&trace, buf_view(&r.out), &b);
    assert_str_equal(buf_view(&b), str_from(want));
    assert_int_equal(trace.begin, 0);
    if (r.out.n)
        assert_int_equal(trace.list[trace.n - 1].end, r.out.n);
    buf_done(&b);
    end(&r, &trace);
}

static void every_byte_has_its_piece(void **state)
{
    (void)state;
    pieces_are("", "");
    pieces_are("a{{ n }}b", "t'a't{7}t'b'");
    pieces_are("{{ n }}{{ name }}", "t{7}t{k8s-worker-2}");
    pieces_are("a{# b #}c{% raw %}{{ d }}{% endraw %}", "t'a't'c't'{{ d }}'");
    pieces_are("{% for i in list %}{{ i }},{% else %}x{% endfor %}", "t{3}t','t{1}t','t{2}t','");
    pieces_are("{% if n == 7 %}a{% else %}b{% endif %}", "t'a'");
    pieces_are("a{% include 'other' %}b{% include 'ot' ~ 'her' %}",
               "t'a'other'<'other{7}other'\n 'other{k8s-worker-2}other{own}other'>'"
               "t'b'other'<'other{7}other'\n 'other{k8s-worker-2}other{own}other'>'");
}

static void what_writes_nothing_has_no_piece(void **state)
{
    (void)state;
    pieces_are("a{{ '' }}{{ 'x' if false }}b", "t'a't'b'");
    pieces_are("{% set a = 1 %}{{ a }}", "t{1}");
}

/* What stands in a block of set is shown later, or never. */
static void text_of_a_set_block_is_traced_where_it_is_shown(void **state)
{
    (void)state;
    pieces_are("a{% set b %}c{{ n }}{% include 'other' %}{% endset %}d{{ b }}",
               "t'a't'd't{c7<7\n k8s-worker-2own>}");
    pieces_are("{% set b %}c{% endset %}", "");
    pieces_are("{% set b %}{% set c %}x{% endset %}y{% endset %}z{{ b }}", "t'z't{y}");
}

static void a_trace_goes_on_behind_what_is_there(void **state)
{
    (void)state;
    struct rendering r;
    struct template_trace trace = {0};
    const struct template *t = begin(&r, "a{{ n }}");
    struct template_scope scope = {render_lookup, &r};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(template_render(t, scope, NULL, &r.arena, &r.out, &trace, &r.fault), 0);
        assert_int_equal(trace.n, 2);
        assert_int_equal(trace.begin, 2 * i);
        assert_int_equal(template_piece_begin(&trace, &trace.list[0]), 2 * i);
        assert_int_equal(trace.list[1].end, 2 * i + 2);
    }
    end(&r, &trace);
}

static void a_failed_rendering_leaves_what_it_wrote(void **state)
{
    (void)state;
    struct rendering r;
    struct template_trace trace = {0};
    const struct template *t = begin(&r, "ab{% set x %}c{{ nope }}{% endset %}");
    assert_int_equal(trace_run(&r, t, &trace), -EINVAL);
    assert_int_equal(trace.n, 1);
    assert_int_equal(trace.list[0].end, r.out.n);
    end(&r, &trace);

    t = begin(&r, "ab{{ [1, nope] }}");
    assert_int_equal(trace_run(&r, t, &trace), -EINVAL);
    assert_int_equal(trace.list[trace.n - 1].end, r.out.n);
    end(&r, &trace);

    t = begin(&r, "ab{{ n }}cde");
    r.out.max_bytes = 4;
    assert_int_equal(trace_run(&r, t, &trace), -EINVAL);
    assert_contains(r.fault.msg, "larger than 4 bytes");
    assert_int_equal(trace.n, 2);
    assert_int_equal(trace.list[1].end, 3);
    end(&r, &trace);
}

static void a_byte_finds_its_piece(void **state)
{
    (void)state;
    struct rendering r;
    struct template_trace trace = {0};
    assert_null(template_trace_find(&trace, 0));
    begin_traced(&r, "{% for i in range(100) %}ab{{ 1000 + i }}{% endfor %}", &trace);
    assert_int_equal(trace.n, 200);
    for (size_t at = 0, i = 0; i < trace.n; i++) {
        for (; at < trace.list[i].end; at++)
            assert_ptr_equal(template_trace_find(&trace, at), &trace.list[i]);
    }
    assert_null(template_trace_find(&trace, r.out.n));
    assert_null(template_trace_find(&trace, SIZE_MAX));
    trace.begin = 1;
    assert_null(template_trace_find(&trace, 0));
    assert_ptr_equal(template_trace_find(&trace, 1), &trace.list[0]);
    end(&r, &trace);
}

/* --- Places -------------------------------------------------------------------------------- */

static struct place place_of(const struct template_trace *trace, size_t offset)
{
    const struct template_piece *p = template_trace_find(trace, offset);
    assert_non_null(p);
    return template_piece_place(trace, p, offset);
}

/* That the first `needle` of the output comes from line:column of the template. */
static void comes_from(const char *text, const char *needle, uint32_t line, uint32_t column)
{
    struct rendering r;
    struct template_trace trace;
    begin_traced(&r, text, &trace);
    const char *found = strstr(buf_view(&r.out).p, needle);
    assert_non_null(found);
    struct place at = place_of(&trace, (size_t)(found - r.out.p));
    if (at.line != line || at.column != column)
        fail_msg("'%s' of %s: %u:%u, not %u:%u", needle, text, at.line, at.column, line, column);
    assert_string_equal(at.file, "t");
    end(&r, &trace);
}

static void text_has_the_place_it_was_written_at(void **state)
{
    (void)state;
    comes_from("abc", "b", 1, 2);
    comes_from("a\nb\n{{ n }} c\nd", "c", 3, 9);
    comes_from("a\n  {% if n %}\nb\n  {% endif %}\nc", "b", 3, 1);
    comes_from("a\n  {% if n %}\nb\n  {% endif %}\nc", "c", 5, 1);
    comes_from("a\n  {%- if n -%}\n\n  b{% endif %}", "b", 4, 3);
    comes_from("{{ n -}}  \n x", "x", 2, 2);
    comes_from("{#\n\n#}\n  y{% raw -%}\n  {%z {%- endraw %}", "y", 4, 3);
    comes_from("{#\n\n#}\n  y{% raw -%}\n  {%z {%- endraw %}", "z", 5, 5);
    comes_from("äß{{ n }}ü", "ü", 1, 10);
    comes_from("äß", "\x9F", 1, 2); /* in the middle of a character */
    comes_from("{% for i in list %}{{ i }}\n x{% endfor %}", "x", 2, 2);
}

/* Places are of lines, whatever ends these. */
static void line_ends_of_any_kind_count(void **state)
{
    (void)state;
    comes_from("a\r\nb\rc\n\r\nd", "b", 2, 1);
    comes_from("a\r\nb\rc\n\r\nd", "c", 3, 1);
    comes_from("a\r\nb\rc\n\r\nd", "d", 5, 1);
    comes_from("a\r\n  {% if n %}\r\n b{{ n }}\r\nc{% endif %}", "7", 3, 6);
    comes_from("a\r\n  {% if n %}\r\n b{{ n }}\r\nc{% endif %}", "c", 4, 1);
}

static void a_value_has_the_place_of_its_expression(void **state)
{
    (void)state;
    comes_from("a {{ n }}", "7", 1, 6);
    comes_from("a{{n}}", "7", 1, 4);
    comes_from("a\n{{-  (map).hostname | upper + 'y' }}", "X", 2, 6);
    comes_from("a\n{{-  (map).hostname | upper + 'y' }}", "y", 2, 6);
    comes_from("a{{+ n }}", "7", 1, 6);
    comes_from("{{\n  name }}", "worker", 2, 3);
    comes_from("{{\xC2\xA0n }}", "7", 1, 4);
}

static void what_is_included_has_its_own_places(void **state)
{
    (void)state;
    struct rendering r;
    struct template_trace trace;
    begin_traced(&r, "\n\n{% include 'other' %}", &trace);
    struct place at = place_of(&trace, r.out.n - 1);
    assert_string_equal(at.file, "other");
    assert_int_equal(at.line, 2);
    assert_int_equal(at.column, 23);
    assert_string_equal(place_of(&trace, 1).file, "t");
    end(&r, &trace);
}

static bool lookup_shared(void *cls, struct str name, struct value *ret)
{
    return !str_is(name, "name") && render_lookup(cls, name, ret);
}

/* Folding joins text; it begins where the first of it was written. */
static void folded_text_is_where_it_begins(void **state)
{
    (void)state;
    struct rendering r;
    struct template_trace trace = {0};
    const struct template *t = begin(&r, "a{{ name }}\n b{{ n }}c{{ name }}{{ n }}\nd");
    t = template_fold(t, (struct template_scope){lookup_shared, &r}, NULL, &r.arena);
    assert_int_equal(trace_run(&r, t, &trace), 0);
    static const struct {
        uint32_t line, column;
    } places[] = {{1, 1}, {1, 5}, {1, 12}, {2, 14}, {2, 21}};
    assert_int_equal(trace.n, 5);
    for (uint32_t i = 0; i < trace.n; i++) {
        struct place at = place_of(&trace, trace.list[i].end - 1);
        assert_int_equal(at.line, places[i].line);
        assert_int_equal(at.column, places[i].column);
    }
    end(&r, &trace);
}

/* --- Excerpts ------------------------------------------------------------------------------ */

static void excerpt_is(const struct template *t, uint32_t line, uint32_t column, const char *want)
{
    char out[64] = "unset";
    template_excerpt(t, (struct place){.line = line, .column = column}, out, sizeof(out));
    assert_string_equal(out, want);
}

static void an_excerpt_shows_the_line(void **state)
{
    (void)state;
    struct rendering r;
    const struct template *t = begin(&r, "ab\r\n\tc\xC3\xA4 d{{ n }}\n\nx");
    excerpt_is(t, 1, 1, "ab\n^");
    excerpt_is(t, 1, 2, "ab\n ^");
    excerpt_is(t, 1, 9, "ab\n  ^");
    excerpt_is(t, 2, 5, "\tc\xC3\xA4 d{{ n }}\n\t   ^");
    excerpt_is(t, 3, 1, "\n^");
    excerpt_is(t, 4, 1, "x\n^");
    excerpt_is(t, 5, 1, "");
    excerpt_is(t, 0, 0, "");
    excerpt_is(t, 1, 0, "");
    render_done(&r);
}

UNIT_MAIN(cmocka_unit_test(every_byte_has_its_piece),
          cmocka_unit_test(what_writes_nothing_has_no_piece),
          cmocka_unit_test(text_of_a_set_block_is_traced_where_it_is_shown),
          cmocka_unit_test(a_trace_goes_on_behind_what_is_there),
          cmocka_unit_test(a_failed_rendering_leaves_what_it_wrote),
          cmocka_unit_test(a_byte_finds_its_piece),
          cmocka_unit_test(text_has_the_place_it_was_written_at),
          cmocka_unit_test(line_ends_of_any_kind_count),
          cmocka_unit_test(a_value_has_the_place_of_its_expression),
          cmocka_unit_test(what_is_included_has_its_own_places),
          cmocka_unit_test(folded_text_is_where_it_begins),
          cmocka_unit_test(an_excerpt_shows_the_line))
