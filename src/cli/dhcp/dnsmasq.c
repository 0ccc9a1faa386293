/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dhcp/dhcp.h"

/* Tags: "cloudseed" for our networks, "cloudseed-KIND" for kinds of clients, "cloudseed-net-NAME"
 * for networks. */

void dhcp_write_needs(const struct dhcp_plan *p, const char *mark, struct buf *out)
{
    buf_printf(out,
               "%sWhat else must be there: cloudseedd at %.*s, which these networks reach by HTTP\n"
               "%sand by TFTP on port 69 of %.*s (its `tftp`), with undionly.kpxe and %s\n"
               "%samong its assets: %s.\n",
               mark, STR_ARG(p->url), mark, STR_ARG(p->next_server),
               p->secure_boot ? "shimx64.efi" : "snponly.efi", mark,
               p->secure_boot ? "docs/pxe.md says where shim and its grubx64.efi are from"
                              : "`cloudseed asset bootloaders` puts them there");
}

void dhcp_write_left_out(const struct dhcp_plan *p, const char *mark, struct buf *out)
{
    buf_printf(out, "%sLeft out:\n", mark);
    for (uint32_t i = 0; i < p->left_out_n; i++)
        buf_printf(out, "%s- %.*s\n", mark, STR_ARG(p->left_out[i]));
}

/* --- What clients load ---------------------------------------------------------------------- */

static void write_match(const struct dhcp_boot *b, struct buf *out)
{
    if (b->is_ipxe)
        buf_printf(out, "dhcp-userclass=set:cloudseed-%s," DHCP_USER_CLASS "\n", b->name);
    for (uint8_t i = 0; i < b->archs_n; i++)
        buf_printf(out, "dhcp-match=set:cloudseed-%s,option:client-arch,%u\n", b->name,
                   b->archs[i]);
}

static void write_file(const struct dhcp_plan *p, const struct dhcp_boot *b, struct buf *out)
{
    const char *others = b->is_ipxe ? "" : ",tag:!cloudseed-ipxe";
    if (b->echoes_http)
        buf_printf(out,
                   "dhcp-option-force=tag:cloudseed,tag:cloudseed-%s%s,60," DHCP_HTTP_CLASS "\n",
                   b->name, others);
    buf_printf(out, "dhcp-boot=tag:cloudseed,tag:cloudseed-%s%s,%.*s,,%.*s\n", b->name, others,
               STR_ARG(b->file), STR_ARG(p->next_server));
}

/* As a proxy, dnsmasq refers UEFI clients to its port 4011 for the boot file; BIOS and iPXE clients
 * take it from the offer, and BIOS clients fail if there is a menu. Without any pxe-service dnsmasq
 * sends nothing. */
static void write_service(const struct dhcp_plan *p, const struct dhcp_boot *b, struct buf *out)
{
    for (uint8_t i = 0; i < b->archs_n; i++)
        buf_printf(out, "pxe-service=tag:cloudseed,tag:!cloudseed-ipxe,%u,\"iPXE\",%.*s,%.*s\n",
                   b->archs[i], STR_ARG(b->file), STR_ARG(p->next_server));
}

void dhcp_dnsmasq_boot(const struct dhcp_plan *p, bool proxy, struct buf *out)
{
    buf_printf(out,
               "# What a client loads: iPXE is known by its user class (option 77), all others "
               "by their\n# architecture (option 93).\n");
    for (int i = 0; i < p->boot_n; i++) {
        const struct dhcp_boot *b = &p->boot[i];
        if (b->echoes_http && proxy)
            continue;
        buf_printf(out, "# %s\n", b->what);
        if (proxy && (i == DHCP_BOOT_UEFI || i == DHCP_BOOT_ARM64)) {
            write_service(p, b, out);
        } else {
            write_match(b, out);
            write_file(p, b, out);
        }
    }
}

/* --- Networks ------------------------------------------------------------------------------- */

void dhcp_dnsmasq_hosts(const struct dhcp_plan *p, const struct dhcp_network *n, struct buf *out)
{
    for (uint32_t i = 0; i < n->n; i++) {
        const struct dhcp_reservation *r = &n->list[i];
        buf_printf(out, "dhcp-host=%.*s,%.*s,%.*s\n", STR_ARG(dhcp_mac_text(p, r->mac)),
                   STR_ARG(dhcp_address_text(p, r->address)), STR_ARG(r->node->name));
    }
}

/* An empty option is not sent; without the line dnsmasq would send its own address. */
static void write_option(const struct network *net, const char *option, struct str text,
                         struct buf *out)
{
    buf_printf(out, "dhcp-option=tag:cloudseed-net-%.*s,option:%s%s%.*s\n", STR_ARG(net->name),
               option, text.n ? "," : "", STR_ARG(text));
}

static void write_heading(const struct dhcp_plan *p, const struct network *net, struct buf *out)
{
    buf_printf(out, "\n# Network %.*s: %.*s", STR_ARG(net->name),
               STR_ARG(dhcp_cidr_text(p, net->cidr)));
    if (net->vlan)
        buf_printf(out, ", VLAN %u", net->vlan);
    buf_printf(out, "\n");
}

static void write_range(const struct dhcp_plan *p, const struct network *net, const char *mode,
                        struct buf *out)
{
    buf_printf(out, "dhcp-range=set:cloudseed-net-%.*s,%.*s,%s,%.*s", STR_ARG(net->name),
               STR_ARG(dhcp_address_text(p, net->cidr.base)), mode,
               STR_ARG(dhcp_netmask_text(p, net->cidr)));
}

static void write_tag(const struct network *net, struct buf *out)
{
    buf_printf(out, "tag-if=set:cloudseed,tag:cloudseed-net-%.*s\n", STR_ARG(net->name));
}

static void write_network(const struct dhcp_plan *p, const struct dhcp_network *n, struct buf *out)
{
    const struct network *net = n->net;
    struct str router =
        dhcp_has_router(net) ? dhcp_address_text(p, net->gateway) : (struct str){"", 0};
    write_heading(p, net, out);
    write_range(p, net, "static", out);
    buf_printf(out, ",%u\n", DHCP_LEASE_SECONDS);
    write_tag(net, out);
    write_option(net, "router", router, out);
    write_option(net, "dns-server", dhcp_dns_text(p, net, ","), out);
    if (net->search_n) {
        write_option(net, "domain-name", net->search[0], out);
        write_option(net, "domain-search", dhcp_search_text(p, net, ","), out);
    }
    dhcp_dnsmasq_hosts(p, n, out);
}

void dhcp_dnsmasq(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(
        out,
        "# dnsmasq: addresses, and what machines boot. Made by `cloudseed dhcp --for dnsmasq`.\n"
        "#\n"
        "# Put this into /etc/dnsmasq.d/cloudseed.conf of the dnsmasq that is the DHCP server of\n"
        "# these networks (`interface=…` is yours to say), then: dnsmasq --test, and restart it.\n"
        "# Make it again when nodes or networks have changed.\n"
        "#\n"
        "# Only nodes of the seed tree get an address. For others too, add a range of your own,\n"
        "# as in: dhcp-range=set:cloudseed-net-NAME,FIRST,LAST,1h\n"
        "#\n");
    dhcp_write_needs(p, "# ", out);
    buf_printf(out, "#\n");
    dhcp_write_left_out(p, "# ", out);
    buf_printf(out, "\n");
    dhcp_dnsmasq_boot(p, false, out);
    for (uint32_t i = 0; i < p->networks_n; i++)
        write_network(p, &p->networks[i], out);
}

void dhcp_dnsmasq_proxy(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(
        out,
        "# dnsmasq as proxy DHCP: what machines boot, beside the DHCP server that gives the\n"
        "# addresses. Made by `cloudseed dhcp --for dnsmasq --proxy`.\n"
        "#\n"
        "# Put this into /etc/dnsmasq.d/cloudseed.conf of a dnsmasq with an address in each of\n"
        "# these networks (`interface=…` is yours to say), then: dnsmasq --test, and restart it.\n"
        "# The other server must name no boot file. It is the one to hold reservations.\n"
        "#\n");
    dhcp_write_needs(p, "# ", out);
    buf_printf(out, "#\n");
    dhcp_write_left_out(p, "# ", out);
    buf_printf(out, "# - UEFI HTTP boot: dnsmasq's proxy answers only PXE clients\n\n");
    dhcp_dnsmasq_boot(p, true, out);
    for (uint32_t i = 0; i < p->networks_n; i++) {
        write_heading(p, p->networks[i].net, out);
        write_range(p, p->networks[i].net, "proxy", out);
        buf_printf(out, "\n");
        write_tag(p->networks[i].net, out);
    }
}
