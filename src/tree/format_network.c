/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the site's networks, and of a node's interfaces. */
#include "tree/format.h"
#include "tree/types.h"

/* --- Routes ---------------------------------------------------------------------------------- */

static void check_route(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct network_route *route = made;
    if (route->to.prefix == 0)
        fault_add(r->faults, schema_place(r, y, "to", 0),
                  "to: this is the default route; write its router as the 'gateway' of a network");
    else if (route->to.base.family != route->via.family)
        fault_add(r->faults, schema_place(r, y, "via", 0),
                  "via: name a router of IPv%d, like the network that the route leads to",
                  route->to.base.family);
}

static const struct schema_field route_fields[] = {
    {.name = "to",
     .type = &schema_cidr,
     SCHEMA_MEMBER(struct network_route, to),
     .required = true,
     .help = "The network that it leads to.",
     .example = "10.0.40.0/24"},
    {.name = "via",
     .type = &schema_address,
     SCHEMA_MEMBER(struct network_route, via),
     .required = true,
     .help = "The router's address.",
     .example = "10.0.20.254"},
    {.name = "metric",
     .type = &schema_int,
     SCHEMA_MEMBER(struct network_route, metric),
     .min = 1,
     .max = UINT32_MAX,
     .help = "The lower, the more it is preferred.",
     .example = "200"},
    {.name = "on_link",
     .type = &schema_bool,
     SCHEMA_MEMBER(struct network_route, on_link),
     .fallback = "false",
     .help = "Whether the router is reached directly though its address is outside the networks of "
             "the interface.",
     .example = "true"},
};

static const struct schema route_schema = {
    .title = "route",
    .help = "A static route, besides the default route.",
    .size = sizeof(struct network_route),
    SCHEMA_FIELDS(route_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct network_route, at),
    .check = check_route,
};

/* --- Networks -------------------------------------------------------------------------------- */

/* Whether a machine in `range` reaches the router. */
static bool reaches(struct cidr range, struct address router, bool on_link)
{
    if (router.family != range.base.family)
        return false;
    return on_link || address_is_link_local(router) || cidr_has_host(range, router);
}

static void check_gateway(struct schema_reader *r, const struct yaml_node *y, const char *key,
                          struct address gateway, struct cidr range, bool on_link)
{
    char text[ADDRESS_TEXT_SIZE], cidr[CIDR_TEXT_SIZE];
    struct place at = schema_place(r, y, key, 0);
    if (!gateway.family || reaches(range, gateway, on_link))
        return;
    address_text(gateway, text);
    cidr_text(range, cidr);
    if (gateway.family != range.base.family)
        fault_add(r->faults, at, "%s: %s is not of the same family as %s", key, text, cidr);
    else
        fault_add(r->faults, at,
                  "%s: %s is not an address of a machine in %s; if the router is outside it on the "
                  "same link, add on_link: true",
                  key, text, cidr);
}

static void check_ranges(struct schema_reader *r, const struct yaml_node *y,
                         const struct network *net)
{
    if (net->cidr6.base.family == 4)
        fault_add(r->faults, schema_place(r, y, "cidr6", 0),
                  "cidr6: this is a network of IPv4; write it as 'cidr'");
    else if (net->cidr6.base.family && net->cidr.base.family == 6)
        fault_add(r->faults, schema_place(r, y, "cidr6", 0),
                  "cidr6: 'cidr' is a network of IPv6 already; for dual stack 'cidr' has IPv4");
    else if (net->gateway6.family && !net->cidr6.base.family)
        fault_add(r->faults, schema_place(r, y, "gateway6", 0),
                  "gateway6: it is the router of 'cidr6', which is missing; that of 'cidr' is "
                  "'gateway'");
}

static void check_routers(struct schema_reader *r, const struct yaml_node *y,
                          const struct network *net)
{
    for (uint32_t i = 0; i < net->routes_n; i++) {
        const struct network_route *route = &net->routes[i];
        const struct cidr *range = network_range(net, route->via.family);
        char via[ADDRESS_TEXT_SIZE];
        const struct yaml_node *list = yaml_get(y, STR("routes"));
        const struct yaml_node *item = list->kind == YAML_SEQUENCE ? list->items[i] : list;
        if (!range || !reaches(*range, route->via, route->on_link))
            fault_add(r->faults, schema_place(r, item, "via", 0),
                      "via: %s is not an address of a machine in this network; if the router is "
                      "outside it on the same link, add on_link: true to the route",
                      address_text(route->via, via));
    }
}

static void check_network(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct network *net = made;
    size_t errors = r->faults->errors;
    check_ranges(r, y, net);
    if (r->faults->errors != errors)
        return;
    check_gateway(r, y, "gateway", net->gateway, net->cidr, net->on_link);
    check_gateway(r, y, "gateway6", net->gateway6, net->cidr6, net->on_link);
    check_routers(r, y, net);
}

static const struct schema_field network_fields[] = {
    {.name = "cidr",
     .type = &schema_cidr,
     SCHEMA_MEMBER(struct network, cidr),
     .required = true,
     .help = "The network's address and prefix.",
     .example = "10.0.20.0/24"},
    {.name = "cidr6",
     .type = &schema_cidr,
     SCHEMA_MEMBER(struct network, cidr6),
     .help = "Its second range for dual stack, of IPv6; `cidr` is of IPv4 then.",
     .example = "fd00:20::/64"},
    {.name = "vlan",
     .type = &schema_int,
     SCHEMA_MEMBER(struct network, vlan),
     .min = 1,
     .max = 4094,
     .help = "Its VLAN, where the machines see it tagged or the hypervisor tags for them.",
     .example = "20"},
    {.name = "gateway",
     .type = &schema_address,
     SCHEMA_MEMBER(struct network, gateway),
     .help = "The router's address in it; for IPv6 it may be link-local, like fe80::1.",
     .example = "10.0.20.1"},
    {.name = "gateway6",
     .type = &schema_address,
     SCHEMA_MEMBER(struct network, gateway6),
     .help = "The router's address for `cidr6`.",
     .example = "fe80::1"},
    {.name = "on_link",
     .type = &schema_bool,
     SCHEMA_MEMBER(struct network, on_link),
     .fallback = "false",
     .help = "Whether the gateways are reached directly though they are outside the network, as "
             "with a /32 at a hosting provider.",
     .example = "true"},
    {.name = "mtu",
     .type = &schema_int,
     SCHEMA_MEMBER(struct network, mtu),
     .min = MTU_MIN,
     .max = MTU_MAX,
     .help = "The MTU of the interfaces in it; without it the system's own.",
     .example = "9000"},
    {.name = "dns",
     .type = &schema_address,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct network, dns),
     .help = "Name servers for the machines in it.",
     .example = "[10.0.20.1]"},
    {.name = "search",
     .type = &schema_domain,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct network, search),
     .help = "Domains that short names are looked up in.",
     .example = "[home.arpa]"},
    {.name = "routes",
     .of = &route_schema,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct network, routes),
     .help = "Static routes of the machines in it."},
};

const struct schema format_network = {
    .title = "network",
    .help = "Every address of a node must lie in one of these networks. They may not overlap.",
    .size = sizeof(struct network),
    SCHEMA_FIELDS(network_fields),
    .name_offset = offsetof(struct network, name),
    .place_offset = offsetof(struct network, at),
    .check = check_network,
};

/* --- Interfaces ------------------------------------------------------------------------------ */

/* Names that the kernel takes and that need no quoting in a shell. */
static bool interface_name_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], lower = (char)(c | 0x20);
        bool word = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
        if (!word && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return s.n > 0 && s.n <= INTERFACE_NAME_MAX && !str_is(s, "lo") && !str_is(s, "all") &&
           !str_is(s, "default") && strspn(s.p, "0123456789") < s.n;
}

static bool read_interface_name(struct schema_reader *r, const struct schema_field *f,
                                const struct yaml_node *y, void *out)
{
    if (!interface_name_valid(yaml_text(y)))
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type interface_name_type = {
    .what = "the name of an interface: letters, digits, and inside . _ and -; 15 at most",
    .size = sizeof(struct str),
    .read = read_interface_name};

/* Keys that only one kind of interface has. */
static const struct kind_key {
    const char *key;
    enum interface_kind kind;
} kind_keys[] = {
    {"mac", INTERFACE_ETHERNET}, {"link", INTERFACE_VLAN},      {"mode", INTERFACE_BOND},
    {"primary", INTERFACE_BOND}, {"lacp_rate", INTERFACE_BOND}, {"hash_policy", INTERFACE_BOND},
    {"stp", INTERFACE_BRIDGE},
};

static void check_bond(struct schema_reader *r, const struct yaml_node *y,
                       const struct interface *bond)
{
    bool has_primary = bond->mode == BOND_ACTIVE_BACKUP || bond->mode == BOND_BALANCE_TLB ||
                       bond->mode == BOND_BALANCE_ALB;
    bool member = false;
    if (!yaml_get(y, STR("bond")))
        return;
    for (uint8_t i = 0; i < bond->members_n; i++)
        member |= str_eq(bond->members[i], bond->primary);
    if (bond->primary.n && !member)
        fault_add(r->faults, schema_place(r, y, "primary", 0),
                  "primary: '%s' is not a member of this bond", bond->primary.p);
    if (bond->primary.n && !has_primary)
        fault_add(r->faults, schema_place(r, y, "primary", 0),
                  "primary: a bond of mode %s uses all members alike; leave it out",
                  bond_mode_names[bond->mode]);
    if (bond->lacp_rate && bond->mode != BOND_802_3AD)
        fault_add(r->faults, schema_place(r, y, "lacp_rate", 0),
                  "lacp_rate: only a bond of mode 802.3ad has it; this one is of mode %s",
                  bond_mode_names[bond->mode]);
}

static const char *wrong_key(const struct yaml_node *y, enum interface_kind kind)
{
    for (size_t i = 0; i < sizeof(kind_keys) / sizeof(kind_keys[0]); i++) {
        if (kind_keys[i].kind != kind && yaml_get(y, str_from(kind_keys[i].key)))
            return kind_keys[i].key;
    }
    return NULL;
}

static enum interface_kind kind_of_key(const char *key)
{
    size_t i = 0;
    while (strcmp(kind_keys[i].key, key) != 0)
        i++;
    return kind_keys[i].kind;
}

/* The kind follows from the key that is there: bond, bridge or vlan. */
static void check_kind(struct schema_reader *r, const struct yaml_node *y,
                       const struct interface *made)
{
    static const char *const keys[] = {
        [INTERFACE_BOND] = "bond", [INTERFACE_BRIDGE] = "bridge", [INTERFACE_VLAN] = "vlan"};
    enum interface_kind kind = INTERFACE_ETHERNET;
    for (enum interface_kind k = INTERFACE_BOND; k <= INTERFACE_VLAN; k++) {
        if (!yaml_get(y, str_from(keys[k])))
            continue;
        if (kind != INTERFACE_ETHERNET)
            fault_add(r->faults, schema_place(r, y, keys[k], 0),
                      "interface: it has '%s' already; keep one of bond, bridge and vlan",
                      keys[kind]);
        kind = k;
    }
    const char *wrong = wrong_key(y, kind);
    if (wrong && kind == INTERFACE_ETHERNET)
        fault_add(r->faults, schema_place(r, y, wrong, 0),
                  "%s: only for a %s; add '%s' or leave it out", wrong,
                  interface_kind_names[kind_of_key(wrong)], keys[kind_of_key(wrong)]);
    else if (wrong && kind_of_key(wrong) == INTERFACE_ETHERNET)
        fault_add(r->faults, schema_place(r, y, wrong, 0),
                  "%s: a %s has the MAC of the card below it; leave it out", wrong,
                  interface_kind_names[kind]);
    else if (wrong)
        fault_add(r->faults, schema_place(r, y, wrong, 0), "%s: only for a %s, not for a %s", wrong,
                  interface_kind_names[kind_of_key(wrong)], interface_kind_names[kind]);
    if ((kind == INTERFACE_BOND || kind == INTERFACE_BRIDGE) && !made->members_n)
        fault_add(r->faults, schema_place(r, y, keys[kind], 0),
                  "%s: name at least one interface as its member", keys[kind]);
    if (kind == INTERFACE_VLAN && !made->link.n)
        fault_add(r->faults, schema_place(r, y, "vlan", 0),
                  "vlan: name the interface that it is on under 'link'");
}

static void check_interface(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct interface *i = made;
    check_kind(r, y, i);
    check_bond(r, y, i);
}

static const struct schema_field interface_fields[] = {
    {.name = "mac",
     .type = &schema_mac,
     SCHEMA_MEMBER(struct interface, mac),
     .help = "The card's MAC address, by which it gets its name; without it the system must name a "
             "card so.",
     .example = "\"bc:24:11:0a:14:0b\""},
    {.name = "addresses",
     .type = &schema_address,
     .shape = SCHEMA_LIST,
     .max = INTERFACE_ADDRESSES_MAX,
     SCHEMA_MEMBER_N(struct interface, addresses),
     .help = "Its fixed addresses, each within one of the site's networks.",
     .example = "[10.0.20.11, \"fd00:20::11\"]"},
    {.name = "dhcp",
     .type = &schema_enum,
     .names = interface_dhcp_names,
     SCHEMA_MEMBER(struct interface, dhcp),
     .fallback = "auto",
     .help = "What it asks DHCP for, besides its fixed addresses. `auto`: IPv4, where it has no "
             "address and no other interface is built on it.",
     .example = "ipv6"},
    {.name = "optional",
     .type = &schema_enum,
     .names = interface_choice_names,
     SCHEMA_MEMBER(struct interface, optional),
     .fallback = "auto",
     .help =
         "Whether a boot goes on without it instead of waiting for two minutes. `auto`: where it "
         "has no address and another interface has.",
     .example = "true"},
    {.name = "default_route",
     .type = &schema_enum,
     .names = interface_choice_names,
     SCHEMA_MEMBER(struct interface, default_route),
     .fallback = "auto",
     .help = "Whether the node's default route leads through it. `auto`: through the first that is "
             "in a network with a gateway.",
     .example = "true"},
    {.name = "mtu",
     .type = &schema_int,
     SCHEMA_MEMBER(struct interface, mtu),
     .min = MTU_MIN,
     .max = MTU_MAX,
     .help = "Its MTU; without it that of its networks.",
     .example = "9000"},
    {.name = "dns",
     .type = &schema_address,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct interface, dns),
     .help = "Name servers, instead of its networks'.",
     .example = "[10.0.20.53]"},
    {.name = "search",
     .type = &schema_domain,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct interface, search),
     .help = "Search domains, instead of its networks'.",
     .example = "[lab.home.arpa]"},
    {.name = "routes",
     .of = &route_schema,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct interface, routes),
     .help = "Static routes, besides its networks'."},
    {.name = "vlan",
     .type = &schema_int,
     SCHEMA_MEMBER(struct interface, vlan),
     .min = 1,
     .max = 4094,
     .help = "Makes it a VLAN: its number, tagged on `link`.",
     .example = "20"},
    {.name = "link",
     .type = &interface_name_type,
     SCHEMA_MEMBER(struct interface, link),
     .help = "Of a VLAN: the interface that it is on.",
     .example = "lan"},
    {.name = "bond",
     .type = &interface_name_type,
     .shape = SCHEMA_LIST,
     .max = INTERFACE_MEMBERS_MAX,
     .offset = offsetof(struct interface, members),
     .size = sizeof(struct str *),
     .count_offset = offsetof(struct interface, members_n),
     .count_size = sizeof(uint8_t),
     .help = "Makes it a bond of these cards.",
     .example = "[lan1, lan2]"},
    {.name = "mode",
     .type = &schema_enum,
     .names = bond_mode_names,
     SCHEMA_MEMBER(struct interface, mode),
     .fallback = "active-backup",
     .help = "Of a bond: how its members share the work. Only active-backup, balance-tlb and "
             "balance-alb do without a switch that is set up for it.",
     .example = "802.3ad"},
    {.name = "primary",
     .type = &interface_name_type,
     SCHEMA_MEMBER(struct interface, primary),
     .help = "Of a bond: the member that is used while it has a link.",
     .example = "lan1"},
    {.name = "lacp_rate",
     .type = &schema_enum,
     .names = bond_lacp_rate_names,
     SCHEMA_MEMBER(struct interface, lacp_rate),
     .fallback = "slow",
     .help = "Of a bond of mode 802.3ad: how often the switch sends.",
     .example = "fast"},
    {.name = "hash_policy",
     .type = &schema_enum,
     .names = bond_hash_policy_names,
     SCHEMA_MEMBER(struct interface, hash_policy),
     .fallback = "layer2",
     .help = "Of a bond of mode 802.3ad, balance-xor or balance-tlb: what a member is chosen by.",
     .example = "layer3+4"},
    {.name = "bridge",
     .type = &interface_name_type,
     .shape = SCHEMA_LIST,
     .max = INTERFACE_MEMBERS_MAX,
     .offset = offsetof(struct interface, members),
     .size = sizeof(struct str *),
     .count_offset = offsetof(struct interface, members_n),
     .count_size = sizeof(uint8_t),
     .help = "Makes it a bridge of these interfaces.",
     .example = "[lan]"},
    {.name = "stp",
     .type = &schema_bool,
     SCHEMA_MEMBER(struct interface, stp),
     .fallback = "false",
     .help = "Of a bridge: whether it speaks the spanning tree protocol.",
     .example = "true"},
};

const struct schema format_interface = {
    .title = "interface",
    .help = "A network interface under the name that it has or is given. It is a card, or what one "
            "of `bond`, `bridge` and `vlan` makes of it. What is built on it needs no addresses "
            "here; members of bonds and bridges may not have any.",
    .size = sizeof(struct interface),
    SCHEMA_FIELDS(interface_fields),
    .name_offset = offsetof(struct interface, name),
    .name_type = &interface_name_type,
    .place_offset = offsetof(struct interface, at),
    .check = check_interface,
};
