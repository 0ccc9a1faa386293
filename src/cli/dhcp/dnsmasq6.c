/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dhcp/dhcp.h"

/* DHCPv6 in dnsmasq: a client's architecture is option 61 (RFC 5970), its user class option 15, and
 * the file that it loads a URL in option 59. Tags are those of dnsmasq.c. */

static void write_boot(const struct dhcp_boot *b, struct buf *out)
{
    const char *others = b->is_ipxe ? "" : ",tag:!cloudseed-ipxe";
    buf_printf(out, "# %s\n", b->what);
    if (b->is_ipxe)
        buf_printf(out, "dhcp-userclass=set:cloudseed-%s," DHCP_USER_CLASS "\n", b->name);
    for (uint8_t i = 0; i < b->archs_n; i++)
        buf_printf(out, "dhcp-match=set:cloudseed-%s,option6:61,%02x:%02x\n", b->name,
                   b->archs[i] >> 8, b->archs[i] & 0xff);
    buf_printf(out, "dhcp-option=tag:cloudseed,tag:cloudseed-%s%s,option6:bootfile-url,%.*s\n",
               b->name, others, STR_ARG(b->file));
}

static void write_network(const struct dhcp_plan *p, const struct dhcp_network *n, struct buf *out)
{
    const struct network *net = n->net;
    const struct cidr *range = network_range(net, 6);
    struct str dns = dhcp_dns_text(p, net, "],[");
    buf_printf(out,
               "\n# Network %.*s: %.*s\ndhcp-range=set:cloudseed-net-%.*s,%.*s,static,%u,%u\n"
               "tag-if=set:cloudseed,tag:cloudseed-net-%.*s\n",
               STR_ARG(net->name), STR_ARG(dhcp_cidr_text(p, *range)), STR_ARG(net->name),
               STR_ARG(dhcp_address_text(p, range->base)), range->prefix, DHCP_LEASE_SECONDS,
               STR_ARG(net->name));
    if (dns.n)
        buf_printf(out, "dhcp-option=tag:cloudseed-net-%.*s,option6:dns-server,[%.*s]\n",
                   STR_ARG(net->name), STR_ARG(dns));
    if (net->search_n)
        buf_printf(out, "dhcp-option=tag:cloudseed-net-%.*s,option6:domain-search,%.*s\n",
                   STR_ARG(net->name), STR_ARG(dhcp_search_text(p, net, ",")));
    for (uint32_t i = 0; i < n->n; i++) {
        const struct dhcp_reservation *r = &n->list[i];
        buf_printf(out, "dhcp-host=%.*s,[%.*s],%.*s\n", STR_ARG(dhcp_mac_text(p, r->mac)),
                   STR_ARG(dhcp_address_text(p, r->address)), STR_ARG(r->node->name));
    }
}

void dhcp_dnsmasq6(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(
        out,
        "# dnsmasq: addresses of IPv6, and what machines boot. Made by `cloudseed dhcp --for "
        "dnsmasq`.\n"
        "#\n"
        "# Put this into /etc/dnsmasq.d/cloudseed6.conf of the dnsmasq that is the DHCPv6 server "
        "of\n"
        "# these networks (`interface=…` is yours to say), then: dnsmasq --test, and restart it.\n"
        "# Make it again when nodes or networks have changed. Routers announce themselves, with "
        "the\n"
        "# flag that says that addresses come by DHCPv6: `enable-ra` where this is the router.\n"
        "#\n");
    dhcp_write_needs(p, "# ", out);
    buf_printf(out, "#\n");
    dhcp_write_left_out(p, "# ", out);
    buf_printf(out,
               "# - UEFI HTTP boot over IPv6: dnsmasq cannot send the vendor class (option 16) "
               "that it wants\n"
               "\n# What a client loads: iPXE is known by its user class, all others by their "
               "architecture.\n");
    for (int i = 0; i < p->boot_n; i++) {
        if (dhcp_boots(&p->boot[i]) && !p->boot[i].echoes_http)
            write_boot(&p->boot[i], out);
    }
    for (uint32_t i = 0; i < p->networks_n; i++)
        write_network(p, &p->networks[i], out);
}
