/* SPDX-License-Identifier: Apache-2.0 */
/* What bootstrap's answer is rendered with, and that nothing of it gets anywhere else. */
#include "unit/render/tmptree.h"

#include "render/sealed.h"

#include <errno.h>

static struct tmptree files;
static struct tree *tree;
static struct scope_tables *tables;
static struct sealed_values *values;
static struct arena arena;
static struct buf out;
static struct template_fault fault;

static const char cluster_yaml[] = "k8s:\n  version: '1.29.15'\n  endpoint: api.lab:6443\n"
                                   "  pods: 192.168.0.0/16\n  services: 10.96.0.0/12\n"
                                   "  addons:\n"
                                   "  - {name: registry, template: sealed/addon}\n";

static void load(const char *registry)
{
    scope_tables_free(tables);
    tree_free(tree);
    tmptree_put(&files, "templates/sealed/registry", registry);
    tree = tmptree_load(&files);
    tables = scope_tables_new(tree);
}

static int start(void **state)
{
    (void)state;
    tmptree_init(&files);
    assert_int_equal(mkdir(tmptree_path(&files, "templates/sealed"), 0700), 0);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://10.0.10.5:8080\n");
    tmptree_put(&files, "seed/clusters/c.yaml", cluster_yaml);
    tmptree_put(&files, "seed/roles/r.yaml",
                "master: {bootstrap: master, kubeadm: sealed/kubeadm,\n"
                "  sealed: {/etc/r: {template: sealed/registry}}}\n");
    tmptree_put(&files, "seed/nodes/n.yaml", "m: {role: master, cluster: k8s}\n");
    tmptree_put(&files, "templates/sealed/kubeadm",
                "{{ bootstrap.token }}\n{% include 'sealed/part' %}\n");
    tmptree_put(&files, "templates/sealed/part", "{{ secrets.part }}\n");
    tmptree_put(&files, "templates/sealed/addon", "{{ secrets['addon'] }}\n");
    tmptree_put(&files, "templates/sealed/unused", "{{ secrets.unused }}\n");
    tree = NULL;
    tables = NULL;
    load("{{ secrets.login | b64encode }}\n");
    values = sealed_values_new();
    sealed_values_put(values, STR("addon"), STR("AAA"));
    sealed_values_put(values, STR("login"), STR("hunter2"));
    sealed_values_put(values, STR("part"), STR("PPP"));
    arena_init(&arena, 65536);
    buf_init(&out, DOCUMENT_MAX_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sealed_values_free(values);
    scope_tables_free(tables);
    tree_free(tree);
    buf_done(&out);
    arena_done(&arena);
    tmptree_done(&files);
    return 0;
}

static const struct render_env env = {.seed_url = {"http://x/", 9}};

static int render(const char *name)
{
    const struct node *n = tree_find_name(tree, STR("m"));
    buf_clear(&out);
    for (uint32_t i = 0; i < document_count(n); i++) {
        struct document d = document_at(n, i);
        if (str_is(document_name(n, d, &arena), name))
            return sealed_render(tables, n, d, &env, values, &arena, &out, &fault);
    }
    fail_msg("there is no %s", name);
    return 0;
}

static void sealed_documents_have_the_values(void **state)
{
    (void)state;
    assert_int_equal(render("sealed/etc/r"), 0);
    assert_str(buf_view(&out), "aHVudGVyMg==\n");
    assert_int_equal(render("addons/registry"), 0);
    assert_str(buf_view(&out), "AAA\n");
    assert_int_equal(render("kubeadm-join"), 0);
    assert_str(buf_view(&out), "abcdef.0123456789abcdef\nPPP\n");
}

/* What anyone else renders from the same tables has placeholders. */
static void nobody_else_sees_them(void **state)
{
    (void)state;
    const struct node *n = tree_find_name(tree, STR("m"));
    assert_int_equal(render("sealed/etc/r"), 0);
    for (uint32_t i = 0; i < document_count(n); i++) {
        struct document d = document_at(n, i);
        buf_clear(&out);
        assert_int_equal(document_render(tables, n, d, &env, &arena, &out, NULL, &fault), 0);
        assert_null(memmem(out.p, out.n, "aHVudGVyMg==", 12));
        assert_null(memmem(out.p, out.n, "PPP", 3));
    }
}

static void needs_are_those_of_what_nodes_are_given(void **state)
{
    (void)state;
    uint32_t n;
    const struct secret_need *needs = sealed_needs(tree, &arena, &n);
    assert_int_equal(n, 4);
    assert_str(needs[0].name, "addon");
    assert_str(needs[1].name, "login");
    assert_int_equal(needs[1].at.line, 1);
    assert_non_null(strstr(needs[1].at.file, "sealed/registry"));
    assert_str(needs[2].name, "part");
    assert_non_null(strstr(needs[2].at.file, "sealed/part"));
    assert_str(needs[3].name, "unused");
    assert_null(needs[3].at.file);
}

static void faults_show_no_value(void **state)
{
    static const char *const texts[] = {
        "{{ secrets.login | int + 1 }}{{ secrets.login + 1 }}\n",
        "{{ {'SECRET-login': 1}[secrets.login] }}\n",
        "{{ {'SECRET-login': 1}[secrets.login | trim] | abs }}\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        load(texts[i]);
        assert_int_equal(render("sealed/etc/r"), -EINVAL);
        assert_null(memmem(&fault, sizeof(fault), "hunter2", 7));
        assert_int_equal(fault.at.line, 1);
        if (i > 0)
            assert_string_equal(fault.msg, "cannot be rendered with the values of its secrets, "
                                           "which are not shown; with placeholders in their place "
                                           "it can");
    }
}

static void values_are_found_by_name(void **state)
{
    struct str found;
    (void)state;
    assert_true(sealed_values_get(values, STR("login"), &found));
    assert_str(found, "hunter2");
    assert_false(sealed_values_get(values, STR("log"), &found));
    sealed_values_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(sealed_documents_have_the_values), TEST(nobody_else_sees_them),
          TEST(needs_are_those_of_what_nodes_are_given), TEST(faults_show_no_value),
          TEST(values_are_found_by_name))
