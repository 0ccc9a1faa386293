/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedtree.h"
#include "cli/common/table.h"
#include "cli/node/node.h"

#include <stdio.h>

/* --- Columns -------------------------------------------------------------------------------- */

static struct str name_text(struct value node, struct arena *a)
{
    (void)a;
    return api_text(node, "name");
}

static struct str state_text(struct value node, struct arena *a)
{
    (void)a;
    return api_text(node, "state");
}

static struct str age_text(struct value node, struct arena *a)
{
    return api_age(node, "since", a);
}

static struct str role_text(struct value node, struct arena *a)
{
    (void)a;
    return api_text(node, "role");
}

static struct str cluster_text(struct value node, struct arena *a)
{
    (void)a;
    return api_text(node, "cluster");
}

static struct str addresses_text(struct value node, struct arena *a)
{
    return api_list_text(node, "addresses", a);
}

static struct str macs_text(struct value node, struct arena *a)
{
    return api_list_text(node, "macs", a);
}

static struct str check_text(struct value node, struct arena *a)
{
    (void)a;
    return api_text(node, "check");
}

/* In which lists a column is. */
enum {
    OF_TREE = 1,
    OF_SERVER = 2,
    OF_CHECK = 4, /* of a tree that is checked */
    OF_WIDE = 8,
    OF_WIDE_SERVER = 16,
    OF_ALL = 31,
};

static const struct column {
    const char *head;
    struct str (*text)(struct value node, struct arena *a);
    uint8_t in;
    uint8_t gives; /* the order in which columns give way; 0: never */
} columns[] = {
    {"NAME", name_text, OF_ALL, 5},
    {"STATE", state_text, OF_SERVER, 0},
    {"FOR", age_text, OF_SERVER, 0},
    {"ROLE", role_text, OF_ALL, 3},
    {"CLUSTER", cluster_text, OF_ALL, 2},
    {"ADDRESSES", addresses_text, OF_ALL, 4},
    {"MACS", macs_text, OF_TREE | OF_WIDE, 1},
    {"CHECK", check_text, OF_CHECK | OF_WIDE_SERVER, 0},
    {"NOTES", node_notes_text, OF_SERVER, 0},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* --- One list, whoever tells the nodes ---------------------------------------------------------
 */

struct listing {
    struct cli *cli;
    bool names, json;
    struct cli_list items;
    struct table table;
    struct arena rows; /* the table's */
    const struct column *shown[COLUMNS];
    uint8_t gives[COLUMNS];
    struct arena *scratch; /* reset or replaced for each page */
};

#define ROWS_BYTES ((size_t)512 * 1024) /* of a table's block */

static void begin_table(struct listing *l, unsigned in)
{
    const char *heads[COLUMNS];
    size_t n = 0, gives_n = 0;
    if (flags_given(&l->cli->flags, "wide"))
        in |= in & OF_SERVER ? OF_WIDE | OF_WIDE_SERVER : OF_WIDE;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!(columns[i].in & in))
            continue;
        heads[n] = columns[i].head;
        l->shown[n++] = &columns[i];
    }
    for (uint8_t rank = 1; rank <= COLUMNS; rank++) {
        for (size_t i = 0; i < n; i++) {
            if (l->shown[i]->gives == rank)
                l->gives[gives_n++] = (uint8_t)i;
        }
    }
    arena_init(&l->rows, ROWS_BYTES);
    table_init(&l->table, &l->rows, n);
    table_flow(&l->table, stdout, l->cli->color_out);
    table_head(&l->table, heads);
    table_give(&l->table, l->gives, gives_n);
    if (in & OF_SERVER)
        table_wrap(&l->table);
    if (in & OF_WIDE)
        table_wide(&l->table);
}

static void begin(struct listing *l, struct cli *c, unsigned in)
{
    *l = (struct listing){
        .cli = c,
        .names = flags_given(&c->flags, "names"),
        .json = flags_given(&c->flags, "json"),
    };
    if (!l->names && !l->json)
        begin_table(l, in);
}

static int add(struct listing *l, struct value node, struct arena *scratch)
{
    if (l->names)
        cli_print_line("%.*s", STR_ARG(api_text(node, "name")));
    else if (l->json)
        cli_list_item(&l->items, node);
    else
        for (size_t i = 0; i < l->table.columns; i++)
            table_add(&l->table, l->shown[i]->text(node, scratch));
    return 0;
}

static void end(struct listing *l, int status)
{
    if (l->json && status == CLI_OK)
        cli_list_end(&l->items);
    if (!l->names && !l->json) {
        if (status == CLI_OK)
            table_print(&l->table, stdout, l->cli->color_out);
        arena_done(&l->rows);
    }
}

/* --- Where they come from ----------------------------------------------------------------------
 */

static int list_tree(struct cli *c, const struct config *config)
{
    bool checked = flags_given(&c->flags, "check");
    struct tree *tree = seedtree_load(c, config, NULL);
    struct listing l;
    struct arena scratch; /* reset after each node */
    if (!tree)
        return CLI_FAILED;
    const char *const *verdicts = checked ? node_check_all(tree, &c->arena) : NULL;
    arena_init(&scratch, 4096);
    begin(&l, c, OF_TREE | (checked ? OF_CHECK : 0));
    for (uint32_t i = 0; i < tree_node_count(tree); i++) {
        add(&l, node_tree_value(tree_node(tree, i), verdicts ? verdicts[i] : NULL, &scratch),
            &scratch);
        arena_reset(&scratch);
    }
    end(&l, CLI_OK);
    arena_done(&scratch);
    tree_free(tree);
    return CLI_OK;
}

struct served {
    struct listing list;
    struct api *api;
};

static int on_node(void *cls, struct value node)
{
    struct served *s = cls;
    return add(&s->list, node, s->api->arena);
}

static int list_server(struct api *api)
{
    struct served s = {.api = api};
    begin(&s.list, api->cli, OF_SERVER);
    int status = api_each(api, STR("/v1/nodes?limit=1000"), "nodes", on_node, &s);
    end(&s.list, status);
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
        status = list_server(&api);
    api_close(&api);
    return status;
}

const struct command command_node_list = {
    .name = "node list",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_NAMES, FLAG_WIDE,
                   {"check", NULL, "render the seed tree's documents, and add a column"}),
    .summary = "list the nodes",
    .help =
        "Prints a line for each node, in the order of their names. Where the server answers,\n"
        "these are all nodes that it serves, declared or registered, each with its state, for\n"
        "how long it has been so, and notes: why it failed or waits, alarms, locks, and\n"
        "fetches that were refused. Otherwise, and with --seed, --templates, --check or\n"
        "--server none, they are those of the seed tree.\n"
        "--check renders and checks all their documents, and adds a column: ok or faulty.\n"
        "The server checks by itself: -o wide shows what it found.\n"
        "--json is the same in both cases: docs/formats/api.md describes a node. What only the\n"
        "server knows, as its state, is null without it.\n"
        "\n"
        "Examples:\n"
        "  cloudseed node list\n"
        "  cloudseed node list -o name | xargs -n 1 cloudseed node url\n"
        "  cloudseed node list --json | jq -r '.[] | select(.role == \"worker\").name'\n",
    .run = run,
};
