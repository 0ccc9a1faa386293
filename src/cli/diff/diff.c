/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "cli/common/cli.h"
#include "cli/common/folder.h"

/* A registered node that has no place beside one of the trees is not served with it. */
static int add_registered(struct cli *c, const struct config *now, struct comparison *m)
{
    struct registered_nodes nodes;
    struct faults faults;
    if (registered_ask(c, now, &nodes) != CLI_OK)
        return CLI_FAILED;
    faults_init(&faults);
    rendition_extend(&m->before, &nodes, &faults);
    rendition_extend(&m->now, &nodes, &faults);
    faults_done(&faults);
    return CLI_OK;
}

/* Both trees stay in memory: `folder` may be removed afterwards. */
static int load_and_compare(struct cli *c, const struct config *now, const char *folder,
                            struct baseline *before, struct comparison *m)
{
    if (baseline_open(c, now, flags_value(&c->flags, "against"), folder, before) != CLI_OK ||
        rendition_open(c, &before->config, &before->alias, RENDITION_PLACEHOLDERS, &m->before) !=
            CLI_OK ||
        rendition_open(c, now, NULL, RENDITION_PLACEHOLDERS, &m->now) != CLI_OK ||
        add_registered(c, now, m) != CLI_OK)
        return CLI_FAILED;
    return compare_run(c, folder, flags_given(&c->flags, "each"), m);
}

/* The folder is removed before printing, because the reader of a pipe may stop at any time. */
static int diff(struct cli *c, const struct config *now)
{
    struct baseline before;
    struct comparison m = {0};
    struct str folder;
    struct err e;
    cli_signals_hold();
    int status = CLI_FAILED;
    if (folder_make_temporary(&c->arena, &folder, &e) < 0) {
        cli_fail(c, "%s", e.msg);
    } else {
        status = load_and_compare(c, now, folder.p, &before, &m);
        if (folder_remove(folder.p, &e) < 0)
            cli_note(c, "%s", e.msg);
    }
    cli_signals_release();
    if (status == CLI_OK) {
        print_comparison(c, &m);
        status = compare_differs(&m) ? CLI_DIFFERS : CLI_OK;
    }
    compare_done(&m);
    rendition_close(&m.now);
    rendition_close(&m.before);
    return status;
}

static int run(struct cli *c)
{
    struct config config;
    if (flags_given(&c->flags, "json") && flags_given(&c->flags, "markdown"))
        return cli_misuse(c, "give either --json or --markdown");
    if (seedtree_configure(c, &config) != CLI_OK)
        return CLI_FAILED;
    return diff(c, &config);
}

const struct command command_diff = {
    .name = "diff",
    .operands = "",
    .flags = FLAGS({"against", "DIR|REV", "another seed tree, or a revision of Git (HEAD)"},
                   {"each", NULL, "show each node's changes, the same in others or not"}, FLAG_JSON,
                   {"markdown", NULL, "print a summary for a pull request"}),
    .summary = "show which nodes a change affects, and how",
    .help =
        "Renders everything of every node out of two trees, and prints what differs, as\n"
        "diff -u does. What is the same in several nodes is shown once. The other tree is\n"
        "what HEAD has of the Git checkout that holds the seed folder, or what --against\n"
        "names: a revision, or a folder with site.yaml and templates (or templates beside\n"
        "it), or with seed and templates. A folder wins over a revision of that name; where\n"
        "the other tree has no templates, this tree's are used for both. Keys in URLs\n"
        "are shown as SEED-KEY. git, tar and diff are needed. Nodes that are registered with the\n"
        "server are compared too, where it answers and the tree is its own.\n"
        "\n"
        "cloud-init takes user-data once for each instance-id: on a machine that is\n"
        "installed already, a change has no effect before it is installed again.\n"
        "\n"
        "Exit status: 0 nothing changes, 2 something changes, 1 the trees cannot be\n"
        "compared, 64 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  cloudseed diff\n"
        "  cloudseed diff --against origin/main --markdown >comment.md\n"
        "  cloudseed diff --against /srv/old --json | jq -r '.changed[]'\n",
    .run = run,
};
