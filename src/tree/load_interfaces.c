/* SPDX-License-Identifier: Apache-2.0 */
/* The step for a node's `interfaces`: what they name must exist, and they must fit together. Its
 * lists of MACs and addresses are made of them, for all that does not ask where they belong. */
#include "tree/load.h"

#include "base/guess.h"

struct checking {
    struct load *l;
    const struct yaml_node *y; /* of `interfaces` */
    const struct node *node;
};

static const struct yaml_node *written(const struct yaml_node *interfaces, struct str name)
{
    return yaml_get(interfaces, name);
}

static struct place place_of(const struct checking *c, const struct interface *i, const char *key,
                             uint32_t item)
{
    return schema_place(&c->l->reader, written(c->y, i->name), key, item);
}

/* --- The lists of MACs and addresses ---------------------------------------------------------- */

static void set_kind(struct interface *i, const struct yaml_node *y)
{
    if (i->vlan)
        i->kind = INTERFACE_VLAN;
    else if (i->members_n)
        i->kind = yaml_get(y, STR("bridge")) ? INTERFACE_BRIDGE : INTERFACE_BOND;
}

static void join_addresses(struct load *l, struct node *node, struct interface *list, uint32_t n)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        count += list[i].addresses_n;
    if (count > NODE_ADDRESSES_MAX) {
        fault_add(l->faults, node->at,
                  "interfaces: %u addresses are too many; a node has at most %d", count,
                  NODE_ADDRESSES_MAX);
        count = 0;
    }
    struct address *all = ARENA_ARRAY(&l->tree->arena, struct address, count);
    for (uint32_t i = 0; count && i < n; i++) {
        for (uint8_t k = 0; k < list[i].addresses_n; k++)
            all[at++] = list[i].addresses[k];
        list[i].addresses = all + at - list[i].addresses_n;
    }
    node->addresses = all;
    node->addresses_n = (uint8_t)count;
}

static void join_macs(struct load *l, struct node *node, const struct interface *list, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += !mac_is_zero(list[i].mac);
    if (count > NODE_MACS_MAX) {
        fault_add(l->faults, node->at,
                  "interfaces: %u MAC addresses are too many; a node has at most "
                  "%d",
                  count, NODE_MACS_MAX);
        return;
    }
    struct mac *macs = ARENA_ARRAY(&l->tree->arena, struct mac, count);
    for (uint32_t i = 0; i < n; i++) {
        if (!mac_is_zero(list[i].mac))
            macs[node->macs_n++] = list[i].mac;
    }
    node->macs = macs;
}

static void refuse_both(struct load *l, const struct yaml_node *y, const char *key)
{
    if (yaml_get(y, str_from(key)))
        fault_add(l->faults, schema_place(&l->reader, y, key, 0),
                  "%s: this node has 'interfaces'; write them below the interface that has them",
                  key);
}

void load_interfaces(struct load *l, const struct yaml_node *y, struct node_draft *d)
{
    struct node *node = &d->node;
    const struct yaml_node *interfaces = yaml_get(y, STR("interfaces"));
    if (!d->interfaces_n)
        return;
    if (d->interfaces_n > NODE_INTERFACES_MAX) {
        fault_add(l->faults, schema_place(&l->reader, y, "interfaces", 0),
                  "interfaces: %u are too many; a node has at most %d", d->interfaces_n,
                  NODE_INTERFACES_MAX);
        return;
    }
    refuse_both(l, y, "macs");
    refuse_both(l, y, "addresses");
    node->macs_n = 0;
    for (uint32_t i = 0; i < d->interfaces_n; i++)
        set_kind(&d->interfaces[i], written(interfaces, d->interfaces[i].name));
    join_addresses(l, node, d->interfaces, d->interfaces_n);
    join_macs(l, node, d->interfaces, d->interfaces_n);
    node->interfaces = d->interfaces;
    node->interfaces_n = (uint8_t)d->interfaces_n;
}

struct place load_address_place(const struct load *l, const struct yaml_node *y,
                                const struct node *n, uint32_t number)
{
    if (!n->interfaces_n)
        return schema_place(&l->reader, y, "addresses", number);
    const struct interface *i = node_interface_of(n, (uint8_t)number);
    const struct yaml_node *interfaces = yaml_get(y, STR("interfaces"));
    return schema_place(&l->reader, written(interfaces, i->name), "addresses",
                        (uint32_t)(n->addresses + number - i->addresses));
}

struct place load_mac_place(const struct load *l, const struct yaml_node *y, const struct node *n,
                            uint32_t number)
{
    const struct interface *i = n->interfaces;
    if (!n->interfaces_n)
        return schema_place(&l->reader, y, "macs", number);
    for (;; i++) {
        if (!mac_is_zero(i->mac) && number-- == 0)
            break;
    }
    const struct yaml_node *interfaces = yaml_get(y, STR("interfaces"));
    return schema_place(&l->reader, written(interfaces, i->name), "mac", 0);
}

/* --- What is built on what -------------------------------------------------------------------- */

static const struct interface *find(const struct checking *c, const struct interface *of,
                                    const char *key, uint32_t item, struct str name)
{
    const struct interface *found = node_find_interface(c->node, name);
    struct guess g;
    if (found == of)
        fault_add(c->l->faults, place_of(c, of, key, item), "%s: '%s' cannot be built on itself",
                  key, name.p);
    if (found)
        return found == of ? NULL : found;
    guess_init(&g, name);
    for (uint8_t i = 0; i < c->node->interfaces_n; i++)
        guess_offer(&g, c->node->interfaces[i].name);
    fault_add(c->l->faults, place_of(c, of, key, item), "%s: this node has no interface '%s'%s",
              key, name.p, g.best.n ? guess_text(&g) : "; declare it beside this one");
    return NULL;
}

/* The bond or bridge that has it as a member; `after`: the next one behind that. */
static const struct interface *master_of(const struct node *n, const struct interface *i,
                                         const struct interface *after)
{
    const struct interface *end = n->interfaces + n->interfaces_n;
    for (const struct interface *m = after ? after + 1 : n->interfaces; m < end; m++) {
        if (m->kind != INTERFACE_VLAN && interface_is_below(i, m))
            return m;
    }
    return NULL;
}

static bool has_settings(const struct interface *i)
{
    return i->addresses_n || i->dhcp > DHCP_NONE || i->routes_n || i->dns_n || i->search_n ||
           i->default_route == CHOICE_TRUE;
}

static void check_member(const struct checking *c, const struct interface *master, uint8_t number)
{
    const char *kind = interface_kind_names[master->kind];
    struct place at = place_of(c, master, kind, number);
    const struct interface *m = find(c, master, kind, number, master->members[number]);
    if (!m)
        return;
    for (uint8_t i = 0; i < number; i++) {
        if (str_eq(master->members[i], m->name))
            fault_add(c->l->faults, at, "%s: '%s' is in the list twice", kind, m->name.p);
    }
    const struct interface *first = master_of(c->node, m, NULL);
    if (first != master && first != m)
        fault_add(c->l->faults, at, "%s: '%s' is a member of '%s' already", kind, m->name.p,
                  first->name.p);
    if (master->kind == INTERFACE_BOND && m->kind != INTERFACE_ETHERNET)
        fault_add(c->l->faults, at, "bond: '%s' is a %s; only cards can be members", m->name.p,
                  interface_kind_names[m->kind]);
    else if (m->kind == INTERFACE_BRIDGE)
        fault_add(c->l->faults, at, "bridge: '%s' is a bridge itself; name its members instead",
                  m->name.p);
    if (has_settings(m))
        fault_add(
            c->l->faults, m->at,
            "interface: '%s' is a member of '%s', so it has no addresses, DHCP, routes or name "
            "servers of its own; move them there",
            m->name.p, master->name.p);
}

static void check_mtu(const struct checking *c, const struct interface *vlan,
                      const struct interface *link)
{
    if (vlan->mtu && link->mtu && vlan->mtu > link->mtu)
        fault_add(c->l->faults, place_of(c, vlan, "mtu", 0),
                  "mtu: '%s' below it has %u; a VLAN cannot have more", link->name.p, link->mtu);
}

static void check_vlan(const struct checking *c, const struct interface *vlan)
{
    const struct interface *link = find(c, vlan, "link", 0, vlan->link);
    if (!link)
        return;
    const struct interface *master = master_of(c->node, link, NULL);
    if (link->kind == INTERFACE_VLAN)
        fault_add(c->l->faults, place_of(c, vlan, "link", 0),
                  "link: '%s' is a VLAN itself; name the interface that it is on", link->name.p);
    else if (master && master->kind == INTERFACE_BOND)
        fault_add(c->l->faults, place_of(c, vlan, "link", 0),
                  "link: '%s' is a member of the bond '%s'; put the VLAN on the bond", link->name.p,
                  master->name.p);
    for (const struct interface *other = c->node->interfaces; other < vlan; other++) {
        if (other->vlan == vlan->vlan && str_eq(other->link, vlan->link))
            fault_add(c->l->faults, place_of(c, vlan, "vlan", 0),
                      "vlan: '%s' is VLAN %u on '%s' already", other->name.p, vlan->vlan,
                      vlan->link.p);
    }
    check_mtu(c, vlan, link);
}

/* A bridge of a VLAN that is on this bridge. */
static void check_loop(const struct checking *c, const struct interface *bridge)
{
    for (uint8_t i = 0; i < bridge->members_n; i++) {
        const struct interface *m = node_find_interface(c->node, bridge->members[i]);
        if (m && m->kind == INTERFACE_VLAN && str_eq(m->link, bridge->name))
            fault_add(c->l->faults, place_of(c, bridge, "bridge", i),
                      "bridge: '%s' is a VLAN on this very bridge", m->name.p);
    }
}

/* --- Addresses and routes ----------------------------------------------------------------------
 */

static const struct network *network_of(const struct checking *c, const struct interface *i,
                                        uint8_t k)
{
    return c->node->networks ? c->node->networks[i->addresses - c->node->addresses + k] : NULL;
}

static void check_vlan_networks(const struct checking *c, const struct interface *i)
{
    for (uint8_t k = 0; k < i->addresses_n; k++) {
        const struct network *net = network_of(c, i, k);
        if (i->vlan && net && net->vlan && net->vlan != i->vlan)
            fault_add(c->l->faults, place_of(c, i, "addresses", k),
                      "addresses: network '%s' at %s:%u has VLAN %u, and this interface is VLAN %u",
                      net->name.p, net->at.file, net->at.line, net->vlan, i->vlan);
    }
}

/* With DHCP, the networks that it will be in are not known. */
static bool reaches(const struct checking *c, const struct interface *i,
                    const struct network_route *route)
{
    bool dynamic = i->dhcp > DHCP_NONE || (i->dhcp == DHCP_AUTO && !i->addresses_n);
    bool found = route->on_link || dynamic || address_is_link_local(route->via);
    for (uint8_t k = 0; k < i->addresses_n && !found; k++) {
        const struct network *net = network_of(c, i, k);
        found = !net || network_contains(net, route->via);
    }
    return found;
}

static void check_routes(const struct checking *c, const struct interface *i)
{
    const struct yaml_node *list = yaml_get(written(c->y, i->name), STR("routes"));
    for (uint32_t k = 0; k < i->routes_n; k++) {
        char via[ADDRESS_TEXT_SIZE];
        const struct yaml_node *item = list->kind == YAML_SEQUENCE ? list->items[k] : list;
        if (!reaches(c, i, &i->routes[k]))
            fault_add(
                c->l->faults, schema_place(&c->l->reader, item, "via", 0),
                "via: %s is in no network that '%s' has an address in; if the router is on the "
                "same link, add on_link: true to the route",
                address_text(i->routes[k].via, via), i->name.p);
    }
}

/* cloud-init drops an interface that has search domains and no name server. */
static void check_search(const struct checking *c, const struct interface *i)
{
    bool found = i->dns_n || !i->search_n;
    for (uint8_t k = 0; k < i->addresses_n && !found; k++) {
        const struct network *net = network_of(c, i, k);
        found = !net || net->dns_n;
    }
    if (!found)
        fault_add(c->l->faults, place_of(c, i, "search", 0),
                  "search: there is no name server that would be asked; add 'dns'");
}

static bool has_gateway(const struct checking *c, const struct interface *i, uint8_t family)
{
    for (uint8_t k = 0; k < i->addresses_n; k++) {
        const struct network *net = network_of(c, i, k);
        if (!net || (i->addresses[k].family == family && network_gateway(net, family).family))
            return true;
    }
    return false;
}

static void check_default_routes(const struct checking *c)
{
    const struct interface *first = NULL;
    for (uint8_t k = 0; k < c->node->interfaces_n; k++) {
        const struct interface *i = &c->node->interfaces[k];
        if (i->default_route != CHOICE_TRUE)
            continue;
        struct place at = place_of(c, i, "default_route", 0);
        if (first)
            fault_add(c->l->faults, at,
                      "default_route: '%s' has it already, in line %u; a node has one",
                      first->name.p, place_of(c, first, "default_route", 0).line);
        else if (i->addresses_n && i->dhcp <= DHCP_NONE && !has_gateway(c, i, 4) &&
                 !has_gateway(c, i, 6))
            fault_add(c->l->faults, at,
                      "default_route: no network of '%s' has a gateway; add it to the network",
                      i->name.p);
        first = first ? first : i;
    }
}

void load_check_interfaces(struct load *l, const struct yaml_node *y, const struct node *node)
{
    struct checking c = {.l = l, .y = yaml_get(y, STR("interfaces")), .node = node};
    /* One that is faulty by itself was dropped: what names it is not a second fault. */
    if (!node->interfaces_n || c.y->kind != YAML_MAPPING || c.y->n != node->interfaces_n)
        return;
    for (uint8_t k = 0; k < node->interfaces_n; k++) {
        const struct interface *i = &node->interfaces[k];
        for (uint8_t m = 0; m < i->members_n; m++)
            check_member(&c, i, m);
        if (i->kind == INTERFACE_VLAN)
            check_vlan(&c, i);
        if (i->kind == INTERFACE_BRIDGE)
            check_loop(&c, i);
        check_vlan_networks(&c, i);
        check_routes(&c, i);
        check_search(&c, i);
    }
    check_default_routes(&c);
}
