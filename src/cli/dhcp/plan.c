/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dhcp/dhcp.h"

#include "base/guess.h"

#include <errno.h>

/* Size of the file field in a DHCP packet, including its NUL (RFC 2131, section 2). */
#define FILE_FIELD_BYTES 128
#define LEFT_OUT_FIXED 4

/* --- The server ----------------------------------------------------------------------------- */

/* Boot ROMs do not resolve names: they need an address. */
static int find_server(struct dhcp_plan *p, struct err *e)
{
    struct str rest = p->url;
    str_cut(&rest, '/');
    struct str host = str_skip(rest, 1);
    struct address address;
    bool brackets = str_starts(host, STR("["));
    if (brackets)
        host = str_skip(host, 1);
    host = str_cut(&host, brackets ? ']' : ':');
    if (!address_parse(host, &address))
        return err_set(e, -EINVAL,
                       "the server's url %.*s has a name, and boot programs need an address: "
                       "use --url http://ADDRESS:PORT",
                       STR_ARG(p->url));
    p->next_server = arena_str(p->arena, host);
    p->family = address.family;
    return 0;
}

static int plan_boot(struct dhcp_plan *p, struct err *e)
{
    const struct dhcp_boot boot[DHCP_BOOT_COUNT] = {
        [DHCP_BOOT_IPXE] = {.name = "ipxe",
                            .what = "iPXE itself, once loaded or in a ROM: the script",
                            .is_ipxe = true,
                            .file = ARENA_JOIN(p->arena, p->url, STR("/boot.ipxe"))},
        [DHCP_BOOT_BIOS] = {.name = "bios",
                            .what = "BIOS: iPXE by TFTP",
                            .archs = {0},
                            .archs_n = 1,
                            .file = STR("undionly.kpxe")},
        [DHCP_BOOT_UEFI] = {.name = "uefi",
                            .what = p->secure_boot ? "UEFI with Secure Boot, x86-64 (7; some "
                                                     "firmware says 9): shim by TFTP"
                                                   : "UEFI, x86-64 (7; some firmware says 9): "
                                                     "iPXE by TFTP",
                            .archs = {7, 9},
                            .archs_n = 2,
                            .file = p->secure_boot ? STR("shimx64.efi") : STR("snponly.efi")},
        [DHCP_BOOT_ARM64] = {.name = "arm64",
                             .what = "UEFI, arm64: iPXE by TFTP",
                             .archs = {11},
                             .archs_n = 1,
                             .file = STR("ipxe-arm64.efi")},
        [DHCP_BOOT_HTTP] = {.name = "http",
                            .what = "UEFI HTTP boot, x86-64: iPXE by HTTP",
                            .archs = {16},
                            .archs_n = 1,
                            .echoes_http = true,
                            .file = ARENA_JOIN(p->arena, p->url, STR("/assets/snponly.efi"))},
        [DHCP_BOOT_HTTP_ARM64] = {.name = "http-arm64",
                                  .what = "UEFI HTTP boot, arm64: iPXE by HTTP",
                                  .archs = {19},
                                  .archs_n = 1,
                                  .echoes_http = true,
                                  .file =
                                      ARENA_JOIN(p->arena, p->url, STR("/assets/ipxe-arm64.efi"))},
    };
    memcpy(p->boot, boot, sizeof(boot));
    p->boot_n = p->secure_boot ? DHCP_BOOT_ARM64 : DHCP_BOOT_COUNT;
    if (p->family == 6) {
        p->boot[DHCP_BOOT_UEFI].file = ARENA_JOIN(p->arena, STR("tftp://["), p->next_server,
                                                  STR("]/"), boot[DHCP_BOOT_UEFI].file);
        p->boot[DHCP_BOOT_ARM64].file = ARENA_JOIN(p->arena, STR("tftp://["), p->next_server,
                                                   STR("]/"), boot[DHCP_BOOT_ARM64].file);
        p->boot[DHCP_BOOT_BIOS].archs_n = 0;
    }
    if (p->boot[DHCP_BOOT_HTTP_ARM64].file.n >= FILE_FIELD_BYTES)
        return err_set(e, -EINVAL, "the server's url is too long for DHCP");
    return 0;
}

/* --- Networks and reservations -------------------------------------------------------------- */

static void leave_out(struct dhcp_plan *p, struct str why)
{
    p->left_out[p->left_out_n++] = why;
}

/* DHCP assigns a client one address in a network (RFC 2131): a second one for the same MAC is left
 * out. */
static bool has_mac(const struct dhcp_network *net, const struct node *n, struct mac mac)
{
    for (uint32_t i = net->n; i > 0 && net->list[i - 1].node == n; i--) {
        if (memcmp(&net->list[i - 1].mac, &mac, sizeof(mac)) == 0)
            return true;
    }
    return false;
}

static void reserve(struct dhcp_plan *p, struct dhcp_network *net, const struct node *n, uint8_t i)
{
    uint8_t number = node_mac_of(n, i);
    struct str address = dhcp_address_text(p, n->addresses[i]);
    if (number >= n->macs_n)
        leave_out(p,
                  arena_printf(p->arena, "%.*s: %.*s in network %.*s: the tree has no MAC for it",
                               STR_ARG(n->name), STR_ARG(address), STR_ARG(net->net->name)));
    else if (has_mac(net, n, n->macs[number]))
        leave_out(p, arena_printf(p->arena,
                                  "%.*s: %.*s: DHCP gives an interface one address in a network",
                                  STR_ARG(n->name), STR_ARG(address)));
    else
        net->list[net->n++] = (struct dhcp_reservation){
            .node = n, .mac = n->macs[number], .address = n->addresses[i]};
}

static struct dhcp_network *find_network(struct dhcp_plan *p, const struct network *net)
{
    for (uint32_t i = 0; i < p->networks_n; i++) {
        if (p->networks[i].net == net)
            return &p->networks[i];
    }
    return NULL;
}

static void plan_reservations(struct dhcp_plan *p, const struct tree *t)
{
    for (uint32_t i = 0; t && i < tree_node_count(t); i++) {
        const struct node *n = tree_node(t, i);
        for (uint8_t j = 0; j < n->addresses_n; j++) {
            struct dhcp_network *net = find_network(p, n->networks[j]);
            if (net && n->addresses[j].family == p->family)
                reserve(p, net, n, j);
        }
    }
}

/* The number of node addresses in the network. */
static uint32_t count_addresses(const struct tree *t, const struct network *net)
{
    uint32_t count = 0;
    for (uint32_t i = 0; t && i < tree_node_count(t); i++) {
        const struct node *n = tree_node(t, i);
        for (uint8_t j = 0; j < n->addresses_n; j++)
            count += n->networks[j] == net;
    }
    return count;
}

static void plan_networks(struct dhcp_plan *p, const struct tree *t, const struct tree *registered,
                          const char *only)
{
    const struct site *site = tree_site(t);
    uint32_t room = site->networks_n + LEFT_OUT_FIXED;
    p->networks = ARENA_ARRAY(p->arena, struct dhcp_network, site->networks_n);
    for (uint32_t i = 0; i < site->networks_n; i++) {
        const struct network *net = &site->networks[i];
        if ((only && !str_is(net->name, only)) || !network_range(net, p->family))
            continue;
        uint32_t count = count_addresses(t, net) + count_addresses(registered, net);
        p->networks[p->networks_n++] = (struct dhcp_network){
            .net = net, .id = i + 1, .list = ARENA_ARRAY(p->arena, struct dhcp_reservation, count)};
        room += count;
    }
    p->left_out = ARENA_ARRAY(p->arena, struct str, room);
}

static void tell_left_out(struct dhcp_plan *p, const struct site *site, const char *only)
{
    unsigned other = p->family == 4 ? 6 : 4;
    for (uint32_t i = 0; i < site->networks_n; i++) {
        const struct network *net = &site->networks[i];
        const struct cidr *range = network_range(net, (uint8_t)other);
        if (range && (!only || str_is(net->name, only)))
            leave_out(p,
                      arena_printf(p->arena,
                                   "network %.*s (%.*s): the server's url is of IPv%u; for IPv%u "
                                   "give one with --url",
                                   STR_ARG(net->name), STR_ARG(dhcp_cidr_text(p, *range)),
                                   p->family, other));
    }
    if (p->family == 6)
        leave_out(p, STR("BIOS: it has no DHCPv6"));
    leave_out(p, STR("UEFI of 32-bit x86 (6, 15): Debian has no iPXE for it"));
    leave_out(p, p->secure_boot ? STR("UEFI HTTP boot (16, 19) and arm64 (11) with Secure Boot")
                                : STR("Secure Boot: Debian's iPXE is not signed; --secure-boot is "
                                      "for machines that have it on"));
}

static int check_network(const struct site *site, const char *name, struct err *e)
{
    struct guess guess;
    guess_init(&guess, str_from(name));
    for (uint32_t i = 0; i < site->networks_n; i++) {
        if (str_is(site->networks[i].name, name))
            return 0;
        guess_offer(&guess, site->networks[i].name);
    }
    return err_set(e, -ENOENT, "there is no network '%s'%s", name, guess_text(&guess));
}

int dhcp_plan_make(const struct tree *t, const struct tree *registered, const char *network,
                   bool secure_boot, struct arena *a, struct dhcp_plan *ret, struct err *e)
{
    struct dhcp_plan p = {.arena = a, .url = tree_site(t)->url, .secure_boot = secure_boot};
    int r = network ? check_network(tree_site(t), network, e) : 0;
    if (r == 0)
        r = find_server(&p, e);
    if (r == 0)
        r = plan_boot(&p, e);
    if (r < 0)
        return r;
    plan_networks(&p, t, registered, network);
    if (p.networks_n == 0)
        return err_set(e, -EINVAL,
                       "%s%s%s has no addresses of IPv%u, the family of the server's url: give "
                       "another one with --url",
                       network ? "network '" : "the site", network ? network : "",
                       network ? "'" : "", p.family);
    plan_reservations(&p, t);
    plan_reservations(&p, registered);
    tell_left_out(&p, tree_site(t), network);
    *ret = p;
    return 0;
}

struct str dhcp_address_text(const struct dhcp_plan *p, struct address address)
{
    char text[ADDRESS_TEXT_SIZE];
    return arena_str(p->arena, str_from(address_text(address, text)));
}

struct str dhcp_mac_text(const struct dhcp_plan *p, struct mac mac)
{
    char text[MAC_TEXT_SIZE];
    return arena_str(p->arena, str_from(mac_text(mac, text)));
}

struct str dhcp_cidr_text(const struct dhcp_plan *p, struct cidr cidr)
{
    char text[CIDR_TEXT_SIZE];
    return arena_str(p->arena, str_from(cidr_text(cidr, text)));
}

struct str dhcp_netmask_text(const struct dhcp_plan *p, struct cidr cidr)
{
    struct address mask = {.family = 4};
    for (uint8_t bit = 0; bit < cidr.prefix; bit++)
        mask.octet[bit / 8] = (uint8_t)(mask.octet[bit / 8] | 0x80 >> bit % 8);
    return dhcp_address_text(p, mask);
}

bool dhcp_boots(const struct dhcp_boot *b)
{
    return b->is_ipxe || b->archs_n > 0;
}

bool dhcp_has_router(const struct network *net)
{
    return net->gateway.family == 4;
}

struct str dhcp_dns_text(const struct dhcp_plan *p, const struct network *net, const char *between)
{
    struct str text = STR("");
    for (uint32_t i = 0; i < net->dns_n; i++) {
        if (net->dns[i].family == p->family)
            text = ARENA_JOIN(p->arena, text, str_from(text.n ? between : ""),
                              dhcp_address_text(p, net->dns[i]));
    }
    return text;
}

struct str dhcp_search_text(const struct dhcp_plan *p, const struct network *net,
                            const char *between)
{
    struct str text = STR("");
    for (uint32_t i = 0; i < net->search_n; i++)
        text = ARENA_JOIN(p->arena, text, str_from(i ? between : ""), net->search[i]);
    return text;
}

/* --- As data -------------------------------------------------------------------------------- */

static struct value boot_value(const struct dhcp_plan *p, const struct dhcp_boot *b)
{
    struct value *archs = ARENA_ARRAY(p->arena, struct value, b->archs_n);
    for (uint8_t i = 0; i < b->archs_n; i++)
        archs[i] = value_int(b->archs[i]);
    const struct value_pair pairs[] = {
        JSON_STR("name", str_from(b->name)),
        JSON_VALUE("user_class", b->is_ipxe ? value_str(STR(DHCP_USER_CLASS)) : value_none()),
        JSON_VALUE("architectures", value_list(archs, b->archs_n)),
        JSON_STR("file", b->file),
        JSON_VALUE("vendor_class", b->echoes_http ? value_str(STR(DHCP_HTTP_CLASS)) : value_none()),
    };
    return value_copy(p->arena, value_map(pairs, 5));
}

static struct value reservations_value(const struct dhcp_plan *p, const struct dhcp_network *net)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, net->n);
    for (uint32_t i = 0; i < net->n; i++) {
        const struct dhcp_reservation *r = &net->list[i];
        const struct value_pair pairs[] = {
            JSON_STR("name", r->node->name),
            JSON_STR("mac", dhcp_mac_text(p, r->mac)),
            JSON_STR("address", dhcp_address_text(p, r->address)),
        };
        items[i] = value_copy(p->arena, value_map(pairs, 3));
    }
    return value_list(items, net->n);
}

static struct value dns_value(const struct dhcp_plan *p, const struct network *net)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, net->dns_n);
    size_t n = 0;
    for (uint32_t i = 0; i < net->dns_n; i++) {
        if (net->dns[i].family == p->family)
            items[n++] = value_str(dhcp_address_text(p, net->dns[i]));
    }
    return value_list(items, n);
}

static struct value texts_value(const struct dhcp_plan *p, const struct str *list, uint32_t n)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = value_str(list[i]);
    return value_list(items, n);
}

static struct value network_value(const struct dhcp_plan *p, const struct dhcp_network *n)
{
    const struct network *net = n->net;
    const struct value_pair pairs[] = {
        JSON_STR("name", net->name),
        JSON_STR("subnet", dhcp_cidr_text(p, *network_range(net, p->family))),
        JSON_VALUE("vlan", net->vlan ? value_int(net->vlan) : value_none()),
        JSON_VALUE("router", p->family == 4 && dhcp_has_router(net)
                                 ? value_str(dhcp_address_text(p, net->gateway))
                                 : value_none()),
        JSON_VALUE("dns", dns_value(p, net)),
        JSON_VALUE("search", texts_value(p, net->search, net->search_n)),
        JSON_VALUE("reservations", reservations_value(p, n)),
    };
    return value_copy(p->arena, value_map(pairs, 7));
}

struct value dhcp_plan_value(const struct dhcp_plan *p)
{
    struct value boot[DHCP_BOOT_COUNT];
    struct value *networks = ARENA_ARRAY(p->arena, struct value, p->networks_n);
    for (int i = 0; i < p->boot_n; i++)
        boot[i] = boot_value(p, &p->boot[i]);
    for (uint32_t i = 0; i < p->networks_n; i++)
        networks[i] = network_value(p, &p->networks[i]);
    const struct value_pair pairs[] = {
        JSON_STR("url", p->url),
        JSON_STR("next_server", p->next_server),
        JSON_VALUE("boot", value_list(boot, (uint32_t)p->boot_n)),
        JSON_VALUE("networks", value_list(networks, p->networks_n)),
        JSON_VALUE("left_out", texts_value(p, p->left_out, p->left_out_n)),
    };
    return value_copy(p->arena, value_map(pairs, 5));
}
