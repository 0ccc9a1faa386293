/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/registered.h"

#include "cli/common/api.h"
#include "cli/common/seedtree.h"

#define DEFINITION_MAX_BYTES ((size_t)1024 * 1024)

struct comparing {
    const struct tree *tree;
    struct faults *faults;
    struct value node; /* the registered one */
};

static void report(struct comparing *k, const struct node *n, const char *what, struct str value)
{
    struct str name = api_text(k->node, "name");
    fault_add(
        k->faults, n->at,
        "node '%.*s' has the %s %.*s, and so has '%.*s', which is registered with the server: "
        "it would refuse this tree; remove one of them (cloudseed node rm %.*s)",
        STR_ARG(n->name), what, STR_ARG(value), STR_ARG(name), STR_ARG(name));
}

static void compare_mac(struct comparing *k, struct str text)
{
    struct mac mac;
    const struct node *n = mac_parse(text, &mac) ? tree_find_mac(k->tree, mac) : NULL;
    if (n)
        report(k, n, "MAC", text);
}

static void compare_address(struct comparing *k, struct str text)
{
    struct address address;
    const struct node *n =
        address_parse(text, &address) ? tree_find_address(k->tree, address) : NULL;
    if (n)
        report(k, n, "address", text);
}

static void for_each(struct comparing *k, const char *member,
                     void (*compare)(struct comparing *k, struct str text))
{
    struct value list = value_get(k->node, str_from(member));
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (list.items[i].kind == VALUE_STR)
            compare(k, value_text(list.items[i]));
    }
}

/* A tree without the role or cluster of a registered node is refused, too. */
static void report_missing(struct comparing *k, const char *what)
{
    struct str name = api_text(k->node, "name"), of = api_text(k->node, what);
    fault_add(
        k->faults, tree_site(k->tree)->at,
        "there is no %s '%.*s', which node '%.*s' has, that is registered with the server: it "
        "would refuse this tree",
        what, STR_ARG(of), STR_ARG(name));
}

static bool has_role(const struct tree *t, struct str name)
{
    uint32_t i = 0;
    while (i < tree_role_count(t) && !str_eq(tree_role(t, i)->name, name))
        i++;
    return i < tree_role_count(t);
}

static bool has_cluster(const struct tree *t, struct str name)
{
    uint32_t i = 0;
    while (i < tree_cluster_count(t) && !str_eq(tree_cluster(t, i)->name, name))
        i++;
    return !name.n || i < tree_cluster_count(t);
}

static void compare(struct comparing *k)
{
    struct str name = api_text(k->node, "name"), uuid_text = api_text(k->node, "uuid"),
               serial = api_text(k->node, "serial");
    struct uuid uuid;
    const struct node *n = tree_find_name(k->tree, name);
    if (n) {
        report(k, n, "name", name);
        return;
    }
    if (!has_role(k->tree, api_text(k->node, "role")))
        report_missing(k, "role");
    if (!has_cluster(k->tree, api_text(k->node, "cluster")))
        report_missing(k, "cluster");
    for_each(k, "macs", compare_mac);
    for_each(k, "addresses", compare_address);
    n = uuid_parse(uuid_text, &uuid) ? tree_find_uuid(k->tree, uuid) : NULL;
    if (n)
        report(k, n, "uuid", uuid_text);
    n = serial.n ? tree_find_serial(k->tree, serial) : NULL;
    if (n)
        report(k, n, "serial", serial);
}

void registered_check(const struct registered_nodes *r, const struct tree *t, struct faults *faults)
{
    struct comparing k = {.tree = t, .faults = faults};
    for (uint32_t i = 0; i < r->n; i++) {
        k.node = r->nodes.items[i];
        compare(&k);
    }
}

struct tree *registered_extend(const struct registered_nodes *r, const struct tree *t,
                               struct faults *faults)
{
    return tree_extend(t, NULL, r->list, r->n, faults);
}

/* --- Asking the server -------------------------------------------------------------------------
 */

#define TARGET STR("/v1/nodes?registered=true&limit=1000")

struct asking {
    struct arena *arena; /* outlives a page */
    struct tree_definition *list;
    struct value *nodes;
    uint32_t n, room;
};

/* The members of a definition, without those that are left out. */
static struct value definition_value(struct value node, struct arena *a)
{
    static const char *const members[] = {"name",      "role",      "cluster",   "macs",
                                          "uuid",      "serial",    "addresses", "variables",
                                          "key_epoch", "interfaces"};
    struct value_pair pairs[sizeof(members) / sizeof(members[0])];
    bool has_interfaces = value_get(node, STR("interfaces")).kind == VALUE_MAP;
    size_t n = 0;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct value v = value_get(node, str_from(members[i]));
        bool implied = has_interfaces && (str_is(str_from(members[i]), "macs") ||
                                          str_is(str_from(members[i]), "addresses"));
        bool empty = (v.kind == VALUE_LIST || v.kind == VALUE_MAP) && v.n == 0;
        if (!implied && v.kind != VALUE_NONE && v.kind != VALUE_UNDEFINED && !empty)
            pairs[n++] = (struct value_pair){value_str(str_from(members[i])), v};
    }
    return value_copy(a, value_map(pairs, n));
}

static int take_node(void *cls, struct value node)
{
    struct asking *k = cls;
    struct buf json;
    if (k->n == k->room) {
        uint32_t room = k->room ? k->room * 2 : 64;
        struct tree_definition *list = ARENA_ARRAY(k->arena, struct tree_definition, room);
        struct value *nodes = ARENA_ARRAY(k->arena, struct value, room);
        if (k->n) {
            memcpy(list, k->list, k->n * sizeof(*list));
            memcpy(nodes, k->nodes, k->n * sizeof(*nodes));
        }
        k->list = list;
        k->nodes = nodes;
        k->room = room;
    }
    struct value own = value_copy(k->arena, node);
    buf_init(&json, DEFINITION_MAX_BYTES);
    json_write(&json, definition_value(own, k->arena), false);
    k->nodes[k->n] = own;
    k->list[k->n++] = (struct tree_definition){
        .uid = api_text(own, "uid"), .json = arena_str(k->arena, buf_view(&json)), .revision = 1};
    buf_done(&json);
    return 0;
}

/* Without a server that was named, one that does not answer is no fault. */
static int answers(struct api *api, bool named)
{
    struct api_answer answer;
    struct err e;
    int r = api_try(api, "GET", STR("/v1/server"), (struct value){0}, STR(""), &answer, &e);
    if (r == 0 || !named)
        return r == 0 && answer.status == 200 ? CLI_OK : -1;
    return cli_fail(api->cli, "%s", e.msg);
}

int registered_ask(struct cli *c, const struct config *config, struct registered_nodes *ret)
{
    struct api api = {.cli = c, .arena = &c->arena, .config = *config};
    struct asking k = {.arena = &c->arena};
    const char *named = flags_value(&c->flags, "server");
    bool is_other_tree =
        (c->command == &command_check && c->operands_n) || flags_given(&c->flags, "seed");
    *ret = (struct registered_nodes){.n = 0};
    if (is_other_tree && !named)
        return CLI_OK;
    int status = api_find_server(c, config, &api.server);
    if (status != CLI_OK || !api.server.where)
        return status;
    api.client = client_new(&api.server);
    status = answers(&api, named);
    if (status == CLI_OK)
        status = api_each(&api, TARGET, "nodes", take_node, &k);
    else if (status < 0)
        status = CLI_OK;
    api_close(&api);
    if (status == CLI_OK)
        *ret = (struct registered_nodes){k.list, value_list(k.nodes, k.n), k.n};
    return status;
}

int registered_load(struct cli *c, const struct config *config, const struct tree *t,
                    struct tree **ret)
{
    struct registered_nodes nodes;
    struct faults faults;
    *ret = NULL;
    if (registered_ask(c, config, &nodes) != CLI_OK)
        return CLI_FAILED;
    faults_init(&faults);
    *ret = registered_extend(&nodes, t, &faults);
    if (faults.errors)
        seedtree_print_faults(c, &faults, NULL);
    faults_done(&faults);
    return CLI_OK;
}
