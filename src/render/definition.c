/* SPDX-License-Identifier: Apache-2.0 */
#include "render/definition.h"

#include "render/pairs.h"
#include "render/values.h"

static struct value text_or_none(struct str text)
{
    return text.n ? value_str(text) : value_none();
}

static struct value addresses_value(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->addresses_n);
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        char text[ADDRESS_TEXT_SIZE];
        items[i] = value_str(arena_str(a, str_from(address_text(n->addresses[i], text))));
    }
    return value_list(items, n->addresses_n);
}

/* Only the node's own. */
static struct value variables_value(const struct node *n, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, n->variables.n);
    for (uint32_t i = 0; i < n->variables.n; i++) {
        const struct variable *v = &n->variables.list[i];
        struct str name = v->adds ? ARENA_JOIN(a, v->name, STR("+")) : v->name;
        pairs[i] = (struct value_pair){value_str(name), v->value};
    }
    return value_map(pairs, n->variables.n);
}

/* "seed/nodes/homelab.yaml:9"; null: it was registered with a server. */
static struct value declared_value(const struct node *n, struct arena *a)
{
    return n->at.line ? value_str(arena_printf(a, "%s:%u", n->at.file, n->at.line)) : value_none();
}

/* --- Interfaces, as they would be written ---------------------------------------------------- */

static struct value route_value(const struct network_route *r, struct arena *a)
{
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("to"), pairs_cidr(r->to, a));
    pairs_put(&m, STR("via"), pairs_address(r->via, a));
    if (r->metric)
        pairs_put(&m, STR("metric"), value_int(r->metric));
    if (r->on_link)
        pairs_put(&m, STR("on_link"), value_bool(true));
    return pairs_value(&m, a);
}

static struct value routes_value(const struct interface *i, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, i->routes_n);
    for (uint32_t k = 0; k < i->routes_n; k++)
        items[k] = route_value(&i->routes[k], a);
    return value_list(items, i->routes_n);
}

/* What has its default is left out: the first name of a list of names. */
static void put_name(struct pairs *m, struct str key, const char *const *names, int value)
{
    if (value)
        pairs_put(m, key, value_str(str_from(names[value])));
}

static void put_some(struct pairs *m, struct str key, struct value v)
{
    if (v.kind != VALUE_NONE && (v.kind != VALUE_LIST || v.n))
        pairs_put(m, key, v);
}

static void put_kind(struct pairs *m, const struct interface *i, struct arena *a)
{
    struct value members = pairs_texts(i->members, i->members_n, a);
    put_some(m, STR("vlan"), pairs_number(i->vlan));
    put_some(m, STR("link"), pairs_text(i->link));
    if (i->kind == INTERFACE_BOND || i->kind == INTERFACE_BRIDGE)
        pairs_put(m, str_from(interface_kind_names[i->kind]), members);
    put_name(m, STR("mode"), bond_mode_names, (int)i->mode);
    put_some(m, STR("primary"), pairs_text(i->primary));
    put_name(m, STR("lacp_rate"), bond_lacp_rate_names, i->lacp_rate);
    put_name(m, STR("hash_policy"), bond_hash_policy_names, i->hash_policy);
    if (i->stp)
        pairs_put(m, STR("stp"), value_bool(true));
}

static struct value interface_value(const struct interface *i, struct arena *a)
{
    char mac[MAC_TEXT_SIZE];
    struct pairs m = {.n = 0};
    if (!mac_is_zero(i->mac))
        pairs_put(&m, STR("mac"), value_str(arena_str(a, str_from(mac_text(i->mac, mac)))));
    put_some(&m, STR("addresses"), pairs_addresses(i->addresses, i->addresses_n, a));
    put_name(&m, STR("dhcp"), interface_dhcp_names, (int)i->dhcp);
    put_name(&m, STR("optional"), interface_choice_names, (int)i->optional);
    put_name(&m, STR("default_route"), interface_choice_names, (int)i->default_route);
    put_some(&m, STR("mtu"), pairs_number(i->mtu));
    put_some(&m, STR("dns"), pairs_addresses(i->dns, i->dns_n, a));
    put_some(&m, STR("search"), pairs_texts(i->search, i->search_n, a));
    put_some(&m, STR("routes"), routes_value(i, a));
    put_kind(&m, i, a);
    return pairs_value(&m, a);
}

static struct value interfaces_value(const struct node *n, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, n->interfaces_n);
    for (uint8_t i = 0; i < n->interfaces_n; i++)
        pairs[i] = (struct value_pair){value_str(n->interfaces[i].name),
                                       interface_value(&n->interfaces[i], a)};
    return value_map(pairs, n->interfaces_n);
}

/* --- The whole ------------------------------------------------------------------------------- */

size_t definition_pairs(const struct node *n, struct arena *a,
                        struct value_pair ret[static DEFINITION_PAIRS])
{
    const struct value_pair pairs[DEFINITION_PAIRS] = {
        JSON_STR("name", n->name),
        JSON_STR("uid", n->uid),
        JSON_STR("role", n->role->name),
        JSON_VALUE("cluster", n->cluster ? value_str(n->cluster->name) : value_none()),
        JSON_STR("bootstrap", str_from(bootstrap_names[n->role->bootstrap])),
        JSON_STR("fqdn", values_fqdn(n, a)),
        JSON_VALUE("macs", node_macs_value(n, a)),
        JSON_VALUE("uuid", node_uuid_value(n, a)),
        JSON_VALUE("serial", text_or_none(n->serial)),
        JSON_VALUE("addresses", addresses_value(n, a)),
        JSON_VALUE("variables", variables_value(n, a)),
        JSON_INT("key_epoch", n->key_epoch),
        JSON_VALUE("declared", declared_value(n, a)),
        JSON_VALUE("interfaces", interfaces_value(n, a)), /* the last: only where there are some */
    };
    memcpy(ret, pairs, sizeof(pairs));
    return n->interfaces_n ? DEFINITION_PAIRS : DEFINITION_PAIRS - 1;
}
