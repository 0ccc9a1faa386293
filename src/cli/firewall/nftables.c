/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/firewall/firewall.h"

static void write_ports(const struct firewall_plan *p, const char *side, bool is_udp,
                        struct config_ports ports, struct buf *out)
{
    if (ports.first)
        buf_printf(out, " %s %s %.*s", is_udp ? "udp" : "tcp", side,
                   STR_ARG(firewall_ports_text(p, ports)));
}

static void write_rule(const struct firewall_plan *p, const struct firewall_rule *r,
                       struct buf *out)
{
    const char *ip = r->from.base.family == 4 ? "ip" : "ip6";
    buf_printf(out, "        # %.*s\n        %s saddr %.*s %s daddr %.*s", STR_ARG(r->what), ip,
               STR_ARG(firewall_side_text(p, r->from)), ip, STR_ARG(firewall_side_text(p, r->to)));
    write_ports(p, "sport", r->is_udp, r->from_ports, out);
    write_ports(p, "dport", r->is_udp, r->to_ports, out);
    buf_printf(out, " accept\n");
}

static void write_drops(const struct firewall_plan *p, struct buf *out)
{
    for (uint32_t i = 0; i < p->servers_n; i++) {
        char text[ADDRESS_TEXT_SIZE];
        buf_printf(out, "        %s daddr %s drop\n", p->servers[i].family == 4 ? "ip" : "ip6",
                   address_text(p->servers[i], text));
    }
}

void firewall_nftables(const struct firewall_plan *p, struct buf *out)
{
    buf_printf(
        out,
        "#!/usr/sbin/nft -f\n"
        "# Rules for the router. Made by `cloudseed firewall --for nftables`: make it again when\n"
        "# networks, clusters or ports have changed, and load it again: it replaces itself.\n"
        "#\n"
        "# A packet has to pass all tables. Where another table of this router drops what is\n"
        "# forwarded, put the lines of `rules` there, too.\n");
    firewall_write_left_out(p, out);
    buf_printf(out, "\n"
                    "table inet cloudseed\n"
                    "delete table inet cloudseed\n"
                    "\n"
                    "table inet cloudseed {\n"
                    "    chain rules {\n");
    for (uint32_t i = 0; i < p->rules_n; i++)
        write_rule(p, &p->rules[i], out);
    buf_printf(out, "    }\n"
                    "\n"
                    "    chain forward {\n"
                    "        type filter hook forward priority filter; policy accept;\n"
                    "        ct state established,related accept\n"
                    "        jump rules\n"
                    "        # Nothing else reaches the server through this router. For an admin's "
                    "SSH add a line\n"
                    "        # of yours above.\n");
    write_drops(p, out);
    buf_printf(out, "    }\n}\n");
}
