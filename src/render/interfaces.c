/* SPDX-License-Identifier: Apache-2.0 */
#include "render/interfaces.h"

#include "render/pairs.h"

#define NICS_MAX NODE_INTERFACES_MAX /* more than there are addresses or MACs */

/* An interface: declared, or one for each VLAN of the node's networks and each MAC beyond them. */
struct nic {
    const struct interface *declared; /* NULL: it follows from MACs and networks */
    uint16_t vlan;                    /* of the networks of its addresses */
    uint8_t first, count;             /* in `order` */
};

struct nics {
    const struct node *node;
    const struct network *first_network;
    struct value networks; /* as values_of_networks made them */
    struct arena *arena;
    struct nic list[NICS_MAX];
    uint8_t order[NODE_ADDRESSES_MAX]; /* numbers of addresses, sorted by interface */
    uint8_t n;
};

static void take_declared(struct nics *all)
{
    const struct node *n = all->node;
    uint8_t at = 0;
    for (uint8_t i = 0; i < n->interfaces_n; i++) {
        uint8_t count = n->interfaces[i].addresses_n;
        all->list[all->n++] = (struct nic){&n->interfaces[i], 0, at, count};
        at = (uint8_t)(at + count);
    }
    for (uint8_t i = 0; i < n->addresses_n; i++)
        all->order[i] = i;
}

/* Addresses whose networks share a VLAN share an interface; the first VLAN is the first MAC's. */
static void group_by_vlan(struct nics *all)
{
    const struct node *n = all->node;
    bool taken[NODE_ADDRESSES_MAX] = {false};
    uint8_t at = 0;
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        if (taken[i])
            continue;
        struct nic *group = &all->list[all->n++];
        *group = (struct nic){.vlan = n->networks[i]->vlan, .first = at};
        for (uint8_t j = i; j < n->addresses_n; j++) {
            if (taken[j] || n->networks[j]->vlan != group->vlan)
                continue;
            taken[j] = true;
            all->order[at++] = j;
            group->count++;
        }
    }
    while (all->n < n->macs_n)
        all->list[all->n++] = (struct nic){0};
}

/* --- Addresses ------------------------------------------------------------------------------- */

static enum interface_choice default_route(const struct node *n, uint8_t address)
{
    return n->interfaces_n ? node_interface_of(n, address)->default_route : CHOICE_AUTO;
}

/* 0: it cannot bring the default route of that family; the highest brings it. */
static unsigned rank(const struct node *n, uint8_t address, uint8_t family)
{
    enum interface_choice choice = default_route(n, address);
    if (n->addresses[address].family != family || choice == CHOICE_FALSE ||
        !network_gateway(n->networks[address], family).family)
        return 0;
    return choice == CHOICE_TRUE ? 2 : 1;
}

/* A node has one default route for each family: by the first address with a gateway, or by the
 * interface that is chosen. */
static bool brings_default_route(const struct node *n, uint8_t number)
{
    uint8_t family = n->addresses[number].family;
    unsigned own = rank(n, number, family);
    for (uint8_t i = 0; own && i < n->addresses_n; i++) {
        unsigned other = i == number ? 0 : rank(n, i, family);
        if (other > own || (other == own && i < number))
            return false;
    }
    return own > 0;
}

static struct value of_network(const struct nics *all, uint8_t number, struct str key)
{
    ptrdiff_t at = all->node->networks[number] - all->first_network;
    return value_get(all->networks.pairs[at].value, key);
}

static struct value cidr_of(struct value address, const struct cidr *range, struct arena *a)
{
    char digits[STR_U64_SIZE];
    return value_str(
        ARENA_JOIN(a, value_text(address), STR("/"), str_of_u64(range->prefix, digits)));
}

static struct value address_value(const struct nics *all, uint8_t number)
{
    const struct node *n = all->node;
    const struct network *net = n->networks[number];
    uint8_t family = n->addresses[number].family;
    const struct cidr *range = network_range(net, family);
    struct address gateway = network_gateway(net, family);
    struct value address = pairs_address(n->addresses[number], all->arena);
    bool leads = brings_default_route(n, number);
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("address"), address);
    pairs_put(&m, STR("cidr"), cidr_of(address, range, all->arena));
    pairs_put(&m, STR("family"), value_int(family));
    pairs_put(&m, STR("network"), value_str(net->name));
    pairs_put(&m, STR("gateway"),
              leads
                  ? of_network(all, number, range == &net->cidr ? STR("gateway") : STR("gateway6"))
                  : value_none());
    pairs_put(
        &m, STR("on_link"),
        value_bool(leads && !cidr_contains(*range, gateway) && !address_is_link_local(gateway)));
    pairs_put(&m, STR("dns"), of_network(all, number, STR("dns")));
    pairs_put(&m, STR("search"), of_network(all, number, STR("search")));
    return pairs_value(&m, all->arena);
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

/* --- Settings -------------------------------------------------------------------------------- */

static bool is_base(const struct nics *all, const struct nic *nic)
{
    return nic->declared && node_interface_is_base(all->node, nic->declared);
}

/* The families that it asks DHCP for. */
static struct value dhcp_value(const struct nics *all, const struct nic *nic)
{
    enum interface_dhcp dhcp = nic->declared ? nic->declared->dhcp : DHCP_AUTO;
    struct value *items = ARENA_ARRAY(all->arena, struct value, 2);
    size_t n = 0;
    if (dhcp == DHCP_AUTO)
        dhcp = nic->count || is_base(all, nic) ? DHCP_NONE : DHCP_IPV4;
    if (dhcp == DHCP_IPV4 || dhcp == DHCP_BOTH)
        items[n++] = value_int(4);
    if (dhcp == DHCP_IPV6 || dhcp == DHCP_BOTH)
        items[n++] = value_int(6);
    return value_list(items, n);
}

/* Whether what DHCP says of a default route counts. */
static bool takes_default_route(const struct nics *all, const struct nic *nic)
{
    const struct interface *own = nic->declared;
    for (uint8_t i = 0; i < all->n; i++) {
        const struct interface *other = all->list[i].declared;
        if (other && other != own && other->default_route == CHOICE_TRUE)
            return false;
    }
    return !own || own->default_route != CHOICE_FALSE;
}

/* Without an address it may wait for DHCP in vain, and the boot with it: not where another
 * interface brings the node to its network. */
static bool is_optional(const struct nics *all, const struct nic *nic)
{
    if (nic->declared && nic->declared->optional != CHOICE_AUTO)
        return nic->declared->optional == CHOICE_TRUE;
    if (nic->count || is_base(all, nic))
        return !nic->count;
    for (uint8_t i = 0; i < all->n; i++) {
        const struct nic *other = &all->list[i];
        if (other->count || (other < nic && !is_base(all, other)))
            return true;
    }
    return false;
}

static uint16_t own_mtu(const struct nics *all, const struct nic *nic)
{
    uint16_t mtu = nic->declared ? nic->declared->mtu : 0;
    for (uint8_t i = 0; !mtu && i < nic->count; i++)
        mtu = all->node->networks[all->order[nic->first + i]]->mtu;
    return mtu;
}

/* What is below has at least the MTU of what is above. */
static uint16_t mtu_of(const struct nics *all, const struct nic *nic, unsigned depth)
{
    uint16_t mtu = own_mtu(all, nic);
    if (!nic->declared || nic->declared->mtu || depth > all->n)
        return mtu;
    for (uint8_t i = 0; i < all->n; i++) {
        if (!interface_is_below(nic->declared, all->list[i].declared))
            continue;
        uint16_t above = mtu_of(all, &all->list[i], depth + 1);
        mtu = above > mtu ? above : mtu;
    }
    return mtu;
}

/* Whether an earlier address of the interface brings the same routes. */
static bool is_repeated(const struct nics *all, const struct nic *nic, uint8_t i)
{
    const struct node *n = all->node;
    uint8_t number = all->order[nic->first + i];
    for (uint8_t k = 0; k < i; k++) {
        uint8_t earlier = all->order[nic->first + k];
        if (n->networks[earlier] == n->networks[number] &&
            n->addresses[earlier].family == n->addresses[number].family)
            return true;
    }
    return false;
}

static struct value route_list(const struct nics *all, const struct nic *nic)
{
    const struct node *n = all->node;
    const struct interface *own = nic->declared;
    uint32_t room = own ? own->routes_n : 0, count = 0;
    for (uint8_t i = 0; i < nic->count; i++)
        room += n->networks[all->order[nic->first + i]]->routes_n;
    struct value *items = ARENA_ARRAY(all->arena, struct value, room);
    for (uint8_t i = 0; i < nic->count; i++) {
        uint8_t number = all->order[nic->first + i];
        const struct network *net = n->networks[number];
        for (uint32_t k = 0; k < net->routes_n && !is_repeated(all, nic, i); k++) {
            if (net->routes[k].via.family == n->addresses[number].family)
                items[count++] = pairs_route(&net->routes[k], all->arena);
        }
    }
    for (uint32_t k = 0; own && k < own->routes_n; k++)
        items[count++] = pairs_route(&own->routes[k], all->arena);
    return value_list(items, count);
}

/* --- VLANs, bonds and bridges ---------------------------------------------------------------- */

static void put_bond(struct pairs *m, const struct interface *i)
{
    pairs_put(m, STR("mode"), value_str(str_from(bond_mode_names[i->mode])));
    /* Without it a bond never sees that a member has lost its link. */
    pairs_put(m, STR("mii-monitor-interval"), value_int(100));
    if (i->primary.n)
        pairs_put(m, STR("primary"), value_str(i->primary));
    if (i->lacp_rate)
        pairs_put(m, STR("lacp-rate"), value_str(str_from(bond_lacp_rate_names[i->lacp_rate])));
    if (i->hash_policy)
        pairs_put(m, STR("transmit-hash-policy"),
                  value_str(str_from(bond_hash_policy_names[i->hash_policy])));
}

/* As netplan names them. */
static struct value parameters_value(const struct interface *i, struct arena *a)
{
    struct pairs m = {.n = 0};
    if (i->kind == INTERFACE_BOND)
        put_bond(&m, i);
    else if (i->kind == INTERFACE_BRIDGE)
        pairs_put(&m, STR("stp"), value_bool(i->stp));
    else
        return value_none();
    return pairs_value(&m, a);
}

static void put_kind(struct pairs *m, const struct interface *i, struct arena *a)
{
    static const struct interface plain = {.kind = INTERFACE_ETHERNET};
    i = i ? i : &plain;
    pairs_put(m, STR("link"), pairs_text(i->link));
    pairs_put(m, STR("vlan"), pairs_number(i->vlan));
    pairs_put(m, STR("members"), pairs_texts(i->members, i->members_n, a));
    pairs_put(m, STR("parameters"), parameters_value(i, a));
}

struct value interfaces_mac(const struct node *n, uint32_t number, struct arena *a)
{
    char text[MAC_TEXT_SIZE];
    if (number >= n->macs_n)
        return value_none();
    return value_str(arena_str(a, str_from(mac_text(n->macs[number], text))));
}

/* Bonds and bridges have the MAC of their first card, so that DHCP knows them by it. */
static struct value mac_of_declared(const struct nics *all, const struct interface *i)
{
    char text[MAC_TEXT_SIZE];
    const struct interface *card = node_card_of(all->node, i);
    if (!card || i->kind == INTERFACE_VLAN)
        return value_none();
    return value_str(arena_str(all->arena, str_from(mac_text(card->mac, text))));
}

/* --- The list -------------------------------------------------------------------------------- */

static void put_identity(struct pairs *m, const struct nics *all, uint8_t number)
{
    const struct interface *i = all->list[number].declared;
    char digits[STR_U64_SIZE];
    struct str kind = str_from(interface_kind_names[i ? i->kind : INTERFACE_ETHERNET]);
    pairs_put(
        m, STR("name"),
        value_str(i ? i->name : ARENA_JOIN(all->arena, STR("eth"), str_of_u64(number, digits))));
    pairs_put(m, STR("kind"), value_str(kind));
    pairs_put(m, STR("declared"), value_bool(i != NULL));
    pairs_put(m, STR("mac"),
              i ? mac_of_declared(all, i) : interfaces_mac(all->node, number, all->arena));
}

static void put_name_servers(struct pairs *m, const struct nics *all, const struct nic *nic,
                             const struct value *addresses)
{
    const struct interface *i = nic->declared;
    struct arena *a = all->arena;
    pairs_put(m, STR("dns"),
              i && i->dns_n ? pairs_addresses(i->dns, i->dns_n, a)
                            : united(addresses, nic->count, STR("dns"), a));
    pairs_put(m, STR("search"),
              i && i->search_n ? pairs_texts(i->search, i->search_n, a)
                               : united(addresses, nic->count, STR("search"), a));
}

static struct value nic_value(const struct nics *all, uint8_t number)
{
    const struct nic *nic = &all->list[number];
    struct value *addresses = ARENA_ARRAY(all->arena, struct value, nic->count);
    for (uint8_t i = 0; i < nic->count; i++)
        addresses[i] = address_value(all, all->order[nic->first + i]);
    struct pairs m = {.n = 0};
    put_identity(&m, all, number);
    pairs_put(&m, STR("addresses"), value_list(addresses, nic->count));
    put_name_servers(&m, all, nic, addresses);
    pairs_put(&m, STR("dhcp"), dhcp_value(all, nic));
    pairs_put(&m, STR("default_route"), value_bool(takes_default_route(all, nic)));
    pairs_put(&m, STR("mtu"), pairs_number(mtu_of(all, nic, 0)));
    pairs_put(&m, STR("optional"), value_bool(is_optional(all, nic)));
    pairs_put(&m, STR("routes"), route_list(all, nic));
    put_kind(&m, nic->declared, all->arena);
    return pairs_value(&m, all->arena);
}

struct value interfaces_of_node(const struct node *n, const struct site *site,
                                struct value networks, struct arena *a)
{
    struct nics all = {
        .node = n, .first_network = site->networks, .networks = networks, .arena = a, .n = 0};
    if (n->interfaces_n)
        take_declared(&all);
    else
        group_by_vlan(&all);
    struct value *items = ARENA_ARRAY(a, struct value, all.n);
    for (uint8_t i = 0; i < all.n; i++)
        items[i] = nic_value(&all, i);
    return value_list(items, all.n);
}
