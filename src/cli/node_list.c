/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node.h"
#include "cli/seedtree.h"
#include "cli/table.h"

static void print_json(const struct tree *t)
{
    struct call_list list = {0};
    struct arena arena; /* of one node */
    arena_init(&arena, 4096);
    for (uint32_t i = 0; i < tree_node_count(t); i++) {
        struct value_pair pairs[NODE_PAIRS];
        node_pairs(tree_node(t, i), &arena, pairs);
        call_list_item(&list, value_map(pairs, NODE_PAIRS));
        arena_reset(&arena);
    }
    call_list_end(&list);
    arena_done(&arena);
}

static void print_names(const struct tree *t)
{
    for (uint32_t i = 0; i < tree_node_count(t); i++)
        printf("%.*s\n", STR_ARG(tree_node(t, i)->name));
}

static void print_table(struct call *c, const struct tree *t)
{
    static const char *const heads[] = {"NAME", "ROLE", "CLUSTER", "ADDRESSES", "MACS"};
    struct table table;
    table_init(&table, &c->arena, 5);
    for (size_t i = 0; i < 5; i++)
        table_add(&table, str_from(heads[i]));
    for (uint32_t i = 0; i < tree_node_count(t); i++) {
        const struct node *n = tree_node(t, i);
        table_add(&table, n->name);
        table_add(&table, n->role->name);
        table_add(&table, n->cluster ? n->cluster->name : STR(""));
        table_add(&table, node_addresses_text(n, &c->arena));
        table_add(&table, node_macs_text(n, &c->arena));
    }
    table_print(&table, stdout, c->color_out);
}

int node_list_run(struct call *c)
{
    struct config config;
    bool json = flags_given(&c->flags, FLAG_JSON), names = flags_given(&c->flags, FLAG_NAMES);
    if (json && names)
        return call_misuse(c, "give either --json or --names");
    if (seedtree_configure(c, &config) != CALL_OK)
        return CALL_FAILED;
    struct tree *tree = seedtree_load(c, &config, NULL);
    if (!tree)
        return CALL_FAILED;
    if (json)
        print_json(tree);
    else if (names)
        print_names(tree);
    else
        print_table(c, tree);
    tree_free(tree);
    return CALL_OK;
}
