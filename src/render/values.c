/* SPDX-License-Identifier: Apache-2.0 */
#include "render/values.h"

#include "base/json.h"
#include "crypto/keys.h"

#define MAP_PAIRS_MAX 16
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* A map under construction; templates list its pairs in this order. */
struct pairs {
    struct value_pair list[MAP_PAIRS_MAX];
    size_t n;
};

static void put(struct pairs *m, struct str key, struct value v)
{
    m->list[m->n].key = value_str(key);
    m->list[m->n++].value = v;
}

static struct value map_of(const struct pairs *m, struct arena *a)
{
    struct value_pair *list = ARENA_ARRAY(a, struct value_pair, m->n);
    memcpy(list, m->list, m->n * sizeof(*list));
    return value_map(list, m->n);
}

static struct value text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

static struct value address_value(struct address addr, struct arena *a)
{
    char text[ADDRESS_TEXT_SIZE];
    if (!addr.family)
        return value_none();
    return value_str(arena_str(a, str_from(address_text(addr, text))));
}

static struct value cidr_value(struct cidr c, struct arena *a)
{
    char text[CIDR_TEXT_SIZE];
    return value_str(arena_str(a, str_from(cidr_text(c, text))));
}

static struct value cidr_list(const struct cidr *list, uint32_t n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = cidr_value(list[i], a);
    return value_list(items, n);
}

static struct value address_list(const struct address *list, uint32_t n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = address_value(list[i], a);
    return value_list(items, n);
}

static struct value text_list(const struct str *list, uint32_t n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = value_str(list[i]);
    return value_list(items, n);
}

static struct value network_value(const struct network *net, struct arena *a)
{
    struct pairs m = {.n = 0};
    put(&m, STR("name"), value_str(net->name));
    put(&m, STR("cidr"), cidr_value(net->cidr, a));
    put(&m, STR("prefix"), value_int(net->cidr.prefix));
    put(&m, STR("vlan"), net->vlan ? value_int(net->vlan) : value_none());
    put(&m, STR("gateway"), address_value(net->gateway, a));
    put(&m, STR("dns"), address_list(net->dns, net->dns_n, a));
    put(&m, STR("search"), text_list(net->search, net->search_n, a));
    return map_of(&m, a);
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
    put(&m, STR("name"), value_str(s->name));
    put(&m, STR("url"), value_str(s->url));
    put(&m, STR("node_url"), value_str(s->node_url));
    put(&m, STR("unknown"), value_str(str_from(unknown_names[s->unknown])));
    return map_of(&m, a);
}

static struct value addon_value(const struct addon *addon, struct arena *a)
{
    struct pairs m = {.n = 0};
    put(&m, STR("name"), value_str(addon->name));
    put(&m, STR("url"), text_or_none(addon->url));
    put(&m, STR("template"), text_or_none(addon->template_name));
    put(&m, STR("sha256"), text_or_none(addon->sha256));
    put(&m, STR("wait"), text_list(addon->wait, addon->wait_n, a));
    return map_of(&m, a);
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
    put(&m, STR("name"), value_str(c->name));
    put(&m, STR("version"), value_str(c->version));
    put(&m, STR("endpoint"), value_str(c->endpoint));
    put(&m, STR("pods"), cidr_list(c->pods, c->pods_n, a));
    put(&m, STR("services"), cidr_list(c->services, c->services_n, a));
    put(&m, STR("hardened"), value_bool(c->hardened));
    put(&m, STR("addons"), addon_list(c, a));
    return map_of(&m, a);
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
    put(&m, STR("name"), value_str(r->name));
    put(&m, STR("bootstrap"), value_str(str_from(bootstrap_names[r->bootstrap])));
    return map_of(&m, a);
}

/* Addresses whose networks share a VLAN share an interface; the first VLAN is the first MAC's. */
struct interface {
    uint16_t vlan;
    uint8_t first, count; /* in the list of addresses sorted by interface */
};

struct interfaces {
    struct interface list[NODE_ADDRESSES_MAX];
    uint8_t order[NODE_ADDRESSES_MAX];
    uint8_t n;
};

static void group_by_vlan(const struct node *n, struct interfaces *ret)
{
    bool taken[NODE_ADDRESSES_MAX] = {false};
    uint8_t at = 0;
    ret->n = 0;
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        if (taken[i])
            continue;
        struct interface *group = &ret->list[ret->n++];
        *group = (struct interface){.vlan = n->networks[i]->vlan, .first = at};
        for (uint8_t j = i; j < n->addresses_n; j++) {
            if (taken[j] || n->networks[j]->vlan != group->vlan)
                continue;
            taken[j] = true;
            ret->order[at++] = j;
            group->count++;
        }
    }
}

/* A node has one default route for each family: by the first address with a gateway. */
static bool brings_default_route(const struct node *n, uint8_t number)
{
    uint8_t family = n->addresses[number].family;
    if (!n->networks[number]->gateway.family)
        return false;
    for (uint8_t i = 0; i < number; i++) {
        if (n->addresses[i].family == family && n->networks[i]->gateway.family)
            return false;
    }
    return true;
}

/* The node, and values that its site's nodes share. */
struct of_node {
    const struct node *node;
    uint32_t generation;
    const struct network *first_network;
    struct value networks; /* as values_of_networks made them */
    struct arena *arena;
};

static struct value of_network(const struct of_node *o, uint8_t number, struct str key)
{
    ptrdiff_t at = o->node->networks[number] - o->first_network;
    return value_get(o->networks.pairs[at].value, key);
}

static struct value cidr_of(struct value address, const struct network *net, struct arena *a)
{
    char digits[STR_U64_SIZE];
    return value_str(
        ARENA_JOIN(a, value_text(address), STR("/"), str_of_u64(net->cidr.prefix, digits)));
}

static struct value node_address_value(const struct of_node *o, uint8_t number)
{
    const struct node *n = o->node;
    const struct network *net = n->networks[number];
    struct value address = address_value(n->addresses[number], o->arena);
    struct pairs m = {.n = 0};
    put(&m, STR("address"), address);
    put(&m, STR("cidr"), cidr_of(address, net, o->arena));
    put(&m, STR("family"), value_int(n->addresses[number].family));
    put(&m, STR("network"), value_str(net->name));
    put(&m, STR("gateway"),
        brings_default_route(n, number) ? of_network(o, number, STR("gateway")) : value_none());
    put(&m, STR("dns"), of_network(o, number, STR("dns")));
    put(&m, STR("search"), of_network(o, number, STR("search")));
    return map_of(&m, o->arena);
}

static struct value mac_value(const struct node *n, uint32_t number, struct arena *a)
{
    char text[MAC_TEXT_SIZE];
    if (number >= n->macs_n)
        return value_none();
    return value_str(arena_str(a, str_from(mac_text(n->macs[number], text))));
}

static bool holds(const struct value *items, size_t n, struct value v)
{
    for (size_t i = 0; i < n; i++) {
        if (value_same(items[i], v))
            return true;
    }
    return false;
}

/* The values under `key` (dns or search) of an interface's networks, without duplicates. */
static struct value united(const struct value *addresses, size_t n, struct str key, struct arena *a)
{
    size_t room = 0, count = 0;
    if (n == 1)
        return value_get(addresses[0], key);
    for (size_t i = 0; i < n; i++)
        room += value_get(addresses[i], key).n;
    struct value *items = ARENA_ARRAY(a, struct value, room);
    for (size_t i = 0; i < n; i++) {
        struct value list = value_get(addresses[i], key);
        for (uint32_t j = 0; j < list.n; j++) {
            if (!holds(items, count, list.items[j]))
                items[count++] = list.items[j];
        }
    }
    return value_list(items, count);
}

static struct value interface_value(const struct of_node *o, const struct interfaces *all,
                                    uint8_t number)
{
    char digits[STR_U64_SIZE];
    const struct interface *group = number < all->n ? &all->list[number] : NULL;
    uint8_t count = group ? group->count : 0;
    struct value *addresses = ARENA_ARRAY(o->arena, struct value, count);
    for (uint8_t i = 0; i < count; i++)
        addresses[i] = node_address_value(o, all->order[group->first + i]);
    struct pairs m = {.n = 0};
    put(&m, STR("name"), value_str(ARENA_JOIN(o->arena, STR("eth"), str_of_u64(number, digits))));
    put(&m, STR("mac"), mac_value(o->node, number, o->arena));
    put(&m, STR("addresses"), value_list(addresses, count));
    put(&m, STR("dns"), united(addresses, count, STR("dns"), o->arena));
    put(&m, STR("search"), united(addresses, count, STR("search"), o->arena));
    return map_of(&m, o->arena);
}

/* There is an interface for each MAC, with addresses or without (DHCP), and for each further VLAN.
 */
static struct value interface_list(const struct of_node *o)
{
    struct interfaces all;
    group_by_vlan(o->node, &all);
    uint8_t count = all.n > o->node->macs_n ? all.n : o->node->macs_n;
    struct value *items = ARENA_ARRAY(o->arena, struct value, count);
    for (uint8_t i = 0; i < count; i++)
        items[i] = interface_value(o, &all, i);
    return value_list(items, count);
}

static struct value mac_list(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->macs_n);
    for (uint8_t i = 0; i < n->macs_n; i++)
        items[i] = mac_value(n, i, a);
    return value_list(items, n->macs_n);
}

struct str values_fqdn(const struct node *n, struct arena *a)
{
    if (!n->addresses_n || !n->networks[0]->search_n)
        return n->name;
    return ARENA_JOIN(a, n->name, STR("."), n->networks[0]->search[0]);
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
    case NODE_SERIAL: return text_or_none(n->serial);
    case NODE_ADDRESSES: return address_list(n->addresses, n->addresses_n, o->arena);
    case NODE_INTERFACES: return interface_list(o);
    case NODE_KEYS: break;
    }
    return value_none();
}

struct value values_of_node(const struct node *n, uint32_t generation, const struct site *site,
                            struct value networks, unsigned wanted, struct arena *a)
{
    const struct of_node of = {n, generation ? generation : NODE_FIRST_GENERATION, site->networks,
                               networks, a};
    struct pairs m = {.n = 0};
    for (unsigned key = 0; key < NODE_KEYS; key++) {
        if (wanted >> key & 1)
            put(&m, node_key_names[key], node_value(&of, key));
    }
    return map_of(&m, a);
}

/* --- boot ---------------------------------------------------------------------------------- */

static struct value boot_file_value(const struct boot_file *f, struct arena *a)
{
    if (!f->url.n)
        return value_none();
    const struct value_pair pairs[] = {
        JSON_STR("url", f->url),
        JSON_VALUE("asset", text_or_none(f->asset)),
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
static struct value entry_value(const struct boot_entry *e, const struct render_env *env,
                                struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_VALUE("title", text_or_none(e->title)),
        JSON_STR("kind", str_from(boot_kind_names[e->kind])),
        JSON_VALUE("kernel", boot_file_value(&e->kernel, a)),
        JSON_VALUE("initrd", initrd_list(e, a)),
        JSON_STR("arguments", e->arguments),
        JSON_VALUE("discovery", discovery_value(e, env, a)),
        JSON_VALUE("chain", boot_file_value(&e->chain, a)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct value menu_list(const struct boot_plan *b, const struct render_env *env,
                              struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, b->menu_n);
    for (uint32_t i = 0; i < b->menu_n; i++)
        items[i] = entry_value(&b->menu[i], env, a);
    return value_list(items, b->menu_n);
}

static struct value plan_value(const struct boot_plan *b, const struct render_env *env,
                               struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_VALUE("entry", entry_value(&b->entry, env, a)),
        JSON_VALUE("menu", menu_list(b, env, a)),
        JSON_INT("timeout", b->timeout_s),
        JSON_VALUE("refusal", text_or_none(env->boot_refusal)),
        JSON_VALUE("mac", text_or_none(env->mac)),
        JSON_VALUE("uuid", text_or_none(env->uuid)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

struct value values_of_boot(const struct role *r, const struct render_env *env, struct arena *a)
{
    static const struct boot_plan disk = {.entry = {.kind = BOOT_LOCAL}};
    return plan_value(r && !env->boot_refusal.n ? &r->boot : &disk, env, a);
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
        JSON_VALUE("token", text_or_none(v.token)),
        JSON_VALUE("ca_hashes", value_list(hashes, v.ca_hashes_n)),
        JSON_VALUE("certificate_key", text_or_none(v.certificate_key)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}
