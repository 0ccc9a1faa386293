/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/registered.h"

#include "cli/common/api.h"
#include "wire/uri.h"

#define PAGE_BYTES ((size_t)1024 * 1024)

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

/* False where the server does not answer, or has no more. */
static bool compare_page(struct api *api, struct comparing *k, struct str *after)
{
    struct api_answer answer;
    struct err e;
    struct str target = STR("/v1/nodes?registered=true&limit=1000");
    if (after->n)
        target = arena_printf(api->arena, "%.*s&after=%.*s", STR_ARG(target),
                              STR_ARG(uri_encode_segment(*after, api->arena)));
    if (api_try(api, "GET", target, (struct value){0}, STR(""), &answer, &e) < 0 ||
        answer.status != 200)
        return false;
    struct value list = value_get(answer.value, STR("nodes"));
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        k->node = list.items[i];
        compare(k);
    }
    *after = api_text(answer.value, "next");
    return after->n;
}

void registered_check(struct cli *c, const struct config *config, const struct tree *t,
                      struct faults *faults)
{
    struct comparing k = {.tree = t, .faults = faults};
    struct api api = {.cli = c, .arena = &c->arena, .config = *config};
    struct str after = {"", 0};
    bool named = flags_given(&c->flags, "server");
    bool is_other_tree = c->operands_n || flags_given(&c->flags, "seed");
    if ((is_other_tree && !named) || api_find_server(c, config, &api.server) != CLI_OK ||
        !api.server.where)
        return;
    api.client = client_new(&api.server);
    while (compare_page(&api, &k, &after))
        continue;
    api_close(&api);
}
