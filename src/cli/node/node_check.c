/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node_check.h"

#include "base/clock.h"
#include "cli/common/progress.h"

struct node_checking {
    const char **verdicts; /* by the numbers of nodes */
    struct progress progress;
};

static void on_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    struct node_checking *k = cls;
    k->verdicts[number] = check_verdict_names[verdict];
    progress_count(&k->progress, number + 1);
}

static void on_only_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    (void)number;
    *(const char **)cls = check_verdict_names[verdict];
}

static void check(const struct tree *t, struct check_run run, struct faults *faults)
{
    struct scope_tables *tables = scope_tables_new(t);
    struct check_result result;
    run.now_s = clock_wall_s();
    check_tree(t, tables, &run, faults, &result);
    scope_tables_free(tables);
}

const char *node_check(const struct tree *t, const struct node *n, struct faults *faults)
{
    const char *verdict = check_verdict_names[CHECK_UNCHECKED];
    check(t, (struct check_run){.only = n, .on_node = on_only_node, .cls = &verdict}, faults);
    return verdict;
}

const char *const *node_check_all(const struct tree *t, struct arena *a)
{
    struct node_checking k = {.verdicts = ARENA_ARRAY(a, const char *, tree_node_count(t))};
    struct faults faults;
    faults_init(&faults);
    progress_begin(&k.progress, "checking nodes");
    progress_total(&k.progress, tree_node_count(t));
    check(t, (struct check_run){.on_node = on_node, .cls = &k}, &faults);
    progress_end(&k.progress);
    faults_done(&faults);
    return k.verdicts;
}
