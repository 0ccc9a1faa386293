/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "template/trace.h"

/* --- Where a name is read ------------------------------------------------------------------ */

static void keep_first(void *cls, struct str attr, struct place at)
{
    struct place *first = cls;
    (void)attr;
    if (first->column == 0)
        *first = at;
}

/* That `text` reads `name` from around it first at that place, "FILE:LINE:COLUMN"; NULL: nowhere.
 */
static void mentions(const char *text, const char *name, const char *want)
{
    struct rendering r;
    struct place at = {.file = "unset", .line = 7};
    render_init(&r);
    assert_int_equal(render_add(&r, "t", text), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    template_attributes(template_set_find(r.set, STR("t")), str_from(name), keep_first, &at);
    char got[64];
    snprintf(got, sizeof(got), "%s:%u:%u", at.file, at.line, at.column);
    if (strcmp(got, want ? want : "unset:7:0") != 0)
        fail_msg("%s: %s", text, got);
    render_done(&r);
}

static void a_name_is_found_wherever_it_is_read(void **state)
{
    (void)state;
    mentions("{{ s }}", "s", "t:1:4");
    mentions("a\n{{ 1 + s.b['c'] }}{{ s }}", "s", "t:2:8");
    mentions("{% if s %}{% endif %}", "s", "t:1:7");
    mentions("{% if a %}{% elif b %}{% else %}{{ s }}{% endif %}", "s", "t:1:36");
    mentions("{% for a in s %}{% endfor %}", "s", "t:1:13");
    mentions("{% for a in b if s %}{% endfor %}", "s", "t:1:18");
    mentions("{% for a in b %}{{ s }}{% endfor %}", "s", "t:1:20");
    mentions("{% for a in b %}{% else %}{{ s }}{% endfor %}", "s", "t:1:30");
    mentions("{% set a = s %}", "s", "t:1:12");
    mentions("{% set a %}{{ s }}{% endset %}", "s", "t:1:15");
    mentions("{% include s ignore missing %}", "s", "t:1:12");
    mentions("{{ a | default(b, s) }}", "s", "t:1:19");
    mentions("{{ a.get(s) }}{{ [1, {'k': s}] }}", "s", "t:1:10");
    mentions("{{ [1, {'k': s}] }}", "s", "t:1:14");
    mentions("{{ s is defined }}", "s", "t:1:4");
    mentions("{{ 1 if false and s else 2 }}", "s", "t:1:19");
    mentions("{{ a < b < s }}{{ a ~ s }}", "s", "t:1:12");
}

static void only_a_variable_is_a_name(void **state)
{
    (void)state;
    mentions("s {# s #}{% raw %}{{ s }}{% endraw %}", "s", NULL);
    mentions("{{ a.s }}{{ a['s'] }}{{ 's' }}{{ ss }}", "s", NULL);
    mentions("{{ range(3) | list }}", "range", NULL);
    mentions("{{ range(s) }}", "s", "t:1:10");
}

static void a_name_of_the_template_itself_is_another(void **state)
{
    (void)state;
    mentions("{% set s = 1 %}{{ s }}", "s", NULL);
    mentions("{% for s in a %}{{ s }}{% endfor %}", "s", NULL);
    mentions("{% for s in a %}{% set s = s %}{{ s }}{% endfor %}", "s", NULL);
    mentions("{% for s in a %}{% endfor %}{{ s }}", "s", "t:1:32");
    mentions("{% for s in a %}{{ s }}{% endfor %}{{ s }}", "s", "t:1:39");
    mentions("{% if a %}{% set s = 1 %}{% elif b %}{% set s = 2 %}{% else %}{% set s = 3 %}"
             "{% endif %}{{ s }}",
             "s", NULL);
}

/* Whoever sets a name only perhaps may still read the outer one. */
static void a_name_that_is_set_perhaps_counts(void **state)
{
    (void)state;
    mentions("{% if a %}{% set s = 1 %}{% endif %}{{ s }}", "s", "t:1:40");
    mentions("{{ s }}{% set s = 1 %}", "s", "t:1:4");
    mentions("{% set s = s %}{{ s }}", "s", "t:1:12");
    mentions("{{ s }}{% for a in b %}{{ s }}{% set s = 1 %}{% endfor %}", "s", "t:1:4");
    mentions("{% for a in b %}{{ s }}{% set s = 1 %}{% endfor %}", "s", "t:1:20");
}

/* Forty templates that each include the next one twice. */
static void what_is_included_often_is_read_once(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    for (int i = 0; i < 40; i++) {
        char name[16], text[96];
        snprintf(name, sizeof(name), "t%d", i);
        snprintf(text, sizeof(text), "{%% include 't%d' %%}{%% include 't%d' %%}", i + 1, i + 1);
        assert_int_equal(render_add(&r, name, text), 0);
    }
    assert_int_equal(render_add(&r, "t40", "{{ s.b }}"), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    const struct template *t = template_set_find(r.set, STR("t0"));
    const struct str attrs[] = {STR("a"), STR("b"), STR("c")};
    assert_int_equal(template_reads(t, STR("s"), attrs, 3), 2);
    render_done(&r);
}

/* --- template_attributes, template_includes ------------------------------------------------- */

static void begin(struct rendering *r, const char *text)
{
    render_init(r);
    assert_int_equal(render_add(r, "other", "\n {{ inner }}"), 0);
    assert_int_equal(render_add(r, "again", "{% include 'other' %}{% include 'other' %}"), 0);
    assert_int_equal(render_add(r, "t", text), 0);
    assert_int_equal(template_set_link(r->set, &r->faults), 0);
}

static void note(struct buf *b, struct str what, struct place at)
{
    buf_printf(b, "%.*s@%s:%u:%u ", STR_ARG(what), at.file, at.line, at.column);
}

static void on_attr(void *cls, struct str attr, struct place at)
{
    note(cls, attr, at);
}

static void on_include(void *cls, const struct template *target, struct place at)
{
    note(cls, template_name(target), at);
}

static void attributes_are(const char *text, const char *want_attrs, const char *want_includes)
{
    struct rendering r;
    struct buf attrs, includes;
    begin(&r, text);
    buf_init(&attrs, 4096);
    buf_init(&includes, 4096);
    const struct template *t = template_set_find(r.set, STR("t"));
    template_attributes(t, STR("s"), on_attr, &attrs);
    template_includes(t, on_include, &includes);
    assert_str_equal(buf_view(&attrs), str_from(want_attrs));
    assert_str_equal(buf_view(&includes), str_from(want_includes));
    buf_done(&attrs);
    buf_done(&includes);
    render_done(&r);
}

static void attributes_and_includes_are_of_the_template_itself(void **state)
{
    (void)state;
    attributes_are("{{ s.a }}\n{{ s['b'] }}{{ a.s.c }}", "a@t:1:4 b@t:2:4 ", "");
    attributes_are("{{ s }}{{ s[a] }}{{ s[0] }}{{ s.get('x') }}", "@t:1:4 @t:1:11 @t:1:21 @t:1:31 ",
                   "");
    attributes_are("{{ s[s.a] }}{{ s.b.c }}", "@t:1:4 a@t:1:6 b@t:1:16 ", "");
    attributes_are("{% set s = s.a %}{{ s.b }}", "a@t:1:12 b@t:1:21 ", "");
    attributes_are("{% for s in a %}{{ s.b }}{% endfor %}", "", "");
    attributes_are("{% if a %}{% include 'other' %}{% endif %}{% include a %}"
                   "{% include 'no' ignore missing %}{% include 'again' %}",
                   "", "other@t:1:22 again@t:1:102 ");
}

/* --- template_piece_names ------------------------------------------------------------------ */

static void on_name(void *cls, struct str name)
{
    buf_str(cls, name);
    buf_char(cls, ' ');
}

/* That the last piece of `text` reads these names. */
static void names_are(const char *text, const char *want)
{
    struct rendering r;
    struct template_trace trace = {0};
    struct template_scope scope = {render_lookup, &r};
    struct buf b;
    begin(&r, text);
    buf_init(&b, 4096);
    const struct template *t = template_set_find(r.set, STR("t"));
    if (template_render(t, scope, NULL, &r.arena, &r.out, &trace, &r.fault) < 0)
        fail_msg("%s: %s", text, r.fault.msg);
    template_piece_names(&trace.list[trace.n - 1], on_name, &b);
    assert_str_equal(buf_view(&b), str_from(want));
    buf_done(&b);
    template_trace_done(&trace);
    render_done(&r);
}

static void a_value_tells_the_names_it_reads(void **state)
{
    (void)state;
    names_are("{{ n }}", "n ");
    names_are("{{ n }}text", "");
    names_are("{{ 1 }}", "");
    names_are("{{ map.hostname }}", "map ");
    names_are("{{ name ~ n ~ name ~ map['hostname'] ~ n }}", "name n map ");
    names_are("{{ n if nil else list[n - 7] | default(name) }}", "n nil list name ");
    names_are("{{ range(n) | list }}", "n ");
    names_are("{{ nope is defined or [nil, {'k': name}] | length }}", "nope nil name ");
}

static void names_of_the_template_itself_are_not_told(void **state)
{
    (void)state;
    names_are("{% set a = n %}{{ a ~ name }}", "name ");
    names_are("{% set n = n %}{{ n ~ name }}", "name ");
    names_are("{% for i in list %}{{ i ~ n ~ loop.index }}{% endfor %}", "n ");
    names_are("{{ n }}{% for i in list %}{% set n = 2 %}{{ n ~ name }}{% endfor %}", "name ");
    names_are("{% if nil %}{% set n = 1 %}{% endif %}{{ n ~ name }}", "name ");
}

UNIT_MAIN(cmocka_unit_test(a_name_is_found_wherever_it_is_read),
          cmocka_unit_test(only_a_variable_is_a_name),
          cmocka_unit_test(a_name_of_the_template_itself_is_another),
          cmocka_unit_test(a_name_that_is_set_perhaps_counts),
          cmocka_unit_test(what_is_included_often_is_read_once),
          cmocka_unit_test(attributes_and_includes_are_of_the_template_itself),
          cmocka_unit_test(a_value_tells_the_names_it_reads),
          cmocka_unit_test(names_of_the_template_itself_are_not_told))
