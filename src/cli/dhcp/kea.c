/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dhcp/dhcp.h"

/* One writer for both families: kea-dhcp4 and kea-dhcp6 have the same shape. Over IPv6 a client's
 * architecture is option 61, its user class option 15 (a list, each with its length), and the file
 * that it loads a URL in option 59 (RFC 5970). */

static struct value option_value(const struct dhcp_plan *p, const char *name, struct str data,
                                 bool always)
{
    const struct value_pair pairs[] = {
        JSON_STR("name", str_from(name)),
        JSON_STR("data", data),
        JSON_BOOL("always-send", true),
    };
    return value_copy(p->arena, value_map(pairs, always ? 3 : 2));
}

/* --- What clients load ---------------------------------------------------------------------- */

static struct str class_name(const struct dhcp_plan *p, const struct dhcp_boot *b)
{
    return arena_printf(p->arena, "cloudseed-%s", b->name);
}

/* A client may send several architectures: the first counts. */
static struct str class_test(const struct dhcp_plan *p, const struct dhcp_boot *b)
{
    if (b->is_ipxe)
        return p->family == 6 ? STR("substring(option[15].hex,2,all) == '" DHCP_USER_CLASS "'")
                              : STR("option[77].hex == '" DHCP_USER_CLASS "'");
    struct str test = STR("");
    for (uint8_t i = 0; i < b->archs_n; i++)
        test = arena_printf(p->arena, "%.*s%ssubstring(option[%d].hex,0,2) == 0x%04x",
                            STR_ARG(test), i ? " or " : "", p->family == 6 ? 61 : 93, b->archs[i]);
    return arena_printf(p->arena, "not member('cloudseed-ipxe') and (%.*s)", STR_ARG(test));
}

static struct value class6_value(const struct dhcp_plan *p, const struct dhcp_boot *b)
{
    const struct value_pair echo[] = {
        JSON_STR("name", STR("vendor-class")),
        JSON_STR("data", STR(DHCP_HTTP_CLASS6)),
        JSON_BOOL("csv-format", false),
        JSON_BOOL("always-send", true),
    };
    const struct value options[] = {option_value(p, "bootfile-url", b->file, false),
                                    value_map(echo, 4)};
    const struct value_pair pairs[] = {
        JSON_STR("name", class_name(p, b)),
        JSON_STR("test", class_test(p, b)),
        JSON_VALUE("option-data", value_list(options, b->echoes_http ? 2 : 1)),
    };
    return value_copy(p->arena, value_map(pairs, 3));
}

static struct value class_value(const struct dhcp_plan *p, const struct dhcp_boot *b)
{
    if (p->family == 6)
        return class6_value(p, b);
    const struct value echo =
        option_value(p, "vendor-class-identifier", STR(DHCP_HTTP_CLASS), true);
    const struct value_pair pairs[] = {
        JSON_STR("name", class_name(p, b)),
        JSON_STR("test", class_test(p, b)),
        JSON_STR("next-server", p->next_server),
        JSON_STR("boot-file-name", b->file),
        JSON_VALUE("option-data", value_list(&echo, 1)),
    };
    return value_copy(p->arena, value_map(pairs, b->echoes_http ? 5 : 4));
}

static struct value classes_value(const struct dhcp_plan *p)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, DHCP_BOOT_COUNT);
    uint32_t n = 0;
    for (int i = 0; i < p->boot_n; i++) {
        if (dhcp_boots(&p->boot[i]))
            items[n++] = class_value(p, &p->boot[i]);
    }
    return value_list(items, n);
}

/* --- Networks ------------------------------------------------------------------------------- */

static struct value options_value(const struct dhcp_plan *p, const struct network *net)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, 4);
    struct str dns = dhcp_dns_text(p, net, ", ");
    size_t n = 0;
    bool four = p->family == 4;
    if (four && dhcp_has_router(net))
        items[n++] = option_value(p, "routers", dhcp_address_text(p, net->gateway), false);
    if (dns.n)
        items[n++] = option_value(p, four ? "domain-name-servers" : "dns-servers", dns, false);
    if (four && net->search_n)
        items[n++] = option_value(p, "domain-name", net->search[0], false);
    if (net->search_n)
        items[n++] = option_value(p, "domain-search", dhcp_search_text(p, net, ", "), false);
    return value_list(items, n);
}

static struct value reservations_value(const struct dhcp_plan *p, const struct dhcp_network *n)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, n->n);
    for (uint32_t i = 0; i < n->n; i++) {
        const struct dhcp_reservation *r = &n->list[i];
        const struct value address = value_str(dhcp_address_text(p, r->address));
        const struct value_pair pairs[] = {
            JSON_STR("hw-address", dhcp_mac_text(p, r->mac)),
            p->family == 6 ? (struct value_pair)JSON_VALUE("ip-addresses", value_list(&address, 1))
                           : (struct value_pair)JSON_VALUE("ip-address", address),
            JSON_STR("hostname", r->node->name),
        };
        items[i] = value_copy(p->arena, value_map(pairs, 3));
    }
    return value_list(items, n->n);
}

static struct value subnet_value(const struct dhcp_plan *p, const struct dhcp_network *n)
{
    const struct value_pair comment = JSON_STR("name", n->net->name);
    const struct value_pair pairs[] = {
        JSON_INT("id", n->id),
        JSON_STR("subnet", dhcp_cidr_text(p, *network_range(n->net, p->family))),
        JSON_VALUE("user-context", value_map(&comment, 1)),
        JSON_VALUE("pools", value_list(NULL, 0)),
        JSON_VALUE("option-data", options_value(p, n->net)),
        JSON_VALUE("reservations", reservations_value(p, n)),
        JSON_STR("interface", STR("")),
    };
    return value_copy(p->arena, value_map(pairs, p->family == 6 ? 7 : 6));
}

static struct value subnets_value(const struct dhcp_plan *p)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, p->networks_n);
    for (uint32_t i = 0; i < p->networks_n; i++)
        items[i] = subnet_value(p, &p->networks[i]);
    return value_list(items, p->networks_n);
}

/* match-client-id is off: firmware and operating system of one machine send different client ids.
 */
static struct value server_value(const struct dhcp_plan *p)
{
    const struct value all = value_str(STR("*")), hw = value_str(STR("hw-address"));
    const struct value_pair interfaces = JSON_VALUE("interfaces", value_list(&all, 1));
    const struct value_pair leases[] = {
        JSON_STR("type", STR("memfile")),
        JSON_INT("lfc-interval", 3600),
    };
    const struct value_pair lifetime =
        p->family == 6 ? (struct value_pair)JSON_INT("preferred-lifetime", DHCP_LEASE_SECONDS)
                       : (struct value_pair)JSON_BOOL("match-client-id", false);
    const struct value_pair pairs[] = {
        JSON_VALUE("interfaces-config", value_map(&interfaces, 1)),
        JSON_VALUE("lease-database", value_map(leases, 2)),
        JSON_INT("valid-lifetime", DHCP_LEASE_SECONDS),
        lifetime,
        JSON_VALUE("host-reservation-identifiers", value_list(&hw, 1)),
        JSON_VALUE("client-classes", classes_value(p)),
        {value_str(p->family == 6 ? STR("subnet6") : STR("subnet4")), subnets_value(p)},
    };
    return value_copy(p->arena, value_map(pairs, 7));
}

static void write_file(const struct dhcp_plan *p, struct str server, struct buf *out)
{
    const struct value_pair pair = {value_str(server), server_value(p)};
    buf_printf(out, "//\n");
    dhcp_write_needs(p, "// ", out);
    buf_printf(out, "//\n");
    dhcp_write_left_out(p, "// ", out);
    json_write(out, value_map(&pair, 1), true);
    buf_printf(out, "\n");
}

void dhcp_kea(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(
        out, "// Kea: addresses, and what machines boot. Made by `cloudseed dhcp --for kea`.\n"
             "//\n"
             "// This is a whole kea-dhcp4.conf. Name the interfaces to serve instead of \"*\", "
             "look at it\n"
             "// with kea-dhcp4 -t FILE, and restart Kea. Where you have one already, take\n"
             "// client-classes, subnet4 and match-client-id from here: a machine asks with other "
             "client\n"
             "// ids while it boots than when it is up. Make it again when nodes or networks have "
             "changed.\n"
             "//\n"
             "// Only nodes of the seed tree get an address. For others too, fill `pools`, as in:\n"
             "// [{\"pool\": \"FIRST - LAST\"}]\n");
    write_file(p, STR("Dhcp4"), out);
}

void dhcp_kea6(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(
        out,
        "// Kea: addresses of IPv6, and what machines boot. Made by `cloudseed dhcp --for kea`.\n"
        "//\n"
        "// This is a whole kea-dhcp6.conf. Name the interfaces to serve instead of \"*\", and in\n"
        "// `interface` of each subnet the one that it is on; it stays empty where only relays "
        "ask.\n"
        "// Look at it with kea-dhcp6 -t FILE, and restart Kea. Where you have one already, take\n"
        "// client-classes and subnet6 from here. Make it again when nodes or networks have "
        "changed.\n"
        "// Kea sends no router advertisements: the router does, with the flag that says that\n"
        "// addresses come by DHCPv6.\n"
        "//\n"
        "// Kea must find a node's MAC: in the client's DUID, in its link-local address (EUI-64, "
        "not of\n"
        "// a MAC that is locally administered, as 52:54:00:…), or in what a relay adds (RFC "
        "6939).\n"
        "//\n"
        "// Only nodes of the seed tree get an address. For others too, fill `pools`, as in:\n"
        "// [{\"pool\": \"FIRST - LAST\"}]\n");
    write_file(p, STR("Dhcp6"), out);
}
