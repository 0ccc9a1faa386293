/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firewall: the parts of `cloudseed firewall`: what a router between the site's networks must let
 * through, and its rules in the syntax of several routers.
 *
 * The plan is made from the seed tree, the server's configuration and the Proxmox VE hosts that
 * this user has logged in to. Nothing is resolved: what has a name instead of an address is listed
 * as left out, with the reason.
 */
#ifndef CLOUDSEED_CLI_FIREWALL_FIREWALL_H
#define CLOUDSEED_CLI_FIREWALL_FIREWALL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/common/cli.h"
#include "config/config.h"
#include "tree/tree.h"

/* A router that keeps states needs no rule for answers; TFTP's come from another port than the one
 * that was asked, so they have a rule. */
struct firewall_rule {
    struct str what; /* for people: "nodes: seeds, boot scripts, assets, reports" */
    struct cidr from, to;
    bool is_udp;
    struct config_ports from_ports; /* 0: any */
    struct config_ports to_ports;
};

struct firewall_plan {
    struct arena *arena;
    struct address servers[2]; /* of the site's url, and of node_url where it has another one */
    uint32_t servers_n;
    struct firewall_rule *rules;
    uint32_t rules_n, rules_room;
    struct str *left_out; /* lines for people */
    uint32_t left_out_n, left_out_room;
};

/* `network` NULL: machines in all networks of the site. -ENOENT: there is no such network;
 * -EINVAL: a URL of the server without an address. Everything is in the arena. */
int firewall_plan_make(const struct tree *t, const struct config *config, const char *network,
                       struct arena *a, struct firewall_plan *ret, struct err *e);

/* The plan as JSON. */
struct value firewall_plan_value(const struct firewall_plan *p);

/* "10.0.10.5", "10.0.20.0/24"; "69", "6900-6999". */
struct str firewall_side_text(const struct firewall_plan *p, struct cidr side);
struct str firewall_ports_text(const struct firewall_plan *p, struct config_ports ports);

/* --- Its forms ---------------------------------------------------------------------------------
 *
 * They contain only names of networks, clusters and hosts, and addresses: the seed tree accepts
 * none of these with a character that is special in a comment or in a shell's quotes.
 */

/* A file for `nft -f`. */
void firewall_nftables(const struct firewall_plan *p, struct buf *out);
/* A table to type in, and a shell script that sends the same to OPNsense's API. */
void firewall_opnsense(const struct firewall_plan *p, struct buf *out);

void firewall_write_left_out(const struct firewall_plan *p, struct buf *out);

#endif
