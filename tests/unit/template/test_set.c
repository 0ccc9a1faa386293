/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <stdlib.h>

static void a_template_is_found_by_its_name(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof(name), "k8s/%d", i);
        assert_int_equal(render_add(&r, name, name), 0);
    }
    assert_int_equal(render_add(&r, "k8s/7", "x"), -EEXIST);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    assert_int_equal(render_run(&r, "k8s/7"), 0);
    assert_str(buf_view(&r.out), "k8s/7");
    assert_str(template_name(template_set_find(r.set, STR("k8s/299"))), "k8s/299");
    assert_null(template_set_find(r.set, STR("k8s/300")));
    assert_int_equal(r.faults.errors, 0);
    render_done(&r);
}

static void text_is_copied(void **state)
{
    (void)state;
    struct rendering r;
    char text[] = "{{ name }} and {{ 'text' }}", name[] = "t";
    render_init(&r);
    assert_int_equal(render_add(&r, name, text), 0);
    memset(text, 'x', sizeof(text) - 1);
    name[0] = 'x';
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    assert_int_equal(render_run(&r, "t"), 0);
    assert_str(buf_view(&r.out), "k8s-worker-2 and text");
    render_done(&r);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    struct rendering r;
    render_refuses("a\nb\xFFz", 2, 2, "not UTF-8");
    render_init(&r);
    struct str nul = {"a\n\0b", 4};
    assert_int_equal(template_set_add(r.set, STR("t"), "t", nul, &r.faults), -EINVAL);
    assert_contains(r.faults.list[0].msg, "character 0");
    assert_int_equal(r.faults.list[0].at.line, 2);
    render_done(&r);
}

static void a_template_has_a_largest_size(void **state)
{
    (void)state;
    struct rendering r;
    size_t n = ((size_t)4 << 20) + 1;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, 'a', n);
    render_init(&r);
    assert_int_equal(template_set_add(r.set, STR("a"), "a", (struct str){text, n - 1}, &r.faults),
                     0);
    assert_int_equal(template_set_add(r.set, STR("b"), "b", (struct str){text, n}, &r.faults),
                     -EINVAL);
    assert_contains(r.faults.list[0].msg, "larger than 4 MiB");
    free(text);
    render_done(&r);
}

static void line_ends_become_one(void **state)
{
    (void)state;
    render_gives("a\r\nb\rc\n\r\nd", "a\nb\nc\n\nd");
    render_gives("{% if 1 %}\r\na\r\n{% endif %}\r\nb", "a\nb");
}

/* What a link of these templates says; NULL: nothing. */
static void link_says(const char *const (*templates)[2], size_t n, const char *part, uint32_t line)
{
    struct rendering r;
    render_init(&r);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(render_add(&r, templates[i][0], templates[i][1]), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), part ? -EINVAL : 0);
    if (part) {
        assert_int_equal(r.faults.errors, 1);
        assert_contains(r.faults.list[0].msg, part);
        assert_int_equal(r.faults.list[0].at.line, line);
        assert_non_null(r.faults.list[0].excerpt);
    }
    render_done(&r);
}

static void links_are_checked(void **state)
{
    (void)state;
    static const char *const missing[][2] = {{"base", "x\n{% include 'baes' %}"}};
    static const char *const number[][2] = {{"a", "{% include 5 %}"}};
    static const char *const self[][2] = {{"a", "\n\n{% if n %}{% include 'a' %}{% endif %}"}};
    static const char *const circle[][2] = {
        {"a", "{% include 'b' %}"}, {"b", "{% include 'c' %}"}, {"c", "\n{% include 'a' %}"}};
    static const char *const diamond[][2] = {{"a", "{% include 'b' %}{% include 'c' %}"},
                                             {"b", "{% include 'd' %}"},
                                             {"c", "{% include 'd' %}{% include 'd' %}"},
                                             {"d", "x"}};
    static const char *const ignored[][2] = {{"a", "{% include 'b' ignore missing %}"}};
    link_says(missing, 1, "there is no template 'baes'; did you mean 'base'?", 2);
    link_says(number, 1, "the name of a template is a string", 1);
    link_says(self, 1, "would include itself", 3);
    link_says(circle, 3, "would include itself", 2);
    link_says(diamond, 4, NULL, 0);
    link_says(ignored, 1, NULL, 0);
}

static void a_chain_of_includes_has_an_end(void **state)
{
    (void)state;
    struct rendering r;
    render_init(&r);
    for (int i = 0; i < 1000; i++) {
        char name[16], text[40];
        snprintf(name, sizeof(name), "t%d", i);
        snprintf(text, sizeof(text), "{%% include 't%d' %%}", i + 1);
        assert_int_equal(render_add(&r, name, i == 999 ? "x" : text), 0);
    }
    assert_int_equal(template_set_link(r.set, &r.faults), -EINVAL);
    assert_contains(r.faults.list[0].msg, "too deeply");
    render_done(&r);
}

UNIT_MAIN(cmocka_unit_test(a_template_is_found_by_its_name), cmocka_unit_test(text_is_copied),
          cmocka_unit_test(bytes_that_are_no_text_are_refused),
          cmocka_unit_test(a_template_has_a_largest_size), cmocka_unit_test(line_ends_become_one),
          cmocka_unit_test(links_are_checked), cmocka_unit_test(a_chain_of_includes_has_an_end))
