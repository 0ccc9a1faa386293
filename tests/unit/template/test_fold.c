/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "template/ast.h"

/* The variables but `name`, which is left to the rendering. */
static bool lookup_shared(void *cls, struct str name, struct value *ret)
{
    return !str_is(name, "name") && render_lookup(cls, name, ret);
}

static const struct template *fold(struct rendering *r, const char *text)
{
    struct template_scope known = {lookup_shared, r};
    assert_int_equal(render_add(r, "t", text), 0);
    assert_int_equal(template_set_link(r->set, &r->faults), 0);
    return template_fold(template_set_find(r->set, STR("t")), known, NULL, &r->arena);
}

/* That the folded text renders as `want`, and then asks for `lookups` names. */
static void folds(struct rendering *r, const char *text, const char *want, size_t lookups)
{
    const struct template *t = fold(r, text);
    struct template_scope scope = {render_lookup, r};
    r->lookups = 0;
    if (template_render(t, scope, NULL, &r->arena, &r->out, NULL, &r->fault) < 0)
        fail_msg("%s: %s", text, r->fault.msg);
    assert_str_equal(buf_view(&r->out), str_from(want));
    if (r->lookups != lookups)
        fail_msg("%s: %zu lookups, not %zu", text, r->lookups, lookups);
    render_done(r);
}

static void folds_alone(const char *text, const char *want, size_t lookups)
{
    struct rendering r;
    render_init(&r);
    folds(&r, text, want, lookups);
}

static void what_is_known_is_written_out(void **state)
{
    (void)state;
    folds_alone("a{{ n }}b{{ list | join('-') }}{{ map.hostname }}", "a7b3-1-2x", 0);
    folds_alone("{{ n }}{{ name }}{{ n }}{{ name }}", "7k8s-worker-27k8s-worker-2", 1);
    folds_alone("{{ name ~ n }}", "k8s-worker-27", 1);
    folds_alone("{% for i in list %}{{ loop.index }}{{ i }},{% endfor %}", "13,21,32,", 0);
    folds_alone("{% for i in list %}{{ i }}{{ name }}{% endfor %}",
                "3k8s-worker-21k8s-worker-22k8s-worker-2", 2);
}

static void branches_are_chosen(void **state)
{
    (void)state;
    folds_alone("{% if n == 7 %}a{% else %}b{{ name }}{% endif %}", "a", 0);
    folds_alone("{% if n != 7 %}a{% elif name %}{{ n }}{% else %}c{% endif %}", "7", 1);
    folds_alone("{% if name == 'x' %}a{% elif n == 7 %}b{% else %}{{ c }}{% endif %}", "b", 1);
    folds_alone("{% if n != 7 %}{{ name }}{% endif %}.", ".", 0);
}

/* How many outputs there are, in all of it. */
static uint32_t outputs(const struct block *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        const struct stmt *s = &b->list[i];
        n += s->kind == STMT_OUTPUT;
        if (s->kind == STMT_FOR)
            n += outputs(&s->loop->body.block) + outputs(&s->loop->otherwise.block);
        if (s->kind == STMT_INCLUDE && s->include->target)
            n += outputs(&s->include->target->body.block);
        for (uint32_t k = 0; s->kind == STMT_IF && k < s->choice->n; k++)
            n += outputs(&s->choice->list[k].body);
    }
    return n;
}

static bool has_set(const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->list[i].kind == STMT_SET)
            return true;
    }
    return false;
}

/* That the folded text renders as `want`, by `n` outputs, and in place of `set`, if it has one. */
static void takes_apart(const char *text, const char *included, const char *want, uint32_t n,
                        bool set)
{
    struct rendering r;
    render_init(&r);
    if (included)
        assert_int_equal(render_add(&r, "i", included), 0);
    const struct template *t = fold(&r, text);
    struct template_scope scope = {render_lookup, &r};
    if (template_render(t, scope, NULL, &r.arena, &r.out, NULL, &r.fault) < 0)
        fail_msg("%s: %s", text, r.fault.msg);
    assert_str_equal(buf_view(&r.out), str_from(want));
    if (outputs(&t->body.block) != n || has_set(&t->body.block) != set)
        fail_msg("%s: %u outputs", text, outputs(&t->body.block));
    render_done(&r);
}

static void outputs_are_taken_apart(void **state)
{
    (void)state;
    takes_apart("{{ 'a' ~ name ~ 'b' ~ name }}", NULL, "ak8s-worker-2bk8s-worker-2", 2, false);
    takes_apart("{{ ('\n' ~ name ~ '\"') | to_yaml_scalar }}", NULL, "\"\\nk8s-worker-2\\\"\"", 1,
                false);
    takes_apart("{{ {'b': name, 'a': [n, name]} | tojson }}", NULL,
                "{\"a\": [7, \"k8s-worker-2\"], \"b\": \"k8s-worker-2\"}", 2, false);
    takes_apart("{{ {'b': name, 'a': '<'} | tojson | to_yaml_scalar }}", NULL,
                "\"{\\\"a\\\": \\\"\\\\u003c\\\", \\\"b\\\": \\\"k8s-worker-2\\\"}\"", 1, false);
    takes_apart("{{ {'a': name, 'a': n} | tojson }}", NULL, "{\"a\": 7}", 1, false);
    takes_apart("{{ {name: n} | tojson }}", NULL, "{\"k8s-worker-2\": 7}", 1, false);
    takes_apart("{{ [name] | tojson(1) }}", NULL, "[\n \"k8s-worker-2\"\n]", 1, false);
    takes_apart("{{ [] | tojson ~ {} | tojson ~ name }}", NULL, "[]{}k8s-worker-2", 1, false);
}

static void a_block_is_written_where_it_is_read(void **state)
{
    (void)state;
    takes_apart("{% set a %}<{{ name }}>{% endset %}b{{ a }}", NULL, "b<k8s-worker-2>", 1, false);
    takes_apart("{% set a %}\"{{ name }}\n{% endset %}b{{ a | to_yaml_scalar }}", NULL,
                "b\"\\\"k8s-worker-2\\n\"", 1, false);
    takes_apart("{% set a %}{% for i in [name, 'x'] %}{% if i %}{{ i }}\n{% endif %}{% endfor %}"
                "{% endset %}{{ a | to_yaml_scalar }}",
                NULL, "\"k8s-worker-2\\nx\\n\"", 1, false);
    takes_apart("{% set a %}{% include 'i' %}{% endset %}{{ a | to_yaml_scalar }}.",
                "'{{ name }}'\\", "\"'k8s-worker-2'\\\\\".", 1, false);
    /* Not where something else may read it, or comes first. */
    takes_apart("{% set a %}{{ name }}{% endset %}{{ a }}{{ a }}", NULL, "k8s-worker-2k8s-worker-2",
                2, true);
    takes_apart("{% set a %}{{ name }}{% endset %}{{ a }}{% include 'i' %}", "{{ a }}",
                "k8s-worker-2k8s-worker-2", 2, true);
    takes_apart("{% set a %}{{ name }}{% endset %}{{ a }}{% include 'i' %}", "{{ n }}{{ name }}",
                "k8s-worker-27k8s-worker-2", 2, false);
    takes_apart("{% set b = name %}{% set a %}{{ b }}{% endset %}{% set b = n %}{{ a }}", NULL,
                "k8s-worker-2", 1, true);
    takes_apart("{% set a %}{% set b = 2 %}{{ b ~ name }}{% endset %}{{ a }}", NULL,
                "2k8s-worker-2", 1, true);
    takes_apart("{% set a %}{{ name }}{% endset %}{% for i in [name] %}{{ a }}{% set a = 1 %}"
                "{{ a }}{% endfor %}",
                NULL, "k8s-worker-21", 1, true);
    takes_apart("{% set a %}{% include name ignore missing %}{{ n }}{% endset %}{{ a }}", NULL, "7",
                1, true);
}

/* A text between the outputs of two templates is one text. */
static void includes_share_the_text_around_them(void **state)
{
    struct rendering r;
    (void)state;
    render_init(&r);
    assert_int_equal(render_add(&r, "i", "b{{ name }}c"), 0);
    const struct template *t = fold(&r, "a{% include 'i' %}d{% include 'i' %}e");
    assert_int_equal(t->body.block.n, 5);
    assert_str_equal(t->body.block.list[0].text, STR("ab"));
    assert_str_equal(t->body.block.list[2].text, STR("cdb"));
    assert_str_equal(t->body.block.list[4].text, STR("ce"));
    render_done(&r);
}

static bool is_missing(void *cls, struct str name)
{
    (void)cls;
    return str_is(name, "missing");
}

/* That the text folds to `want` lookups less what `missing` would cost, and renders as before. */
static void folds_without_missing(const char *text, const char *want, size_t lookups)
{
    struct rendering r;
    render_init(&r);
    struct template_scope known = {lookup_shared, &r, NULL, is_missing};
    assert_int_equal(render_add(&r, "t", text), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    const struct template *t =
        template_fold(template_set_find(r.set, STR("t")), known, NULL, &r.arena);
    struct template_scope scope = {render_lookup, &r};
    r.lookups = 0;
    if (template_render(t, scope, NULL, &r.arena, &r.out, NULL, &r.fault) < 0)
        fail_msg("%s: %s", text, r.fault.msg);
    assert_str_equal(buf_view(&r.out), str_from(want));
    if (r.lookups != lookups)
        fail_msg("%s: %zu lookups, not %zu", text, r.lookups, lookups);
    render_done(&r);
}

static void what_is_known_to_be_undefined_is_too(void **state)
{
    (void)state;
    folds_without_missing("{{ missing | default('d') }}{{ n }}", "d7", 0);
    folds_without_missing("{% if missing is defined %}{{ name }}{% else %}b{% endif %}", "b", 0);
    folds_without_missing("{% for i in missing | default([]) %}{% set a = i %}{% endfor %}.", ".",
                          0);
    folds_without_missing("{% for i in missing | default([]) %}{{ name }}{% else %}b{% endfor %}",
                          "b", 1);
    folds_without_missing("{% set missing = name %}{{ missing }}", "k8s-worker-2", 1);
    /* What nobody knows is left to the rendering. */
    folds_without_missing("{{ other | default('d') }}", "d", 1);
}

/* It fails in the rendering, at its place. */
static void what_is_undefined_stays_a_fault(void **state)
{
    static const char *const texts[] = {
        "a\n{{ missing }}",
        "a\n{% if missing %}{% endif %}",
        "a\n{% for i in missing %}{% endfor %}",
        "a\n{% for i in none %}{% endfor %}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rendering r;
        render_init(&r);
        struct template_scope known = {lookup_shared, &r, NULL, is_missing};
        assert_int_equal(render_add(&r, "t", texts[i]), 0);
        assert_int_equal(template_set_link(r.set, &r.faults), 0);
        const struct template *t =
            template_fold(template_set_find(r.set, STR("t")), known, NULL, &r.arena);
        struct template_scope scope = {render_lookup, &r};
        assert_int_equal(template_render(t, scope, NULL, &r.arena, &r.out, NULL, &r.fault),
                         -EINVAL);
        assert_int_equal(r.fault.at.line, 2);
        render_done(&r);
    }
}

/* A name that only a loop sets is still the outer one outside of it. */
static void names_mean_what_they_do_in_their_frame(void **state)
{
    (void)state;
    folds_alone("{% set n = 1 %}{{ n }}", "1", 0);
    folds_alone("{{ n }}{% set n = 1 %}{{ n }}", "71", 1);
    folds_alone("{% if name %}{% set n = 1 %}{% endif %}{{ n }}", "1", 1);
    folds_alone("{% for n in list %}{{ n }}{% endfor %}{{ n }}", "3127", 0);
    folds_alone("{% for n in [n] %}{{ n }}{% else %}{{ n }}{% endfor %}", "7", 0);
}

/* Not in what is left, either: a template that is all text has no other statement. */
static void what_is_set_to_something_known_is_known(void **state)
{
    (void)state;
    folds_alone("{% set a = n + 1 %}{{ a }}{% set a = a * 2 %}{{ a }}", "816", 0);
    folds_alone("{% set a, b = list[0], n %}{{ a }}{{ b }}", "37", 0);
    folds_alone("{% set a %}x\n{% set b = n %}{{ b }}{% endset %}{{ a | indent(2) }}", "x\n  7", 0);
    folds_alone("{% if n == 7 %}{% set a = 1 %}{% endif %}{{ a }}", "1", 0);
    folds_alone("{% set a = n %}{% for i in [name, name] %}{{ a }}{% endfor %}", "77", 1);
    folds_alone("{% set a = n %}{{ a ~ name }}", "7k8s-worker-2", 1);
    folds_alone(
        "{% set a = n %}{% if name %}{% set a = 1 %}{{ a }}{% else %}{{ a }}{% endif %}{{ a }}",
        "11", 1);
    folds_alone(
        "{% set a = n %}{% for i in [name] %}{{ a }}{% set a = 2 %}{{ a }}{% endfor %}{{ a }}",
        "727", 1);
    folds_alone("{% if name == 'x' %}{% set a = 1 %}{% else %}{% set a = 2 %}{% endif %}{{ a }}",
                "2", 1);
    folds_alone("{% for i in [name, 1] %}{{ n if i == 1 }}{% set n = 5 %}{{ n }}{% endfor %}",
                "575", 2);
}

static void includes_see_what_is_known(void **state)
{
    struct rendering r;
    (void)state;
    render_init(&r);
    assert_int_equal(render_add(&r, "i", "<{{ a }}>"), 0);
    folds(&r, "{% set a = n %}{% include 'i' %}{% if name %}{% include 'i' %}{% endif %}", "<7><7>",
          1);
    render_init(&r);
    assert_int_equal(render_add(&r, "i", "<{{ a }}{{ name }}>"), 0);
    folds(&r, "{% set a = n %}{% include 'i' %}{% include 'none' ignore missing %}",
          "<7k8s-worker-2>", 1);
    render_init(&r);
    assert_int_equal(render_add(&r, "i", "{{ a ~ name }}"), 0);
    folds(&r, "{% set a %}{{ n }}.{% endset %}{% include 'i' %}", "7.k8s-worker-2", 1);
}

static void a_fault_in_a_set_stays(void **state)
{
    struct rendering r;
    (void)state;
    render_init(&r);
    const struct template *t = fold(&r, "{% set a = n %}\n{% set b %}x\n{{ nil + a }}{% endset %}");
    struct template_scope scope = {render_lookup, &r};
    assert_int_equal(template_render(t, scope, NULL, &r.arena, &r.out, NULL, &r.fault), -EINVAL);
    assert_int_equal(r.fault.at.line, 3);
    assert_contains(r.fault.excerpt, "nil + a");
    render_done(&r);
}

/* A long text that is read again and again is written out up to a cap only. */
static void what_is_written_out_has_a_cap(void **state)
{
    struct rendering r;
    (void)state;
    render_init(&r);
    const struct template *t = fold(
        &r,
        "{% set a = 'x' * 500000 %}{% if name %}.{% else %}{% for i in [1, 2, 3, 4, 5, 6, 7, 8, 9] "
        "%}{{ a if name }}{{ a }}{{ a }}{{ a }}{{ name }}{{ a }}{{ a }}{{ a }}{{ name }}{{ a }}"
        "{{ a }}{{ name }}{{ a }}{{ a }}{{ a }}{{ a }}{{ a }}{% endfor %}{% endif %}");
    assert_true(r.arena.used_bytes < 6 << 20);
    struct template_scope scope = {render_lookup, &r};
    assert_int_equal(template_render(t, scope, NULL, &r.arena, &r.out, NULL, &r.fault), 0);
    assert_str_equal(buf_view(&r.out), STR("."));
    render_done(&r);
}

static void includes_see_what_their_includer_set(void **state)
{
    struct rendering r;
    (void)state;
    render_init(&r);
    assert_int_equal(render_add(&r, "i", "<{{ n }}{{ map.hostname }}>"), 0);
    folds(&r, "{% include 'i' %}{% for n in list %}{% include 'i' %}{% endfor %}",
          "<7x><3x><1x><2x>", 1);
    render_init(&r);
    assert_int_equal(render_add(&r, "i", "<{{ n }}>"), 0);
    folds(&r, "a{% include 'i' %}b", "a<7>b", 0);
}

/* Eight includes of eight includes, ten levels of them: folding gives up before it is through. */
static void folding_ends(void **state)
{
    struct rendering r;
    (void)state;
    render_init(&r);
    for (int i = 1; i <= 10; i++) {
        char name[16], text[256] = "";
        snprintf(name, sizeof(name), "i%d", i);
        for (size_t k = 0; k < 8 && i < 10; k++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "{%% include 'i%d' %%}",
                     i + 1);
        assert_int_equal(render_add(&r, name, i < 10 ? text : "{{ name }}"), 0);
    }
    folds(&r, "{% if name == 'x' %}{% include 'i1' %}{% endif %}.", ".", 1);
}

/* What fails when it is folded fails again when it is rendered, and no sooner. */
static void faults_stay_where_they_are(void **state)
{
    struct rendering r;
    (void)state;
    render_init(&r);
    const struct template *t =
        fold(&r, "{% if name == 'x' %}{{ map.none }}{% endif %}\n{{ nil + 1 }}");
    struct template_scope scope = {render_lookup, &r};
    assert_int_equal(template_render(t, scope, NULL, &r.arena, &r.out, NULL, &r.fault), -EINVAL);
    assert_int_equal(r.fault.at.line, 2);
    assert_string_equal(r.fault.at.file, "t");
    assert_contains(r.fault.excerpt, "nil + 1");
    render_done(&r);
}

static unsigned reads(const char *text, const char *included)
{
    static const struct str attrs[] = {{"hostname", 8}, {"items", 5}, {"other", 5}};
    struct rendering r;
    render_init(&r);
    if (included)
        assert_int_equal(render_add(&r, "i", included), 0);
    assert_int_equal(render_add(&r, "t", text), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    unsigned found = template_reads(template_set_find(r.set, STR("t")), STR("map"), attrs, 3);
    render_done(&r);
    return found;
}

static void attributes_that_are_read_are_reported(void **state)
{
    (void)state;
    assert_int_equal(reads("{{ name }}{{ hostname }}", NULL), 0);
    assert_int_equal(reads("{% if n %}{{ [map.hostname] | join }}{% endif %}", NULL), 1);
    assert_int_equal(reads("{% for i in map.other %}{{ n }}{% endfor %}", NULL), 4);
    assert_int_equal(reads("{% include 'i' %}", "{% set x = map.hostname %}"), 1);
    assert_int_equal(reads("{{ map.hostnam }}", NULL), 7); /* to be told what there is */
    assert_int_equal(reads("{{ map['hostname'] }}", NULL), 7);
    assert_int_equal(reads("{{ map | tojson }}", NULL), 7);
    assert_int_equal(reads("{% set m = map %}", NULL), 7);
    assert_int_equal(reads("{% include name %}", NULL), 7);
}

UNIT_MAIN(cmocka_unit_test(what_is_known_is_written_out), cmocka_unit_test(branches_are_chosen),
          cmocka_unit_test(outputs_are_taken_apart),
          cmocka_unit_test(a_block_is_written_where_it_is_read),
          cmocka_unit_test(includes_share_the_text_around_them),
          cmocka_unit_test(what_is_known_to_be_undefined_is_too),
          cmocka_unit_test(what_is_undefined_stays_a_fault),
          cmocka_unit_test(names_mean_what_they_do_in_their_frame),
          cmocka_unit_test(what_is_set_to_something_known_is_known),
          cmocka_unit_test(includes_see_what_is_known), cmocka_unit_test(a_fault_in_a_set_stays),
          cmocka_unit_test(what_is_written_out_has_a_cap),
          cmocka_unit_test(includes_see_what_their_includer_set), cmocka_unit_test(folding_ends),
          cmocka_unit_test(faults_stay_where_they_are),
          cmocka_unit_test(attributes_that_are_read_are_reported))
