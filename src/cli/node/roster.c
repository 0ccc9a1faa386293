/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/roster.h"

#include "base/guess.h"
#include "cli/common/seedtree.h"
#include "cli/node/node.h"
#include "render/scope.h"
#include "render/values.h"
#include "wire/uri.h"

static void add(struct roster *r, struct arena *a, struct roster_node node)
{
    if (r->n == r->room) {
        struct roster_node *list = ARENA_ARRAY(a, struct roster_node, r->room ? r->room * 2 : 64);
        if (r->n)
            memcpy(list, r->list, r->n * sizeof(*list));
        r->room = r->room ? r->room * 2 : 64;
        r->list = list;
    }
    r->list[r->n++] = node;
}

/* --- From the seed tree --------------------------------------------------------------------- */

static void learn_variables(const struct site *site, const struct node *n, struct arena *a,
                            struct roster_node *ret)
{
    const struct variable *user = scope_variable(site, n, STR("admin_user"));
    const struct variable *labels = scope_variable(site, n, STR("node_labels"));
    ret->user = user ? arena_str(a, value_text(user->value)) : STR("");
    if (labels && labels->value.kind == VALUE_MAP)
        ret->labels = value_copy(a, labels->value);
}

static struct value addresses_of(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->addresses_n);
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        char text[ADDRESS_TEXT_SIZE];
        items[i] = value_str(arena_str(a, str_from(address_text(n->addresses[i], text))));
    }
    return value_list(items, n->addresses_n);
}

static struct roster_node of_tree(const struct site *site, const struct node *n, struct arena *a)
{
    struct roster_node one = {
        .name = arena_str(a, n->name),
        .fqdn = arena_str(a, values_fqdn(n, a)),
        .role = arena_str(a, n->role->name),
        .cluster = n->cluster ? arena_str(a, n->cluster->name) : STR(""),
        .state = STR(""),
        .addresses = addresses_of(n, a),
        .macs = value_copy(a, node_macs_value(n, a)),
    };
    learn_variables(site, n, a, &one);
    return one;
}

static int from_tree(struct cli *c, const struct config *config, struct roster *ret)
{
    struct tree *t = seedtree_load(c, config, NULL);
    if (!t)
        return CLI_FAILED;
    for (uint32_t i = 0; i < tree_node_count(t); i++)
        add(ret, &c->arena, of_tree(tree_site(t), tree_node(t, i), &c->arena));
    tree_free(t);
    return CLI_OK;
}

/* --- From the server ------------------------------------------------------------------------ */

struct gathering {
    struct roster *roster;
    struct arena *arena;
    const struct tree *tree; /* NULL: only what the server returns is known */
};

static int on_node(void *cls, struct value node)
{
    struct gathering *g = cls;
    struct value own = value_get(node, STR("variables"));
    const struct node *declared = g->tree ? tree_find_name(g->tree, api_text(node, "name")) : NULL;
    struct roster_node one = {
        .name = arena_str(g->arena, api_text(node, "name")),
        .fqdn = arena_str(g->arena, api_text(node, "fqdn")),
        .role = arena_str(g->arena, api_text(node, "role")),
        .cluster = arena_str(g->arena, api_text(node, "cluster")),
        .state = arena_str(g->arena, api_text(node, "state")),
        .user = arena_str(g->arena, value_get_text(own, STR("admin_user"))),
        .addresses = value_copy(g->arena, value_get(node, STR("addresses"))),
        .macs = value_copy(g->arena, value_get(node, STR("macs"))),
    };
    if (value_get(own, STR("node_labels")).kind == VALUE_MAP)
        one.labels = value_copy(g->arena, value_get(own, STR("node_labels")));
    if (declared)
        learn_variables(tree_site(g->tree), declared, g->arena, &one);
    add(g->roster, g->arena, one);
    return 0;
}

/* The server's own tree, where it is on this machine and may be read: its variables are not in the
 * server's answers. */
static struct tree *tree_beside(const struct api *api)
{
    struct tree *t = NULL;
    struct faults faults;
    const struct tree_source from = config_tree(&api->config);
    if (api->server.named)
        return NULL;
    faults_init(&faults);
    if (tree_load(&from, &faults, &t) < 0)
        t = NULL;
    faults_done(&faults);
    return t;
}

static int from_server(struct api *api, const char *name, struct roster *ret)
{
    /* An answer's page goes when the next one comes: api_each has an arena of its own. */
    struct arena pages;
    struct tree *tree = tree_beside(api);
    struct gathering g = {.roster = ret, .arena = &api->cli->arena, .tree = tree};
    arena_init(&pages, (size_t)64 * 1024);
    api->arena = &pages;
    struct str target = name ? ARENA_JOIN(&api->cli->arena, STR("/v1/nodes?host="),
                                          uri_encode_segment(str_from(name), &api->cli->arena))
                             : STR("/v1/nodes?limit=1000");
    int status = api_each(api, target, "nodes", on_node, &g);
    arena_done(&pages);
    api->arena = &api->cli->arena;
    tree_free(tree);
    return status;
}

/* Prints that there is none, with the nearest one. */
static int refuse(struct api *api, const char *name, const struct roster *r)
{
    struct guess guess;
    struct value node;
    if (api->client && api_get(api, api_node(api, name, ""), &node) != CLI_OK)
        return CLI_FAILED;
    guess_init(&guess, str_from(name));
    for (size_t i = 0; i < r->n; i++)
        guess_offer(&guess, r->list[i].name);
    return cli_fail(api->cli, "there is no node '%s'%s", name, guess_text(&guess));
}

/* --- Either --------------------------------------------------------------------------------- */

int roster_gather(struct cli *c, const char *name, struct roster *ret)
{
    struct api api;
    *ret = (struct roster){0};
    int status = node_remote_open(c, &api);
    if (status == NODE_REMOTE_NONE)
        status = from_tree(c, &api.config, ret);
    else if (status == CLI_OK)
        status = from_server(&api, name, ret);
    if (status == CLI_OK && name && !roster_find(ret, name))
        status = refuse(&api, name, ret);
    api_close(&api);
    return status;
}

const struct roster_node *roster_find(const struct roster *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++) {
        if (str_is(r->list[i].name, name))
            return &r->list[i];
    }
    return NULL;
}

struct str roster_address(const struct roster_node *n)
{
    struct value list = n->addresses;
    return list.kind == VALUE_LIST && list.n ? value_text(list.items[0]) : STR("");
}
