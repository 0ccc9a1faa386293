/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/render/checking.h"

#include "base/fs.h"

#include <errno.h>

#define FAULTS_AT_LEAST 100

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
    assert_int_equal(tree_load(seed, templates, &faults, &tree), 0);
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
    const struct check_run run = {.now_s = NOW_S};
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
    const struct check_run run = {.now_s = NOW_S};
    go_to(".");
    load("seed", "templates");
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), 0);
    assert_int_equal(faults.errors + faults.warnings, 0);
    assert_int_equal(result.nodes, tree_node_count(tree));
    assert_int_equal(result.faulty, 0);
    assert_true(result.documents > 2 * (uint64_t)result.nodes);
}

/* --- Trees of a few nodes ------------------------------------------------------------------ */

/* A thousand nodes of one role have one fault, not a thousand. */
static void each_place_once(void **state)
{
    (void)state;
    grow("#cloud-config\nhostname: {{ name }}\n",
         "a: {role: r, variables: {name: ok}}\nb: {role: r, variables: {name: 'x y'}}\n"
         "c: {role: bare}\nd: {role: r, variables: {name: '12'}}\n");
    assert_int_equal(check(false), 0);
    assert_int_equal(faults.errors, 1);
    assert_contains(faults.list[0].msg, "line 2 of user-data of node 'b'");
    assert_contains(faults.list[0].excerpt, "hostname: {{ name }}\n             ^");
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

static void what_does_not_render(void **state)
{
    (void)state;
    grow("#cloud-config\n{{ nothing }}\n", "a: {role: r}\nb: {role: r}\nc: {role: bare}\n"
                                           "d: {role: r, variables: {nothing: 'x: 1'}}\n");
    assert_int_equal(check(false), 0);
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
    const struct check_run run = {.stop = &stop, .on_node = stop_at_two};
    verdicts[2] = CHECK_UNCHECKED;
    atomic_store(&stop, false);
    grow("#cloud-config\n{}\n", "a: {role: r}\nb: {role: r}\nc: {role: r}\n");
    assert_int_equal(check_tree(tree, tables, &run, &faults, &result), -ECANCELED);
    assert_int_equal(verdicts[1], CHECK_OK);
    assert_int_equal(verdicts[2], CHECK_UNCHECKED);
}

/* Values that nobody reads, names and addresses that fit, change no verdict: what the speed of a
 * check rests on. */
static void the_memo_answers_for_most(void **state)
{
    (void)state;
    struct buf nodes;
    buf_init(&nodes, 1 << 20);
    for (int i = 0; i < 500; i++)
        buf_printf(&nodes, "n%d: {role: r, variables: {word: w%d, mode: '0%d'}}\n", i, i, 600 + i);
    grow("#cloud-config\n# {{ word }}\nhostname: {{ node.name }}\nwrite_files:\n"
         "  - {path: /a, content: \"{{ word }}\", permissions: '0{{ 644 }}'}\n"
         "  - path: /b\n    content: |\n      {{ word }} {{ node.name }}\n"
         "  - {path: /c, content: {{ word | tojson }}, owner: {{ word }}:{{ word }}}\n",
         nodes.p);
    assert_int_equal(check(false), 0);
    assert_int_equal(faults.errors + faults.warnings, 0);
    assert_int_equal(result.documents, 500);
    assert_true(result.known >= 498);
    buf_done(&nodes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(every_fault_at_its_place), TEST(nothing_wrong_with_what_we_ship),
          TEST(each_place_once), TEST(what_does_not_render), TEST(stops_when_told),
          TEST(the_memo_answers_for_most))
