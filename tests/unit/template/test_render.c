/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wiped.h"
#include "render.h"

#include "base/buf.c"

#include <pthread.h>

static void a_fault_has_place_line_and_caret(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "k8s/t", "a\n  - {{ map.hostnam }}\n"), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    assert_int_equal(render_run(&r, "k8s/t"), -EINVAL);
    assert_string_equal(r.fault.msg,
                        "undefined: a mapping has no 'hostnam'; did you mean 'hostname'?");
    assert_string_equal(r.fault.at.file, "k8s/t");
    assert_int_equal(r.fault.at.line, 2);
    assert_int_equal(r.fault.at.column, 12);
    assert_string_equal(r.fault.excerpt, "  - {{ map.hostnam }}\n           ^");
    assert_string_equal(r.fault.trace, "");
    render_done(&r);
}

static void a_long_line_is_cut_around_the_caret(void **state)
{
    (void)state;
    struct rendering r;
    struct buf b;
    render_init(&r);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 5000; i++)
        buf_str(&b, STR("é"));
    buf_str(&b, STR("{{ nope }}"));
    for (int i = 0; i < 5000; i++)
        buf_str(&b, STR("ü"));
    assert_int_equal(render_add(&r, "t", b.p), 0);
    assert_int_equal(render_run(&r, "t"), -EINVAL);
    assert_int_equal(r.fault.at.column, 5004);
    assert_contains(r.fault.excerpt, "{{ nope }}");
    assert_contains(r.fault.excerpt, "\n");
    assert_true(str_ends(str_from(r.fault.excerpt), STR(" ^")));
    buf_done(&b);
    render_done(&r);
}

static void a_fault_tells_who_included(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "master", "\n{% include 'base' %}"), 0);
    assert_int_equal(render_add(&r, "base", "\n\n\n{% include 'x' ~ 'y' %}"), 0);
    assert_int_equal(render_add(&r, "xy", "{{ 1 // 0 }}"), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    assert_int_equal(render_run(&r, "master"), -EINVAL);
    assert_string_equal(r.fault.msg, "division by zero");
    assert_string_equal(r.fault.at.file, "xy");
    assert_string_equal(r.fault.trace, "included from base:4, master:2");
    render_done(&r);
}

static void a_fault_points_at_what_is_undefined(void **state)
{
    (void)state;
    render_fails("{{ nope | to_yaml_scalar }}", 1, 4, "'nope' is undefined");
    render_fails("{{ 1 + nope }}", 1, 8, "'nope' is undefined");
    render_fails("{{ map.nope | upper | length }}", 1, 8, "has no 'nope'");
    render_fails("{{ nope.upper() }}", 1, 4, "'nope' is undefined");
    render_fails("{% set a = nope %}\n{{ a }}", 1, 12, "'nope' is undefined");
}

static void an_undefined_value_of_another_template_points_at_its_use(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", "{% set a = nope %}{% include 'u' %}"), 0);
    assert_int_equal(render_add(&r, "u", "\n\n{{ a }}"), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    assert_int_equal(render_run(&r, "t"), -EINVAL);
    assert_string_equal(r.fault.msg, "'nope' is undefined");
    assert_string_equal(r.fault.at.file, "u");
    assert_int_equal(r.fault.at.line, 3);
    assert_int_equal(r.fault.at.column, 4);
    render_done(&r);
}

static void faults_of_use(void **state)
{
    (void)state;
    render_fails("{{ nope }}", 1, 4, "'nope' is undefined");
    render_fails("{% for x in list %}\n{{ loop.nextitem }}{% endfor %}", 2, 9,
                 "no previous or next");
    render_fails("{{ list[5] }}", 1, 8, "a list of 3 has no element 5");
    render_fails("{{ nil.a }}", 1, 8, "undefined: 'nil' is none and has no 'a'");
    render_fails("{{ nil['a'] | upper }}", 1, 7, "'nil' is none and has no 'a'");
    render_fails("{{ map.hostname.a }}", 1, 17, "'map.hostname' is a string and has no 'a'");
    render_fails("{{ (nil).a }}", 1, 10, "undefined: none has no 'a'");
    render_fails("{{ [nil][0].a }}", 1, 13, "undefined: none has no 'a'");
    render_fails("{{ map.items }}", 1, 8, "write ['items'] for a key");
    render_fails("{{ name + 1 }}", 1, 9, "'+' does not join a string and an integer; use '~'");
    render_fails("{{ '%s' % 1 }}", 1, 9, "formatting");
    render_fails("{{ nil|length }}", 1, 8, "none has no length");
    render_fails("{% include name %}", 1, 12, "there is no template 'k8s-worker-2'");
    render_fails("{% include n %}", 1, 12, "the name of a template is a string, not an integer");
    render_fails("{% for a, b in list %}{% endfor %}", 1, 16, "an integer cannot be iterated over");
    render_fails("{% set a, b = list %}", 1, 4, "2 names for 3 values");
    render_fails("{{ list|to_yaml_scalar }}", 1, 9,
                 "a list is not a scalar; use \"|to_yaml_flow\"");
    render_fails("{{ 'a\nb'[list] }}", 2, 3, "a string has no such element");
}

static int limited(const char *text, struct template_limits limits, struct rendering *r)
{
    render_init(r);
    r->limits = limits;
    assert_int_equal(render_add(r, "t", text), 0);
    assert_int_equal(render_add(r, "again", "{% include 't' ~ '' %}"), 0);
    assert_int_equal(template_set_link(r->set, &r->faults), 0);
    return render_run(r, "t");
}

static void stops(const char *text, struct template_limits limits, const char *part)
{
    struct rendering r;
    assert_int_equal(limited(text, limits, &r), -EINVAL);
    assert_contains(r.fault.msg, part);
    assert_true(r.arena.used_bytes < ((size_t)20 << 20));
    render_done(&r);
}

static void steps_are_capped(void **state)
{
    (void)state;
    struct rendering r;
    struct template_limits ten = {.steps_max = 10}, none = {0};
    assert_int_equal(limited("{{ 'a' }}{{ 'b' }}", ten, &r), 0);
    render_done(&r);
    stops("{{ 1 }}{{ 2 }}{{ 3 }}{{ 4 }}{{ 5 }}{{ 6 }}", ten, "too many steps");
    stops("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", none,
          "too many steps");
    stops("{% set a = [1] * 1000 %}{% set b = [a] * 1000 %}{{ [b] * 1000 == [b] * 1000 }}", none,
          "too many steps");
    stops("{% set a = 'x' * 10000000 %}{% for i in range(10000) %}{% if 'y' in a %}{% endif %}"
          "{% endfor %}",
          none, "too many steps");
}

/* How many steps a rendering takes: the smallest cap that it fits. */
static uint32_t steps_of(const char *text)
{
    uint32_t low = 0, high = 50000000;
    while (high - low > 1) {
        struct rendering r;
        struct template_limits l = {.steps_max = low + (high - low) / 2};
        int status = limited(text, l, &r);
        if (status < 0)
            assert_contains(r.fault.msg, "too many steps");
        *(status < 0 ? &low : &high) = l.steps_max;
        render_done(&r);
    }
    return high;
}

#define TEXT "{% set a = 'a' * 400000 %}{% set b = 'a' * 400000 %}"
#define LIST \
    "{% set l = ['a'] * 10000 %}{% set k = 'a' * 1000 %}{% set n = ['a' * 999 ~ 'b'] * 10000 %}"
#define DO(expression) "{% if (" expression ") is none %}{% endif %}"

/* What an operation takes grows with what it reads and writes: what is long costs as many steps as
 * it would be short operations. */
static void operations_pay_for_what_they_touch(void **state)
{
    (void)state;
    static const struct {
        const char *before, *text;
        uint32_t steps;
    } list[] = {
        /* compared or copied as a whole */
        {TEXT, DO("a == b"), 6000},
        {TEXT, DO("a < b"), 6000},
        {TEXT, DO("a.startswith(b)"), 6000},
        {TEXT, DO("a.endswith(b)"), 6000},
        {TEXT, DO("a ~ b"), 12000},
        {TEXT, "{% include a ignore missing %}", 6000},
        /* byte by byte */
        {TEXT, DO("a is lower"), 100000},
        {TEXT, DO("'b' in a"), 100000},
        {TEXT, DO("a|length"), 100000},
        {TEXT, DO("a[-1]"), 100000},
        {TEXT, DO("a|first"), 100000},
        {TEXT, DO("a|reverse"), 100000},
        {TEXT, DO("a|upper"), 100000},
        {TEXT, DO("a|title"), 100000},
        {TEXT, DO("a|trim"), 100000},
        {TEXT, DO("a|trim('bcdefghij')"), 1000000},
        {TEXT, DO("a.lstrip('bcdefghij')"), 1000000},
        {TEXT, DO("a|replace('b', '')"), 100000},
        {TEXT, DO("a|replace('aa', 'b')"), 900000},
        {TEXT, DO("a|indent"), 100000},
        {TEXT, DO("a.split('b')"), 200000},
        {TEXT, DO("a.split('aa')"), 1800000},
        {TEXT, DO("a.split()"), 200000},
        {TEXT, DO("a.splitlines()"), 200000},
        {"", DO("(' ' * 400000)|int"), 800000},
        {"", DO("(' ' * 400000)|float"), 400000},
        {TEXT, DO("a|quote"), 100000},
        {TEXT, DO("a|b64encode"), 100000},
        {TEXT, DO("a|tojson"), 100000},
        {TEXT, DO("a|to_yaml_scalar"), 100000},
        {TEXT, DO("[a]|string"), 100000},
        {TEXT, DO("[a]|sort"), 100000},
        {TEXT, DO("[a, b]|max"), 200000},
        {TEXT, DO("[a]|unique"), 100000},
        {TEXT, "{{ a }}", 100000},
        /* item by item */
        {LIST, DO("'b' in l"), 10000},
        {LIST, DO("k in n"), 150000},
        {LIST, DO("l|sort"), 50000},
        {LIST, DO("l|join"), 10000},
        {LIST, DO("l|tojson(2)"), 10000},
        {LIST, DO("[[[[[[[[l]]]]]]]]|tojson(0)"), 25000},
        {LIST, DO("[['a', 'b']]|sort(attribute='0' ~ '.0' * 10000)"), 10000},
        {LIST, "{% for x in l %}{% endfor %}", 10000},
        /* numbers that take long */
        {"", DO("(0.1 + 0.2)|string"), 400},
        {"", DO("[0.1]|tojson"), 400},
        {"", DO("0.1|to_yaml_scalar"), 400},
        {"", DO("1e308 % 3.0"), 60},
        {"", DO("1e308 // 3.0"), 60},
    };
    uint32_t before = 0;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (i == 0 || list[i].before != list[i - 1].before)
            before = steps_of(list[i].before);
        struct rendering r;
        char *text;
        assert_true(asprintf(&text, "%s%s", list[i].before, list[i].text) > 0);
        int status =
            limited(text, (struct template_limits){.steps_max = before + list[i].steps}, &r);
        if (status == 0 || !strstr(r.fault.msg, "too many steps"))
            fail_msg("%s takes less than %u steps: %s", list[i].text, list[i].steps, r.fault.msg);
        render_done(&r);
        free(text);
    }
}

/* A tuple of the same tuple twice, thirty times over, has 2^30 items to hash. */
static void shared_tuples_are_paid_for_each_time(void **state)
{
    (void)state;
    struct template_limits none = {0};
    struct buf b;
    buf_init(&b, 4096);
    buf_str(&b, STR("{% set a = (1, 1) %}"));
    for (int i = 0; i < 30; i++)
        buf_str(&b, STR("{% set a = (a, a) %}"));
    buf_str(&b, STR("{{ map[a] is defined }}"));
    stops(b.p, none, "too many steps");
    buf_done(&b);
}

/* Looking a key up compares it with all of a mapping's. */
static void large_mappings_cost_more(void **state)
{
    (void)state;
    static const char *const list[] = {"{{ map.k }}", "{{ map['k'] }}", "{{ map.get('k') }}",
                                       "{{ 'k' in map }}"};
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_str(&b, STR("{\"map\": {"));
    for (int i = 0; i < 8000; i++)
        buf_printf(&b, "\"%d\": 1, ", i);
    buf_str(&b, STR("\"k\": 1}}"));
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        struct rendering r;
        struct err e;
        render_init(&r);
        assert_int_equal(json_read(buf_view(&b), &r.arena, &r.vars, &e), 0);
        assert_int_equal(render_add(&r, "t", list[i]), 0);
        r.limits.steps_max = 1000;
        assert_int_equal(render_run(&r, "t"), -EINVAL);
        r.limits.steps_max = 1100;
        assert_int_equal(render_run(&r, "t"), 0);
        render_done(&r);
    }
    buf_done(&b);
}

/* A template that is included looks its names up again each time. */
static void includes_pay_for_names(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 800; i++)
        buf_printf(&b, "{%% set v%d = 1 %%}", i);
    buf_str(&b, STR("{% for i in range(100) %}{% include 'inc' %}{% endfor %}"));
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", b.p), 0);
    assert_int_equal(render_add(&r, "inc", "{{ name }}{{ n }}"), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    r.limits.steps_max = 20000; /* 100 times two names among 800 */
    assert_int_equal(render_run(&r, "t"), -EINVAL);
    r.limits.steps_max = 40000;
    assert_int_equal(render_run(&r, "t"), 0);
    render_done(&r);
    buf_done(&b);
}

static void memory_is_capped(void **state)
{
    (void)state;
    struct template_limits small = {.memory_max_bytes = 10000}, none = {0};
    stops("{{ 'x' * 20000 }}", small, "too much memory");
    stops("{{ ['x'] * 9223372036854775807 }}", none, "too much memory");
    stops("{{ 'xx' * 9223372036854775807 }}", none, "too much memory");
    stops("{{ range(9223372036854775807)|length }}", none, "too long");
    stops("{{ range(100000000)|length }}", none, "too much memory");
    stops("{% set a = 'x' * 1000000 %}{% set a = a ~ a ~ a ~ a %}{% set a = a ~ a ~ a ~ a %}", none,
          "too much memory");
    stops("{{ 'aaaaaaaaaaaaaaaaaaaa'|replace('a', 'b' * 1000000) }}", none, "too long");
    stops("{% set a = 'x' * 1000000 %}{{ (a ~ '')|indent('y' * 10) ~ [a, a, a, a, a, a, a, a, a, "
          "a, a, a, a, a, a, a, a, a] }}",
          none, "");
}

static void output_is_capped(void **state)
{
    (void)state;
    struct template_limits none = {0};
    stops("{% set a = 'x' * 100000 %}{% for i in range(20) %}{{ a }}{% endfor %}", none,
          "the output is larger than 1048576 bytes");
    stops("{% set b %}{% set a = 'x' * 100000 %}{% for i in range(20) %}{{ a }}{% endfor %}"
          "{% endset %}",
          none, "the output is larger than 1048576 bytes");
}

static void includes_are_capped(void **state)
{
    (void)state;
    struct template_limits none = {0};
    stops("{% include 'aga' ~ 'in' %}", none, "more than 16 levels deep");
    for (unsigned depth = 1; depth <= 3; depth++) { /* a includes b includes c */
        struct rendering r;
        render_init(&r);
        r.limits.depth_max = depth;
        assert_int_equal(render_add(&r, "a", "{% include 'b' %}"), 0);
        assert_int_equal(render_add(&r, "b", "{% include 'c' %}"), 0);
        assert_int_equal(render_add(&r, "c", "x"), 0);
        assert_int_equal(template_set_link(r.set, &r.faults), 0);
        assert_int_equal(render_run(&r, "a"), depth < 2 ? -EINVAL : 0);
        render_done(&r);
    }
}

/* What nests in values instead of in text: each set wraps the one before. */
static void nested_values_are_capped(void **state)
{
    (void)state;
    static const char *const ends[] = {"{{ a }}", "{{ a|tojson }}", "{{ a == b }}", "{{ a < b }}"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct buf b;
        struct template_limits none = {0};
        buf_init(&b, 1 << 22);
        buf_str(&b, STR("{% set a = [] %}{% set b = [] %}"));
        for (int k = 0; k < 20000; k++)
            buf_str(&b, STR("{% set a = [a] %}{% set b = [b] %}"));
        buf_str(&b, str_from(ends[i]));
        stops(b.p, none, "nested too deeply");
        buf_done(&b);
    }
}

static void a_name_is_looked_up_once(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t",
                                "{{ name }}{{ name }}{% for x in list %}{{ name }}{{ n }}"
                                "{% endfor %}{% if false %}{{ nil }}{% endif %}"),
                     0);
    assert_int_equal(render_run(&r, "t"), 0);
    assert_int_equal(r.lookups, 3); /* name, list, n; not what no branch asks for */
    render_done(&r);
}

static void what_was_written_before_stays(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", "{{ n }}"), 0);
    buf_str(&r.out, STR("before "));
    struct template_scope scope = {render_lookup, &r};
    assert_int_equal(template_render(template_set_find(r.set, STR("t")), scope, NULL, &r.arena,
                                     &r.out, NULL, &r.fault),
                     0);
    assert_str(buf_view(&r.out), "before 7");
    render_done(&r);
}

static void *render_often(void *arg)
{
    struct rendering *shared = arg, own;
    render_init(&own);
    for (int i = 0; i < 2000; i++) {
        struct template_scope scope = {render_lookup, &own};
        buf_clear(&own.out);
        if (template_render(template_set_find(shared->set, STR("t")), scope, NULL, &own.arena,
                            &own.out, NULL, &own.fault) < 0 ||
            !str_eq(buf_view(&own.out), STR("1k8s-worker-22k8s-worker-23k8s-worker-2")))
            own.lookups = SIZE_MAX;
    }
    bool ok = own.lookups != SIZE_MAX;
    render_done(&own);
    return ok ? NULL : arg;
}

static size_t wiped_by(const char *text, bool secret)
{
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", text), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    r.arena.secret = secret;
    wiped_bytes = 0;
    assert_int_equal(render_run(&r, "t"), 0);
    r.arena.secret = false;
    size_t wiped = wiped_bytes;
    render_done(&r);
    return wiped;
}

/* The scratch buffer, that of a filter and that of a set block. */
static void a_secret_rendering_leaves_no_copy(void **state)
{
    static const char *const texts[] = {"{{ map ~ '' }}", "{{ name | replace('k', 'l') }}",
                                        "{% set a %}{{ name }}{% endset %}"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(wiped_by(texts[i], true) > 0);
        assert_int_equal(wiped_by(texts[i], false), 0);
    }
}

/* A frozen set may be rendered from by any thread; a thread sanitizer sees it if not. */
static void threads_share_a_set(void **state)
{
    (void)state;
    struct rendering r;
    pthread_t threads[4];
    render_init(&r);
    assert_int_equal(render_add(&r, "t", "{% for x in list|sort %}{% include 'i' %}{% endfor %}"),
                     0);
    assert_int_equal(render_add(&r, "i", "{{ x }}{{ name }}"), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, render_often, &r), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    render_done(&r);
}

UNIT_MAIN(cmocka_unit_test(a_fault_has_place_line_and_caret),
          cmocka_unit_test(a_fault_points_at_what_is_undefined),
          cmocka_unit_test(an_undefined_value_of_another_template_points_at_its_use),
          cmocka_unit_test(a_long_line_is_cut_around_the_caret),
          cmocka_unit_test(a_fault_tells_who_included), cmocka_unit_test(faults_of_use),
          cmocka_unit_test(steps_are_capped), cmocka_unit_test(operations_pay_for_what_they_touch),
          cmocka_unit_test(shared_tuples_are_paid_for_each_time),
          cmocka_unit_test(large_mappings_cost_more), cmocka_unit_test(includes_pay_for_names),
          cmocka_unit_test(memory_is_capped), cmocka_unit_test(output_is_capped),
          cmocka_unit_test(includes_are_capped), cmocka_unit_test(nested_values_are_capped),
          cmocka_unit_test(a_name_is_looked_up_once),
          cmocka_unit_test(what_was_written_before_stays),
          cmocka_unit_test(a_secret_rendering_leaves_no_copy),
          cmocka_unit_test(threads_share_a_set))
