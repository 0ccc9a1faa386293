/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/fs.h"
#include "lib/listing.h"
#include "tree/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Each tests/faulty/NAME/ is a tree; expected.txt in it lists every fault that a run must find.
 * With CLOUDSEED_REWRITE set the lists are written anew, for `git diff` to be read. */

static void write_file(const char *path, struct str text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static void check_tree(const char *name)
{
    char path[4096];
    struct faults faults;
    struct tree *t = NULL;
    struct arena a;
    struct buf got;
    struct str want;
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(path, sizeof(path), "%s/tests/faulty/%s", source ? source : ".", name);
    assert_int_equal(chdir(path), 0);
    faults_init(&faults);
    arena_init(&a, 4096);
    buf_init(&got, 1 << 20);
    const struct tree_source from = {.seed_dir = "seed", .templates_dir = "templates"};
    assert_int_equal(tree_load(&from, &faults, &t), -EINVAL);
    assert_null(t);
    listing_write(&got, &faults);
    if (getenv("CLOUDSEED_REWRITE"))
        write_file("expected.txt", buf_view(&got));
    assert_int_equal(fs_read("expected.txt", 1 << 20, &a, &want, NULL), 0);
    assert_str_equal(buf_view(&got), want);
    buf_done(&got);
    arena_done(&a);
    faults_done(&faults);
}

static void tree_of_many_faults(void **state)
{
    (void)state;
    check_tree("tree-25");
}

static void site_of_faults(void **state)
{
    (void)state;
    check_tree("site");
}

static void networks_that_overlap(void **state)
{
    (void)state;
    check_tree("overlap");
}

static void secrets_where_they_do_not_belong(void **state)
{
    (void)state;
    check_tree("sealed");
}

static void bootstraps_that_never_happen(void **state)
{
    (void)state;
    check_tree("bootstrap");
}

static void boots_that_cannot_be(void **state)
{
    (void)state;
    check_tree("boot");
}

static void variables_that_nobody_reads(void **state)
{
    (void)state;
    check_tree("variables");
}

static void networks_that_cannot_be(void **state)
{
    (void)state;
    check_tree("networks");
}

static void interfaces_that_cannot_be(void **state)
{
    (void)state;
    check_tree("interfaces");
}

UNIT_MAIN(cmocka_unit_test(tree_of_many_faults), cmocka_unit_test(site_of_faults),
          cmocka_unit_test(networks_that_overlap),
          cmocka_unit_test(secrets_where_they_do_not_belong),
          cmocka_unit_test(bootstraps_that_never_happen), cmocka_unit_test(boots_that_cannot_be),
          cmocka_unit_test(variables_that_nobody_reads), cmocka_unit_test(networks_that_cannot_be),
          cmocka_unit_test(interfaces_that_cannot_be))
