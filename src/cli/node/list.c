/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedtree.h"
#include "cli/common/table.h"
#include "cli/node/node.h"

#include <stdio.h>

/* --- From the seed tree --------------------------------------------------------------------- */

/* `verdicts` is NULL without --check. */
static void print_json(const struct tree *t, const char *const *verdicts)
{
    struct cli_list list = {0};
    struct arena arena; /* reset after each node */
    arena_init(&arena, 4096);
    for (uint32_t i = 0; i < tree_node_count(t); i++) {
        struct value_pair pairs[NODE_PAIRS + 1];
        node_pairs(tree_node(t, i), &arena, pairs);
        if (verdicts)
            pairs[NODE_PAIRS] = (struct value_pair)JSON_STR("check", str_from(verdicts[i]));
        cli_list_item(&list, value_map(pairs, NODE_PAIRS + (verdicts != NULL)));
        arena_reset(&arena);
    }
    cli_list_end(&list);
    arena_done(&arena);
}

static void print_names(const struct tree *t)
{
    for (uint32_t i = 0; i < tree_node_count(t); i++)
        cli_print_line("%.*s", STR_ARG(tree_node(t, i)->name));
}

static void print_table(struct cli *c, const struct tree *t, const char *const *verdicts)
{
    static const char *const heads[] = {"NAME", "ROLE", "CLUSTER", "ADDRESSES", "MACS", "CHECK"};
    size_t columns = verdicts ? 6 : 5;
    struct table table;
    table_init(&table, &c->arena, columns);
    table_head(&table, heads);
    for (uint32_t i = 0; i < tree_node_count(t); i++) {
        const struct node *n = tree_node(t, i);
        table_add(&table, n->name);
        table_add(&table, n->role->name);
        table_add(&table, n->cluster ? n->cluster->name : STR(""));
        table_add(&table, node_addresses_text(n, &c->arena));
        table_add(&table, node_macs_text(n, &c->arena));
        if (verdicts)
            table_add(&table, str_from(verdicts[i]));
    }
    table_print(&table, stdout, c->color_out);
}

static int list_tree(struct cli *c, const struct config *config)
{
    struct tree *tree = seedtree_load(c, config, NULL);
    if (!tree)
        return CLI_FAILED;
    const char *const *verdicts =
        flags_given(&c->flags, "check") ? node_check_all(tree, &c->arena) : NULL;
    if (flags_given(&c->flags, "json"))
        print_json(tree, verdicts);
    else if (flags_given(&c->flags, "names"))
        print_names(tree);
    else
        print_table(c, tree, verdicts);
    tree_free(tree);
    return CLI_OK;
}

/* --- From the server ------------------------------------------------------------------------ */

struct listing {
    struct api *api;
    struct table table;
};

static int add_row(void *cls, struct value node)
{
    struct listing *l = cls;
    struct arena *a = l->api->arena;
    table_add(&l->table, api_text(node, "name"));
    table_add(&l->table, api_text(node, "role"));
    table_add(&l->table, api_text(node, "cluster"));
    table_add(&l->table, node_state_text(node, a));
    table_add(&l->table, api_age(node, "since", a));
    table_add(&l->table, api_list_text(node, "addresses", a));
    table_add(&l->table, api_list_text(node, "macs", a));
    table_add(&l->table, api_text(node, "check"));
    return 0;
}

static int add_name(void *cls, struct value node)
{
    (void)cls;
    cli_print_line("%.*s", STR_ARG(api_text(node, "name")));
    return 0;
}

static int add_item(void *cls, struct value node)
{
    cli_list_item(cls, node);
    return 0;
}

#define TARGET STR("/v1/nodes?limit=1000")
#define ROWS_BYTES ((size_t)512 * 1024) /* of a table's block */

static int list_table(struct api *api)
{
    static const char *const heads[] = {"NAME", "ROLE",      "CLUSTER", "STATE",
                                        "FOR",  "ADDRESSES", "MACS",    "CHECK"};
    struct listing l = {.api = api};
    struct arena rows;
    arena_init(&rows, ROWS_BYTES);
    table_init(&l.table, &rows, 8);
    table_flow(&l.table, stdout, api->cli->color_out);
    table_head(&l.table, heads);
    int status = api_each(api, TARGET, "nodes", add_row, &l);
    if (status == CLI_OK)
        table_print(&l.table, stdout, api->cli->color_out);
    arena_done(&rows);
    return status;
}

static int list_remote(struct api *api)
{
    struct cli_list list = {0};
    if (flags_given(&api->cli->flags, "names"))
        return api_each(api, TARGET, "nodes", add_name, NULL);
    if (!flags_given(&api->cli->flags, "json"))
        return list_table(api);
    int status = api_each(api, TARGET, "nodes", add_item, &list);
    if (status == CLI_OK)
        cli_list_end(&list);
    return status;
}

static int run(struct cli *c)
{
    struct api api;
    bool names = flags_given(&c->flags, "names");
    if (names && flags_given(&c->flags, "json"))
        return cli_misuse(c, "give either --json or --names");
    if (names && flags_given(&c->flags, "check"))
        return cli_misuse(c, "give either --check or --names");
    int status = node_remote_open(c, &api);
    if (status == NODE_REMOTE_NONE)
        status = list_tree(c, &api.config);
    else if (status == CLI_OK)
        status = list_remote(&api);
    api_close(&api);
    return status;
}

const struct command command_node_list = {
    .name = "node list",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_NAMES, FLAG_WIDE,
                   {"check", NULL, "tell whether each node's documents check out"}),
    .summary = "list the nodes",
    .help = "Prints a line for each node, in the order of their names. Where the server's socket\n"
            "answers, these are the nodes that it knows, with their states and for how long they\n"
            "have been so; else, and with --seed, --templates, --check or --server none, those of\n"
            "the seed tree. --json is about the tree, unless --server or CLOUDSEED_SERVER names a\n"
            "server: then it is what that one tells.\n"
            "--check renders and checks all their documents, and adds a column: ok or faulty.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node list\n"
            "  cloudseed node list --names | xargs -n 1 cloudseed node url\n"
            "  cloudseed node list --json | jq -r '.[] | select(.role == \"worker\").name'\n",
    .run = run,
};
