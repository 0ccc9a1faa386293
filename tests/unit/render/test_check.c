/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/render/tmptree.h"

#include "base/fs.h"
#include "lib/listing.h"
#include "render/check.h"

#include <errno.h>
#include <sched.h>

#define FAULTS_AT_LEAST 100

static struct faults faults;
static struct tree *tree;
static struct scope_tables *tables;
static struct check_result result;

static struct arena arena;
static char folder[4096];

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    faults_init(&faults);
    assert_non_null(getcwd(folder, sizeof(folder)));
    return 0;
}

static int end(void **state)
{
    (void)state;
    scope_tables_free(tables);
    tree_free(tree);
    tables = NULL;
    tree = NULL;
    faults_done(&faults);
    arena_done(&arena);
    return chdir(folder);
}

static void load(const char *seed, const char *templates)
{
    const struct tree_source from = {.seed_dir = seed, .templates_dir = templates};
    assert_int_equal(tree_load(&from, &faults, &tree), 0);
    tables = scope_tables_new(tree);
}

static void go_to(const char *path)
{
    char text[4096];
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(text, sizeof(text), "%s/%s", source ? source : ".", path);
    assert_int_equal(chdir(text), 0);
}

static void write_file(const char *path, struct str text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

/* tests/faulty/documents/: with CLOUDSEED_REWRITE set its list is written anew. */
static void every_fault_at_its_place(void **state)
{
    (void)state;
    struct buf got;
    struct str want;
    const struct check_run run = {0};
    go_to("tests/faulty/documents");
    load("seed", "templates");
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
    buf_init(&got, 1 << 20);
    listing_write(&got, &faults);
    if (getenv("CLOUDSEED_REWRITE"))
        write_file("expected.txt", buf_view(&got));
    assert_int_equal(fs_read("expected.txt", 1 << 20, &arena, &want, NULL), 0);
    assert_str_equal(buf_view(&got), want);
    assert_true(faults.errors >= FAULTS_AT_LEAST);
    assert_true(faults.warnings > 0);
    assert_int_equal(result.faulty, tree_node_count(tree));
    buf_done(&got);
}

static void nothing_wrong_with_what_we_ship(void **state)
{
    (void)state;
    const struct check_run run = {0};
    go_to(".");
    load("seed", "templates");
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
    assert_int_equal(faults.errors + faults.warnings, 0);
    assert_int_equal(result.nodes, tree_node_count(tree));
    assert_int_equal(result.faulty, 0);
    assert_true(result.documents > 2 * (uint64_t)result.nodes);
}

/* --- Trees of a few nodes ------------------------------------------------------------------ */

static void grow(const char *user_data, const char *nodes)
{
    struct tmptree files;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://10.0.10.5:8080\n");
    tmptree_put(&files, "seed/roles/r.yaml", "r: {templates: {user-data: t}}\nbare: {}\n");
    tmptree_put(&files, "seed/nodes/n.yaml", nodes);
    tmptree_put(&files, "templates/t", user_data);
    tree = tmptree_load(&files);
    tables = scope_tables_new(tree);
    tmptree_done(&files);
}

static enum check_verdict verdicts[1024];

static void on_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    (void)cls;
    verdicts[number] = verdict;
}

static int check(unsigned threads)
{
    const struct check_run run = {.threads = threads, .on_node = on_node};
    return check_tree(tree, tables, &run, &faults, &result);
}

/* A thousand nodes of one role have one fault, not a thousand. */
static void each_place_once(void **state)
{
    (void)state;
    grow("#cloud-config\nhostname: {{ name | lower }}\n",
         "a: {role: r, variables: {name: ok}}\nb: {role: r, variables: {name: 'x y'}}\n"
         "c: {role: bare}\nd: {role: r, variables: {name: '12'}}\n");
    assert_int_equal(check(1), 0);
    assert_int_equal(faults.errors, 1);
    assert_contains(faults.list[0].msg, "line 2 of user-data of node 'b'");
    assert_contains(faults.list[0].excerpt, "hostname: {{ name | lower }}\n             ^");
    assert_contains(faults.list[0].at.file, "templates/t");
    assert_int_equal(faults.list[0].at.line, 2);
    assert_string_equal(faults.list[0].owner, "b");
    assert_string_equal(faults.list[0].part, "user-data");
    assert_int_equal(result.faulty, 2);
    assert_int_equal(verdicts[0], CHECK_OK);
    assert_int_equal(verdicts[1], CHECK_FAULTY);
    assert_int_equal(verdicts[2], CHECK_OK);
    assert_int_equal(verdicts[3], CHECK_FAULTY);
}

static void load_files(struct tmptree *files)
{
    tree = tmptree_load(files);
    tables = scope_tables_new(tree);
    assert_int_equal(check(1), 0);
    faults_sort(&faults);
}

/* What a template only passes on is wrong where it was written: however deep, and by whatever way
 * it came. */
static void values_where_they_were_written(void **state)
{
    static const struct {
        const char *file;
        uint32_t line, column;
    } want[] = {
        {"seed/clusters/c.yaml", 2, 44}, {"seed/nodes/n.yaml", 1, 43}, {"seed/roles/r.yaml", 3, 24},
        {"seed/site.yaml", 4, 10},       {"seed/site.yaml", 5, 7},     {"seed/site.yaml", 7, 23},
        {"seed/site.yaml", 10, 11},      {"seed/site.yaml", 12, 16},   {"templates/t", 13, 8},
    };
    struct tmptree files;
    (void)state;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml",
                "name: lab\nurl: http://10.0.10.5:8080\nvariables:\n"
                "  keys: [ssh-rsa one,\n      ssh-rsa two]\n"
                "  people:\n    - {name: a, have: ssh-dss three}\n    - name: b\n"
                "      have:\n        - 'ssh-dss four'\n  empty: []\n"
                "  named: {bob: 'ssh-dss five', eve: none}\n  computed: ssh-rsa six\n");
    tmptree_put(
        &files, "seed/clusters/c.yaml",
        "c: {version: '1.29', endpoint: 'c:6443', pods: 10.1.0.0/16, services: 10.2.0.0/16,\n"
        "    variables: {zone: Mars/Base, host: [1, x y]}}\n");
    tmptree_put(&files, "seed/roles/r.yaml",
                "r:\n  templates: {user-data: t}\n  variables: {locale: [ssh-rsa seven]}\n");
    tmptree_put(&files, "seed/nodes/n.yaml",
                "n: {role: r, cluster: c, variables: {own: ssh-rsa eight}}\n");
    tmptree_put(
        &files, "templates/t",
        "#cloud-config\nssh_authorized_keys:\n"
        "{% for key in keys + empty %}\n  - {{ key | to_yaml_scalar }}\n{% endfor %}\n"
        "{% for p in people %}{% include 'person' %}{% endfor %}\n"
        "{% for who, key in named.items() if who == 'bob' %}\n"
        "{% set mine = key | default('x') %}\n  - {{ mine | trim | tojson }}\n{% endfor %}\n"
        "  - {{ locale[0] if locale else none | to_yaml_scalar }}\n"
        "  - {{ own if own is defined }}\n"
        "  - {{ (computed ~ '!') | to_yaml_scalar }}\n"
        "hostname: {{ host[1] | string | to_yaml_scalar }}\n");
    tmptree_put(&files, "templates/person",
                "{% set keys = p.have | default([]) %}\n"
                "{% for k in ([keys] if keys is string else keys) %}\n"
                "  - {{ k | to_yaml_scalar }}\n{% endfor %}\n");
    load_files(&files);
    assert_int_equal(faults.kept, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < faults.kept; i++) {
        const struct fault *f = &faults.list[i];
        assert_contains(f->at.file, want[i].file);
        assert_int_equal(f->at.line, want[i].line);
        assert_int_equal(f->at.column, want[i].column);
        bool is_value = strstr(want[i].file, "seed/") != NULL;
        assert_int_equal(strstr(f->msg, ", by /") != NULL, is_value);
        assert_int_equal(f->excerpt != NULL, !is_value); /* else it is read from the file */
    }
    tmptree_done(&files);
}

static void what_does_not_render(void **state)
{
    (void)state;
    grow("#cloud-config\n{{ nothing }}\n", "a: {role: r}\nb: {role: r}\nc: {role: bare}\n"
                                           "d: {role: r, variables: {nothing: 'x: 1'}}\n");
    assert_int_equal(check(1), 0);
    assert_int_equal(faults.errors, 1);
    assert_contains(faults.list[0].msg, "rendering user-data of node 'a'");
    assert_contains(faults.list[0].excerpt, "{{ nothing }}");
    assert_int_equal(faults.warnings, 0); /* a fault of that place is told already */
    assert_int_equal(result.faulty, 2);
    assert_int_equal(verdicts[3], CHECK_OK);
}

static atomic_bool stop;

static void stop_at_two(void *cls, uint32_t number, enum check_verdict verdict)
{
    (void)cls;
    verdicts[number] = verdict;
    if (number == 1)
        atomic_store(&stop, true);
}

static void stops_when_told(void **state)
{
    (void)state;
    const struct check_run run = {.threads = 1, .stop = &stop, .on_node = stop_at_two};
    verdicts[2] = CHECK_UNCHECKED;
    atomic_store(&stop, false);
    grow("#cloud-config\n{}\n", "a: {role: r}\nb: {role: r}\nc: {role: r}\n");
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), -ECANCELED);
    assert_int_equal(verdicts[1], CHECK_OK);
    assert_int_equal(verdicts[2], CHECK_UNCHECKED);
}

static unsigned yields;

/* --- What is not looked into --------------------------------------------------------------- */

static void has_unseen(uint32_t i, const char *document, const char *what, const char *of,
                       uint32_t nodes)
{
    assert_true(i < result.unseen_n);
    assert_str_equal(result.unseen[i].document, str_from(document));
    assert_string_equal(result.unseen[i].what, what);
    assert_str_equal(result.unseen[i].node, str_from(of));
    assert_int_equal(result.unseen[i].nodes, nodes);
}

static void what_is_not_looked_into(void **state)
{
    (void)state;
    const struct check_run run = {.kept = &arena};
    grow("{{ text }}\n", "a: {role: r, variables: {text: '#cloud-config'}}\n"
                         "b: {role: r, variables: {text: \"## template: jinja\\n"
                         "#cloud-config\\nhostname: {{ v1.local_hostname }}\"}}\n"
                         "c: {role: r, variables: {text: 'Content-Type: multipart/mixed'}}\n"
                         "d: {role: r, variables: {text: \"## template: jinja\\n"
                         "#cloud-config\\nhostname: {{ v1.x }}\"}}\n"
                         "e: {role: r, variables: {text: \"## template: jinja\\n"
                         "#cloud-config\\nhostname: e\"}}\n");
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
    assert_int_equal(result.faulty, 0);
    assert_int_equal(result.unseen_n, 2);
    has_unseen(0, "user-data", "jinja", "b", 2);
    has_unseen(1, "user-data", "MIME parts", "c", 1);
}

static void check_as(const char *format, const char *user_data)
{
    struct tmptree files;
    const struct check_run run = {.kept = &arena};
    char role[128];
    scope_tables_free(tables);
    tree_free(tree);
    faults_done(&faults);
    faults_init(&faults);
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://10.0.10.5:8080\n");
    snprintf(role, sizeof(role), "p: {format: %s, templates: {user-data: t}}\nr: {extends: p}\n",
             format);
    tmptree_put(&files, "seed/roles/r.yaml", role);
    tmptree_put(&files, "seed/nodes/n.yaml", "a: {role: r}\n");
    tmptree_put(&files, "templates/t", user_data);
    tree = tmptree_load(&files);
    tmptree_done(&files);
    tables = scope_tables_new(tree);
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
}

static void user_data_is_what_its_role_says(void **state)
{
    (void)state;
    check_as("opaque", "{\"ignition\": {}}");
    assert_int_equal(result.faulty, 0);
    has_unseen(0, "user-data", "opaque to cloudseed", "a", 1);
    check_as("any", "{\"ignition\": {}}");
    assert_int_equal(result.faulty, 1);
    assert_int_equal(result.unseen_n, 0);
    check_as("script", "#!/bin/sh\n");
    assert_int_equal(result.faulty, 0);
    has_unseen(0, "user-data", "a script", "a", 1);
    check_as("script", "#cloud-config\n{}\n");
    assert_contains(faults.list[0].msg, "the role's format is script");
    check_as("cloud-config", "#!/bin/sh\n");
    assert_contains(faults.list[0].msg, "the role's format is cloud-config");
    check_as("cloud-config", "#cloud-config\nhostnam: x\n");
    assert_int_equal(result.faulty, 1);
    check_as("cloud-config", "## template: jinja\n#cloud-config\n{}\n");
    assert_int_equal(result.faulty, 0);
    assert_int_equal(result.unseen_n, 0);
}

/* Instead of libc's. */
int sched_yield(void)
{
    yields++;
    return 0;
}

static void lets_others_run_after_each_node(void **state)
{
    (void)state;
    struct check_run run = {.threads = 1, .yields = true};
    grow("#cloud-config\n{}\n", "a: {role: r}\nb: {role: r}\nc: {role: r}\n");
    yields = 0;
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
    assert_int_equal(yields, 3);
    run.yields = false;
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
    assert_int_equal(yields, 3);
}

#define NODES 500
#define KEY_HEAD "-----BEGIN PGP PUBLIC KEY BLOCK-----"

/* Everything that a check says, as one text. */
static struct str said_by(unsigned threads)
{
    static enum check_verdict none[NODES];
    const struct check_run run = {.threads = threads, .on_node = on_node, .kept = &arena};
    struct buf b;
    buf_init(&b, 1 << 22);
    faults_done(&faults);
    faults_init(&faults);
    memcpy(verdicts, none, sizeof(none));
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
    buf_printf(&b, "%u %u %zu %zu %zu\n", result.nodes, result.faulty, (size_t)result.documents,
               faults.errors, faults.warnings);
    for (uint32_t i = 0; i < NODES; i++)
        buf_printf(&b, "%d", verdicts[i]);
    for (size_t i = 0; i < faults.kept; i++) {
        const struct fault *f = &faults.list[i];
        buf_printf(&b, "\n%s:%u:%u: %d %s\n%s\n%s %s", f->at.file, f->at.line, f->at.column,
                   f->warning, f->msg, f->excerpt, f->owner, f->part);
    }
    for (uint32_t i = 0; i < result.keys_n; i++) {
        const struct check_key *k = &result.keys[i];
        buf_printf(&b, "\n%s:%u:%u: %s\n%s\n%s %s\n%.*s", k->at.file, k->at.line, k->at.column,
                   k->subject, k->excerpt, k->owner, k->part, STR_ARG(k->text));
    }
    struct str text = arena_str(&arena, buf_view(&b));
    buf_done(&b);
    return text;
}

/* Each place is at fault in many nodes, and none of them in all. */
static void any_number_of_threads_says_the_same(void **state)
{
    (void)state;
    static const char *const words[] = {"ok", "'x y'", "'12'", "'a: b'", "''", "' '", "'#'", "[]"};
    struct buf nodes;
    buf_init(&nodes, 1 << 20);
    for (unsigned i = 0; i < NODES; i++) {
        buf_printf(&nodes, "n%03u: {role: r, variables: {a: %s, b: %s, c: %s, key: 'key %u'", i,
                   words[i / 3 % 8], words[i / 24 % 8], words[i / 192 % 8], i % 7);
        buf_printf(&nodes, i % 5 ? ", set: 1}}\n" : "}}\n");
    }
    grow("#cloud-config\nhostname: {{ a }}\nfqdn: \"{{ b }}\"\n{% if a == 'ok' %}x{{ c }}: 1\n"
         "{% else %}{{ set }}: 1\n{% endif %}timezone: {{ c }}\n"
         "bootcmd: [\"" KEY_HEAD " {{ key }} " KEY_HEAD " {{ b }}\", {{ b }}]\n",
         nodes.p);
    buf_done(&nodes);
    struct str one = said_by(1);
    assert_true(faults.errors >= 5 && faults.warnings > 0 && result.keys_n > 7);
    assert_true(result.faulty > NODES / 2 && result.faulty < NODES);
    for (unsigned threads = 0; threads < 9; threads++)
        assert_str_equal(said_by(threads), one);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(every_fault_at_its_place), TEST(nothing_wrong_with_what_we_ship),
          TEST(each_place_once), TEST(values_where_they_were_written), TEST(what_does_not_render),
          TEST(stops_when_told), TEST(lets_others_run_after_each_node),
          TEST(any_number_of_threads_says_the_same), TEST(what_is_not_looked_into),
          TEST(user_data_is_what_its_role_says))
