/* SPDX-License-Identifier: Apache-2.0 */
#include "render/values.h"

#include "base/json.h"
#include "crypto/keys.h"
#include "render/interfaces.h"
#include "render/pairs.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static struct value cidr_list(const struct cidr *list, uint32_t n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = pairs_cidr(list[i], a);
    return value_list(items, n);
}

static struct value route_list(const struct network *net, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, net->routes_n);
    for (uint32_t i = 0; i < net->routes_n; i++)
        items[i] = pairs_route(&net->routes[i], a);
    return value_list(items, net->routes_n);
}

static struct value network_value(const struct network *net, struct arena *a)
{
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("name"), value_str(net->name));
    pairs_put(&m, STR("cidr"), pairs_cidr(net->cidr, a));
    pairs_put(&m, STR("prefix"), value_int(net->cidr.prefix));
    pairs_put(&m, STR("cidr6"), pairs_cidr(net->cidr6, a));
    pairs_put(&m, STR("vlan"), pairs_number(net->vlan));
    pairs_put(&m, STR("mtu"), pairs_number(net->mtu));
    pairs_put(&m, STR("gateway"), pairs_address(net->gateway, a));
    pairs_put(&m, STR("gateway6"), pairs_address(net->gateway6, a));
    pairs_put(&m, STR("dns"), pairs_addresses(net->dns, net->dns_n, a));
    pairs_put(&m, STR("search"), pairs_texts(net->search, net->search_n, a));
    pairs_put(&m, STR("routes"), route_list(net, a));
    return pairs_value(&m, a);
}

struct value values_of_networks(const struct site *s, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, s->networks_n);
    for (uint32_t i = 0; i < s->networks_n; i++) {
        pairs[i].key = value_str(s->networks[i].name);
        pairs[i].value = network_value(&s->networks[i], a);
    }
    return value_map(pairs, s->networks_n);
}

struct value values_of_site(const struct site *s, struct arena *a)
{
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("name"), value_str(s->name));
    pairs_put(&m, STR("url"), value_str(s->url));
    pairs_put(&m, STR("node_url"), value_str(s->node_url));
    pairs_put(&m, STR("unknown"), value_str(str_from(unknown_names[s->unknown])));
    return pairs_value(&m, a);
}

static struct value addon_value(const struct addon *addon, struct arena *a)
{
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("name"), value_str(addon->name));
    pairs_put(&m, STR("url"), pairs_text(addon->url));
    pairs_put(&m, STR("template"), pairs_text(addon->template_name));
    pairs_put(&m, STR("sha256"), pairs_text(addon->sha256));
    pairs_put(&m, STR("wait"), pairs_texts(addon->wait, addon->wait_n, a));
    return pairs_value(&m, a);
}

static struct value addon_list(const struct cluster *c, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, c->addons_n);
    for (uint32_t i = 0; i < c->addons_n; i++)
        items[i] = addon_value(&c->addons[i], a);
    return value_list(items, c->addons_n);
}

struct value values_of_cluster(const struct cluster *c, struct arena *a)
{
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("name"), value_str(c->name));
    pairs_put(&m, STR("version"), value_str(c->version));
    pairs_put(&m, STR("endpoint"), value_str(c->endpoint));
    pairs_put(&m, STR("pods"), cidr_list(c->pods, c->pods_n, a));
    pairs_put(&m, STR("services"), cidr_list(c->services, c->services_n, a));
    pairs_put(&m, STR("hardened"), value_bool(c->hardened));
    pairs_put(&m, STR("addons"), addon_list(c, a));
    return pairs_value(&m, a);
}

struct value values_of_secrets(const struct tree *t, struct arena *a)
{
    uint32_t n = tree_secret_count(t);
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, n);
    for (uint32_t i = 0; i < n; i++) {
        struct str name = tree_secret(t, i);
        pairs[i].key = value_str(name);
        pairs[i].value = value_str(ARENA_JOIN(a, STR("SECRET-"), name));
    }
    return value_map(pairs, n);
}

struct value values_of_role(const struct role *r, struct arena *a)
{
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("name"), value_str(r->name));
    pairs_put(&m, STR("bootstrap"), value_str(str_from(bootstrap_names[r->bootstrap])));
    return pairs_value(&m, a);
}

/* The node, and values that its site's nodes share. */
struct of_node {
    const struct node *node;
    uint32_t generation;
    const struct site *site;
    struct value networks; /* as values_of_networks made them */
    struct arena *arena;
};

static struct value mac_list(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->macs_n);
    for (uint8_t i = 0; i < n->macs_n; i++)
        items[i] = interfaces_mac(n, i, a);
    return value_list(items, n->macs_n);
}

struct str values_fqdn(const struct node *n, struct arena *a)
{
    if (!n->addresses_n || !n->networks[0]->search_n)
        return n->name;
    return ARENA_JOIN(a, n->name, STR("."), n->networks[0]->search[0]);
}

/* Its first one of each family that the pods have, in their order: the cluster knows it by these.
 */
static struct value cluster_addresses(const struct node *n, struct arena *a)
{
    uint32_t pods_n = n->cluster ? n->cluster->pods_n : 0, count = 0;
    struct value *items = ARENA_ARRAY(a, struct value, pods_n);
    for (uint32_t i = 0; i < pods_n; i++) {
        uint8_t family = n->cluster->pods[i].base.family, k = 0;
        while (k < n->addresses_n && n->addresses[k].family != family)
            k++;
        if (k < n->addresses_n)
            items[count++] = pairs_address(n->addresses[k], a);
    }
    return value_list(items, count);
}

static struct str instance_id(const struct of_node *o)
{
    char digits[STR_U64_SIZE];
    return ARENA_JOIN(o->arena, o->node->name, STR("-"), str_of_u64(o->generation, digits));
}

#define NAME(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }
const struct str node_key_names[NODE_KEYS] = {
    [NODE_NAME] = NAME("name"),
    [NODE_FQDN] = NAME("fqdn"),
    [NODE_INSTANCE_ID] = NAME("instance_id"),
    [NODE_MACS] = NAME("macs"),
    [NODE_UUID] = NAME("uuid"),
    [NODE_SERIAL] = NAME("serial"),
    [NODE_ADDRESSES] = NAME("addresses"),
    [NODE_CLUSTER_ADDRESSES] = NAME("cluster_addresses"),
    [NODE_INTERFACES] = NAME("interfaces"),
};

static struct value node_value(const struct of_node *o, enum node_key key)
{
    const struct node *n = o->node;
    switch (key) {
    case NODE_NAME: return value_str(n->name);
    case NODE_FQDN: return value_str(values_fqdn(n, o->arena));
    case NODE_INSTANCE_ID: return value_str(instance_id(o));
    case NODE_MACS: return mac_list(n, o->arena);
    case NODE_UUID: return node_uuid_value(n, o->arena);
    case NODE_SERIAL: return pairs_text(n->serial);
    case NODE_ADDRESSES: return pairs_addresses(n->addresses, n->addresses_n, o->arena);
    case NODE_CLUSTER_ADDRESSES: return cluster_addresses(n, o->arena);
    case NODE_INTERFACES: return interfaces_of_node(n, o->site, o->networks, o->arena);
    case NODE_KEYS: break;
    }
    return value_none();
}

struct value values_of_node(const struct node *n, uint32_t generation, const struct site *site,
                            struct value networks, unsigned wanted, struct arena *a)
{
    const struct of_node of = {n, generation ? generation : NODE_FIRST_GENERATION, site, networks,
                               a};
    struct pairs m = {.n = 0};
    for (unsigned key = 0; key < NODE_KEYS; key++) {
        if (wanted >> key & 1)
            pairs_put(&m, node_key_names[key], node_value(&of, key));
    }
    return pairs_value(&m, a);
}

/* --- boot ---------------------------------------------------------------------------------- */

static struct value boot_file_value(const struct boot_file *f, struct arena *a)
{
    if (!f->url.n)
        return value_none();
    const struct value_pair pairs[] = {
        JSON_STR("url", f->url),
        JSON_VALUE("asset", pairs_text(f->asset)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct value initrd_list(const struct boot_entry *e, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, e->initrd_n);
    for (uint32_t i = 0; i < e->initrd_n; i++)
        items[i] = boot_file_value(&e->initrd[i], a);
    return value_list(items, e->initrd_n);
}

static struct value discovery_value(const struct boot_entry *e, const struct render_env *env,
                                    struct arena *a)
{
    if (e->kind != BOOT_KERNEL || e->discovery != DISCOVERY_KERNEL)
        return value_none();
    return value_str(ARENA_JOIN(a, STR(KEYS_DISCOVERY), env->seed_url));
}

/* Of a role's own entry, or one of its menu. */
static struct value entry_value(const struct boot_entry *e, struct str arguments,
                                const struct render_env *env, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_VALUE("title", pairs_text(e->title)),
        JSON_STR("kind", str_from(boot_kind_names[e->kind])),
        JSON_VALUE("kernel", boot_file_value(&e->kernel, a)),
        JSON_VALUE("initrd", initrd_list(e, a)),
        JSON_STR("arguments", arguments),
        JSON_VALUE("discovery", discovery_value(e, env, a)),
        JSON_VALUE("chain", boot_file_value(&e->chain, a)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct value menu_list(const struct boot_plan *b, const struct str *arguments,
                              const struct render_env *env, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, b->menu_n);
    for (uint32_t i = 0; i < b->menu_n; i++)
        items[i] = entry_value(&b->menu[i], arguments[i], env, a);
    return value_list(items, b->menu_n);
}

static struct value plan_value(const struct boot_plan *b, const struct str *arguments,
                               const struct render_env *env, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_VALUE("entry", entry_value(&b->entry, arguments[0], env, a)),
        JSON_VALUE("menu", menu_list(b, arguments + 1, env, a)),
        JSON_INT("timeout", b->timeout_s),
        JSON_VALUE("refusal", pairs_text(env->boot_refusal)),
        JSON_VALUE("mac", pairs_text(env->mac)),
        JSON_VALUE("uuid", pairs_text(env->uuid)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

struct value values_of_boot(const struct role *r, const struct str *arguments,
                            const struct render_env *env, struct arena *a)
{
    static const struct boot_plan disk = {.entry = {.kind = BOOT_LOCAL}};
    static const struct str none = {"", 0};
    bool disk_only = !r || env->boot_refusal.n;
    return plan_value(disk_only ? &disk : &r->boot, disk_only ? &none : arguments, env, a);
}

/* --- bootstrap ----------------------------------------------------------------------------- */

/* The first master has no cluster to join, so it has neither token nor CA. */
static struct bootstrap_values placeholders(const struct node *n, bool init)
{
    static const struct str ca_hash = {"sha256:" ZEROS, 7 + 64};
    struct bootstrap_values v = {.endpoint = n->cluster->endpoint};
    if (n->role->bootstrap == BOOTSTRAP_MASTER)
        v.certificate_key = STR(ZEROS);
    if (init)
        return v;
    v.token = STR("abcdef.0123456789abcdef");
    v.ca_hashes = &ca_hash;
    v.ca_hashes_n = 1;
    return v;
}

struct value values_of_bootstrap(const struct node *n, bool init,
                                 const struct bootstrap_values *values, struct arena *a)
{
    struct bootstrap_values v = values ? *values : placeholders(n, init);
    struct value *hashes = ARENA_ARRAY(a, struct value, v.ca_hashes_n);
    for (uint32_t i = 0; i < v.ca_hashes_n; i++)
        hashes[i] = value_str(v.ca_hashes[i]);
    const struct value_pair pairs[] = {
        JSON_STR("action", init ? STR("init") : STR("join")),
        JSON_STR("version", v.version.n ? v.version : n->cluster->version),
        JSON_BOOL("control_plane", n->role->bootstrap == BOOTSTRAP_MASTER),
        JSON_STR("endpoint", v.endpoint),
        JSON_VALUE("token", pairs_text(v.token)),
        JSON_VALUE("ca_hashes", value_list(hashes, v.ca_hashes_n)),
        JSON_VALUE("certificate_key", pairs_text(v.certificate_key)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}
