/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/firewall/firewall.h"

#include "cli/common/form.h"
#include "cli/common/seedtree.h"

static const char *const routers[] = {"opnsense", "nftables", NULL};
static void (*const writers[])(const struct firewall_plan *p,
                               struct buf *out) = {firewall_opnsense, firewall_nftables};

static void print(struct cli *c, const struct firewall_plan *p, int router)
{
    struct buf out;
    buf_init(&out, FORM_TEXT_MAX_BYTES);
    if (router >= 0)
        writers[router](p, &out);
    form_print(c, firewall_plan_value(p), router >= 0 ? &out : NULL);
    buf_done(&out);
}

static int show(struct cli *c, const struct tree *t, const struct config *config, int router)
{
    struct firewall_plan plan;
    struct err e;
    if (firewall_plan_make(t, config, flags_value(&c->flags, "network"), &c->arena, &plan, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    print(c, &plan, router);
    if (!config->tftp_ports.first)
        cli_note(c, "'tftp_ports' is not set in cloudseedd.yaml, so answers to TFTP may come from "
                    "any port: set it, for example to 6900-6999, and print the rules again");
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct config config;
    int router, status = form_choose(c, "router", routers, &router);
    if (status == CLI_OK)
        status = seedtree_configure(c, &config);
    if (status != CLI_OK)
        return status;
    struct tree *tree = seedtree_load(c, &config, NULL);
    if (!tree)
        return CLI_FAILED;
    status = show(c, tree, &config, router);
    tree_free(tree);
    return status;
}

const struct command command_firewall = {
    .name = "firewall",
    .operands = "",
    .flags = FLAGS({"for", "ROUTER", "the router: opnsense or nftables"},
                   {"network", "NETWORK", "only machines in this network of the site"}, FLAG_JSON),
    .summary = "print rules for the router between these networks",
    .help =
        "Prints what the router between the site's networks must let through: from machines to\n"
        "the server HTTP, TLS and TFTP, at the ports of url and node_url in site.yaml and of\n"
        "tftp_ports in cloudseedd.yaml; from the server to the clusters' API servers and the\n"
        "hosts that 'cloudseed pve login' knows. --for names the router: nftables (a file for\n"
        "nft -f) or opnsense (a table to type in, and a script that sends it to its API).\n"
        "\n"
        "Within one network nothing is routed, so nothing is printed for it. A firewall needs\n"
        "addresses: what has only a name is listed at the head, as left out. --network takes\n"
        "the machines of one network. --json prints the same as data, and with --for the text\n"
        "in it.\n"
        "\n"
        "Examples:\n"
        "  cloudseed firewall --for nftables >cloudseed.nft\n"
        "  cloudseed firewall --for opnsense --network nodes\n"
        "  cloudseed firewall --json | jq '.rules'\n",
    .serverless = "it makes its rules of the networks of the seed tree",
    .run = run,
};
