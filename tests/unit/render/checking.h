/* SPDX-License-Identifier: Apache-2.0 */
/* checking: trees of a few nodes whose user-data is one template, and their check. */
#ifndef CLOUDSEED_TESTS_UNIT_RENDER_CHECKING_H
#define CLOUDSEED_TESTS_UNIT_RENDER_CHECKING_H

#include "unit/render/tmptree.h"

#include "lib/listing.h"
#include "render/check.h"

#define NOW_S 1795340000 /* 2026-11-22 */

static struct faults faults;
static struct tree *tree;
static struct scope_tables *tables;
static struct check_result result;

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

static int check(bool each_in_full)
{
    const struct check_run run = {.now_s = NOW_S, .each_in_full = each_in_full, .on_node = on_node};
    return check_tree(tree, tables, &run, &faults, &result);
}

#endif
