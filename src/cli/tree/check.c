/* SPDX-License-Identifier: Apache-2.0 */
#include "render/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/common/faultview.h"
#include "cli/common/folder.h"
#include "cli/common/progress.h"
#include "cli/common/seedtree.h"

#include <unistd.h>

static void on_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    (void)verdict;
    progress_count(cls, number + 1);
}

static void check_all(const struct tree *t, struct faults *faults, struct check_result *ret)
{
    struct progress progress;
    struct scope_tables *tables = scope_tables_new(t);
    const struct check_run run = {.now_s = clock_wall_s(), .on_node = on_node, .cls = &progress};
    progress_begin(&progress, "checking nodes");
    progress_total(&progress, tree_node_count(t));
    check_tree(t, tables, &run, faults, ret);
    progress_end(&progress);
    scope_tables_free(tables);
}

/* *ret is NULL if the tree did not load. */
static void check(const struct config *config, struct faults *faults, struct tree **ret,
                  struct check_result *ret_result)
{
    struct progress progress;
    progress_begin(&progress, "loading the seed tree");
    int r = tree_load(config->seed_dir.p, config->templates_dir.p, faults, ret);
    progress_end(&progress);
    if (r == 0)
        check_all(*ret, faults, ret_result);
}

static const char *plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

static void print_summary(const struct tree *t, const struct faults *faults)
{
    char count[FAULTVIEW_COUNT_SIZE];
    if (t) {
        uint32_t nodes = tree_node_count(t), roles = tree_role_count(t),
                 clusters = tree_cluster_count(t);
        printf("%u node%s, %u role%s, %u cluster%s: ", nodes, plural(nodes), roles, plural(roles),
               clusters, plural(clusters));
    }
    puts(faultview_count(faults, count));
}

static void print_json(struct cli *c, const struct config *config, const struct tree *t,
                       const struct check_result *result, struct faults *faults)
{
    const struct value_pair pairs[] = {
        JSON_BOOL("ok", faults->errors == 0),
        JSON_INT("errors", (int64_t)faults->errors),
        JSON_INT("warnings", (int64_t)faults->warnings),
        JSON_STR("seed", config->seed_dir),
        JSON_STR("templates", config->templates_dir),
        JSON_VALUE("nodes", t ? value_int(tree_node_count(t)) : value_none()),
        JSON_VALUE("faulty_nodes", t ? value_int(result->faulty) : value_none()),
        JSON_VALUE("roles", t ? value_int(tree_role_count(t)) : value_none()),
        JSON_VALUE("clusters", t ? value_int(tree_cluster_count(t)) : value_none()),
        JSON_VALUE("faults", faultview_value(faults, &c->arena)),
    };
    cli_print_json(value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

/* `folder` contains site.yaml, or the folders seed and templates. */
static void use_folder(struct cli *c, const char *folder, struct config *config)
{
    struct str seed = arena_printf(&c->arena, "%s/seed", folder),
               templates = arena_printf(&c->arena, "%s/templates", folder);
    config->seed_dir = str_from(folder);
    if (access(arena_printf(&c->arena, "%s/site.yaml", folder).p, F_OK) == 0 ||
        access(arena_printf(&c->arena, "%s/site.yaml", seed.p).p, F_OK) < 0)
        return;
    config->seed_dir = seed;
    if (!flags_given(&c->flags, "templates") && folder_is(templates.p))
        config->templates_dir = templates;
}

static int run(struct cli *c)
{
    struct config config;
    struct faults faults;
    struct tree *tree = NULL;
    struct check_result result = {0};
    if (c->operands_n && flags_given(&c->flags, "seed"))
        return cli_misuse(c, "give either DIR or --seed");
    if (seedtree_configure(c, &config) != CLI_OK)
        return CLI_FAILED;
    if (c->operands_n)
        use_folder(c, c->operands[0], &config);
    faults_init(&faults);
    check(&config, &faults, &tree, &result);
    if (flags_given(&c->flags, "json")) {
        print_json(c, &config, tree, &result, &faults);
    } else {
        faultview_print(stdout, &faults, c->color_out);
        print_summary(tree, &faults);
    }
    int status = faults.errors ? CLI_FAILED : CLI_OK;
    tree_free(tree);
    faults_done(&faults);
    return status;
}

const struct command command_check = {
    .name = "check",
    .operands = "[DIR]",
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON),
    .summary = "find everything that is wrong in the seed tree",
    .help = "Reads the seed tree in DIR (or of --seed, or the configured one), compiles the\n"
            "templates, renders every document of every node, and looks at each as cloud-init\n"
            "and netplan will. Every fault is printed with its file, line and column: in the\n"
            "template, where a document is wrong. The server need not run, and no secret is\n"
            "read. A DIR with the folders seed and templates stands for both.\n"
            "\n"
            "Exit status: 0 no errors, 1 errors were found, 64 wrong usage.\n"
            "\n"
            "Examples:\n"
            "  cloudseed check\n"
            "  cloudseed check ./seed --templates ./templates\n"
            "  cloudseed check --json | jq -r '.faults[].message'\n",
    .run = run,
};
