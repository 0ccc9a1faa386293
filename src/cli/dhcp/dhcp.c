/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dhcp/dhcp.h"

#include "cli/common/form.h"
#include "cli/common/seedtree.h"
#include "cli/tree/registered.h"

typedef void (*writer_fn)(const struct dhcp_plan *p, struct buf *out);

/* `of6` is NULL where there is nothing for DHCPv6. */
struct writer {
    writer_fn of4, of6;
};

static const char *const servers[] = {"opnsense", "kea", "dnsmasq", NULL};
enum { OPNSENSE, KEA, DNSMASQ };
static const struct writer writers[] = {
    [OPNSENSE] = {dhcp_opnsense, NULL},
    [KEA] = {dhcp_kea, dhcp_kea6},
    [DNSMASQ] = {dhcp_dnsmasq, dhcp_dnsmasq6},
};
static const struct writer proxy_writer = {dhcp_dnsmasq_proxy, NULL};

/* *ret is NULL if no server is given. */
static int find_writer(struct cli *c, const struct writer **ret)
{
    bool proxy = flags_given(&c->flags, "proxy");
    int i, status = form_choose(c, "server", servers, &i);
    if (status != CLI_OK)
        return status;
    if (proxy && i != DNSMASQ)
        return cli_misuse(c, "--proxy is only for --for dnsmasq");
    *ret = proxy ? &proxy_writer : i < 0 ? NULL : &writers[i];
    return CLI_OK;
}

static void print(struct cli *c, const struct dhcp_plan *p, writer_fn write)
{
    struct buf out;
    buf_init(&out, FORM_TEXT_MAX_BYTES);
    if (write)
        write(p, &out);
    form_print(c, dhcp_plan_value(p), write ? &out : NULL);
    buf_done(&out);
}

static int show(struct cli *c, const struct tree *t, const struct tree *registered,
                const struct writer *writer)
{
    struct dhcp_plan plan;
    struct err e;
    if (dhcp_plan_make(t, registered, flags_value(&c->flags, "network"),
                       flags_given(&c->flags, "secure-boot"), &c->arena, &plan, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    writer_fn write = !writer ? NULL : plan.family == 6 ? writer->of6 : writer->of4;
    if (writer && !write)
        return cli_fail(c,
                        "the server's url %.*s has an IPv6 address, and DHCPv6 is written only for "
                        "kea, and for dnsmasq without --proxy: give an IPv4 one with --url "
                        "http://ADDRESS:PORT",
                        STR_ARG(plan.url));
    print(c, &plan, write);
    if (str_starts(plan.url, STR("https://")))
        cli_note(c, "Debian's iPXE speaks no HTTPS: give an http URL with --url, or bring an iPXE "
                    "of your own");
    return CLI_OK;
}

/* With the nodes that are registered with the server. */
static int show_all(struct cli *c, const struct config *config, const struct tree *t,
                    const struct writer *writer)
{
    struct tree *registered;
    int status = registered_load(c, config, t, &registered);
    if (status == CLI_OK)
        status = show(c, t, registered, writer);
    tree_free(registered);
    return status;
}

static int run(struct cli *c)
{
    struct config config;
    const struct writer *writer = NULL;
    int status = find_writer(c, &writer);
    if (status == CLI_OK)
        status = seedtree_configure(c, &config);
    if (status != CLI_OK)
        return status;
    struct tree *tree = seedtree_load(c, &config, NULL);
    if (!tree)
        return CLI_FAILED;
    status = show_all(c, &config, tree, writer);
    tree_free(tree);
    return status;
}

const struct command command_dhcp = {
    .name = "dhcp",
    .operands = "",
    .flags =
        FLAGS({"for", "SERVER", "the DHCP server: opnsense, kea or dnsmasq"},
              {"network", "NETWORK", "only this network of the site"},
              {"proxy", NULL, "beside another DHCP server, which gives the addresses"},
              {"secure-boot", NULL, "for UEFI with Secure Boot: shim instead of iPXE"}, FLAG_JSON),
    .summary = "print settings for the DHCP server of these networks",
    .help = "Prints settings for the DHCP server, made from the seed tree: router, DNS and\n"
            "domains of each network, the addresses of the nodes by their MACs, and what a\n"
            "machine loads: iPXE by TFTP or HTTP, as its firmware asks, then the server's\n"
            "script. --for names the DHCP server: dnsmasq (a file for /etc/dnsmasq.d), kea (a\n"
            "complete kea-dhcp4.conf) or opnsense (what to fill in, and a file for its dnsmasq).\n"
            "The first lines say how to use the output and what it leaves out.\n"
            "Nodes that are registered with the server are included if it is asked: the one of\n"
            "--server, or the configured one if it answers and --seed is not given.\n"
            "\n"
            "--network prints only that network. --proxy is for a dnsmasq beside another DHCP\n"
            "server. With --secure-boot UEFI loads shim and grub, which are signed, and which\n"
            "are yours to put among the assets. --json prints the settings as JSON; with --for,\n"
            "it includes the text. The host of the site's URL must be an address; --url names\n"
            "another URL. With an IPv6 address the settings are for DHCPv6, for dnsmasq or kea\n"
            "(a complete kea-dhcp6.conf).\n"
            "\n"
            "Examples:\n"
            "  cloudseed dhcp --for dnsmasq >/etc/dnsmasq.d/cloudseed.conf\n"
            "  cloudseed dhcp --for kea --network nodes >kea-dhcp4.conf\n"
            "  cloudseed dhcp --json | jq '.boot'\n",
    .run = run,
};
