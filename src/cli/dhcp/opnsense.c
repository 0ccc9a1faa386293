/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dhcp/dhcp.h"

/* OPNsense's web page cannot negate tags, and iPXE also sends an architecture: so the boot files go
 * into a file that its dnsmasq reads. Names of fields are those in OPNsense's source. */

static void write_field(struct buf *out, const char *field, struct str value)
{
    buf_printf(out, "#     %-16s %.*s\n", field, STR_ARG(value));
}

static void write_option(struct buf *out, const struct network *net, const char *option,
                         struct str value)
{
    if (value.n)
        buf_printf(out, "#     Option %-18s on interface of %.*s: %.*s\n", option,
                   STR_ARG(net->name), STR_ARG(value));
}

/* The first host address: the page does not accept the network address. */
static struct str first_address(const struct dhcp_plan *p, struct cidr cidr)
{
    struct address first = cidr.base;
    first.octet[3] = (uint8_t)(first.octet[3] | (cidr.prefix < 31));
    return dhcp_address_text(p, first);
}

static void write_network(const struct dhcp_plan *p, const struct network *net, struct buf *out)
{
    buf_printf(out, "#\n#   Network %.*s: %.*s", STR_ARG(net->name),
               STR_ARG(dhcp_cidr_text(p, net->cidr)));
    if (net->vlan)
        buf_printf(out, ", VLAN %u", net->vlan);
    buf_printf(out, "\n#   DHCP ranges, one for the interface that has this network:\n");
    write_field(out, "Tag [set]", STR("cloudseed"));
    write_field(out, "Start address", first_address(p, net->cidr));
    write_field(out, "Mode", STR("static   (or your own start and end, for other machines too)"));
    if (net->search_n)
        write_field(out, "Domain", net->search[0]);
    buf_printf(out, "#   DHCP options, each with Type \"Set\":\n");
    if (dhcp_has_router(net))
        write_option(out, net, "router [3]", dhcp_address_text(p, net->gateway));
    write_option(out, net, "dns-server [6]", dhcp_dns_text(p, net, ","));
    write_option(out, net, "domain-search [119]", dhcp_search_text(p, net, ","));
}

static void write_steps(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(
        out, "# 1. Services > Dnsmasq DNS & DHCP\n"
             "#   General: enable it, with the interfaces of these networks. DHCP tags: add one,\n"
             "#   \"cloudseed\". ISC's and Kea's DHCP must be off on these interfaces.\n");
    for (uint32_t i = 0; i < p->networks_n; i++)
        write_network(p, p->networks[i].net, out);
    buf_printf(
        out,
        "#\n"
        "# 2. Firewall > Rules\n"
        "#   Where the server is in another network than the machines, let them reach %.*s:\n"
        "#   UDP 69 and the ports of `tftp_ports` (answers to TFTP come from those), and TCP of\n"
        "#   %.*s\n"
        "#\n"
        "# 3. Save this whole text as /usr/local/etc/dnsmasq.conf.d/cloudseed.conf on OPNsense, "
        "by\n"
        "#   ssh or scp. Then: dnsmasq --test --conf-file=THAT FILE, and Apply on the page of step "
        "1.\n",
        STR_ARG(p->next_server), STR_ARG(p->url));
}

static void write_isc(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(out, "#\n"
                    "# With ISC DHCPv4 instead (older releases, or the plugin) no file is needed. "
                    "On the page of\n"
                    "# each interface, Network booting:\n");
    buf_printf(out, "#     Set next-server IP                  %.*s\n", STR_ARG(p->next_server));
    buf_printf(out, "#     Set default bios filename           %.*s\n",
               STR_ARG(p->boot[DHCP_BOOT_BIOS].file));
    buf_printf(out, "#     Set x64 UEFI/EBC (64-bit) filename  %.*s\n",
               STR_ARG(p->boot[DHCP_BOOT_UEFI].file));
    buf_printf(out, "#     Set iPXE boot filename              %.*s\n",
               STR_ARG(p->boot[DHCP_BOOT_IPXE].file));
    buf_printf(
        out, "# and the machines below as static mappings. UEFI HTTP boot is not served then.\n"
             "# Kea's pages have one boot file for a subnet: no more than one kind of machine.\n");
}

void dhcp_opnsense(const struct dhcp_plan *p, struct buf *out)
{
    buf_printf(
        out,
        "# OPNsense: addresses, and what machines boot. Made by `cloudseed dhcp --for opnsense`.\n"
        "#\n"
        "# This is a list of what to fill in, and a file for OPNsense's dnsmasq at once. The lines "
        "of\n"
        "# the file are tried with dnsmasq 2.90; nothing of this was tried on an OPNsense, and "
        "its\n"
        "# pages differ from release to release. Make it again when nodes or networks have "
        "changed.\n"
        "#\n");
    dhcp_write_needs(p, "# ", out);
    buf_printf(out, "#\n");
    dhcp_write_left_out(p, "# ", out);
    buf_printf(out, "#\n");
    write_steps(p, out);
    write_isc(p, out);
    buf_printf(out, "\n");
    dhcp_dnsmasq_boot(p, false, out);
    for (uint32_t i = 0; i < p->networks_n; i++) {
        if (p->networks[i].n)
            buf_printf(out, "\n# Nodes in network %.*s\n", STR_ARG(p->networks[i].net->name));
        dhcp_dnsmasq_hosts(p, &p->networks[i], out);
    }
}
