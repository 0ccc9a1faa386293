/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/firewall/firewall.h"

/* Names of fields and of the API's commands are those in OPNsense's source (the model
 * Firewall/Filter and its controller). */

#define COLUMNS "#   %-8s  %-5s  %-18s  %-11s  %-18s  %s\n"

static struct str ports_text(const struct firewall_plan *p, struct config_ports ports)
{
    return ports.first ? firewall_ports_text(p, ports) : STR("any");
}

static void write_table(const struct firewall_plan *p, struct buf *out)
{
    buf_printf(out, COLUMNS, "Protocol", "", "Source", "its port", "Destination", "its port");
    for (uint32_t i = 0; i < p->rules_n; i++) {
        const struct firewall_rule *r = &p->rules[i];
        buf_printf(out, COLUMNS, r->is_udp ? "UDP" : "TCP",
                   r->from.base.family == 4 ? "IPv4" : "IPv6", firewall_side_text(p, r->from).p,
                   ports_text(p, r->from_ports).p, firewall_side_text(p, r->to).p,
                   ports_text(p, r->to_ports).p);
        buf_printf(out, "#     %.*s\n", STR_ARG(r->what));
    }
}

static void write_call(const struct firewall_plan *p, const struct firewall_rule *r,
                       struct buf *out)
{
    struct value_pair fields[9] = {
        JSON_STR("enabled", STR("1")),
        JSON_STR("action", STR("pass")),
        JSON_STR("direction", STR("in")),
        JSON_STR("ipprotocol", r->from.base.family == 4 ? STR("inet") : STR("inet6")),
        JSON_STR("protocol", r->is_udp ? STR("UDP") : STR("TCP")),
        JSON_STR("source_net", firewall_side_text(p, r->from)),
        JSON_STR("destination_net", firewall_side_text(p, r->to)),
        JSON_STR("description", ARENA_JOIN(p->arena, STR("cloudseed: "), r->what)),
        /* A rule has ports on one side only. */
        r->from_ports.first
            ? (struct value_pair)JSON_STR("source_port", firewall_ports_text(p, r->from_ports))
            : (struct value_pair)JSON_STR("destination_port", firewall_ports_text(p, r->to_ports)),
    };
    const struct value_pair rule[] = {JSON_VALUE("rule", value_map(fields, 9))};
    buf_printf(out, "call addRule '");
    json_write(out, value_map(rule, 1), false);
    buf_printf(out, "'\n");
}

void firewall_opnsense(const struct firewall_plan *p, struct buf *out)
{
    buf_printf(out, "#!/bin/sh\n"
                    "# Rules for OPNsense. Made by `cloudseed firewall --for opnsense`. Names of "
                    "fields are taken\n"
                    "# from OPNsense's source; nothing of this was tried on an OPNsense.\n"
                    "#\n"
                    "# Either type these in, each as Action \"Pass\", Direction \"in\", on the "
                    "interface of its\n"
                    "# source (Firewall > Rules):\n"
                    "#\n");
    write_table(p, out);
    buf_printf(
        out,
        "#\n"
        "# Or run this file with sh: it adds them by OPNsense's API (Firewall > Automation > "
        "Filter,\n"
        "# or Rules [new]) as rules of all interfaces, and applies them. It adds them each time:\n"
        "# remove those that begin with \"cloudseed:\" first. The key and secret of an API user "
        "stand\n"
        "# in ~/.netrc as `machine HOST login KEY password SECRET`; CURL_CA_BUNDLE names the file "
        "of\n"
        "# OPNsense's own CA.\n");
    firewall_write_left_out(p, out);
    buf_printf(
        out, "set -eu\n"
             ": \"${OPNSENSE:?set it to the address of OPNsense: https://10.0.10.1}\"\n"
             "\n"
             "call() {\n"
             "    answer=$(curl -sSf --netrc -H 'Content-Type: application/json' -d \"$2\" \\\n"
             "        \"$OPNSENSE/api/firewall/filter/$1\")\n"
             "    case $answer in\n"
             "    *'\"failed\"'*) printf '%%s\\n' \"OPNsense refused $2: $answer\" >&2; exit 1 ;;\n"
             "    esac\n"
             "}\n"
             "\n");
    for (uint32_t i = 0; i < p->rules_n; i++)
        write_call(p, &p->rules[i], out);
    buf_printf(out, "call apply '{}'\n");
}
