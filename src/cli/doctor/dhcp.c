/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/fs.h"
#include "cli/common/seedtree.h"
#include "cli/common/span.h"
#include "cli/common/table.h"
#include "cli/doctor/offers.h"
#include "crypto/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_SECONDS 6 /* dnsmasq pings an address for 3 s before it offers it */
#define AGAIN_MS 2000
#define ROUTES_MAX_BYTES ((size_t)1 << 20)

struct asking {
    struct cli *cli;
    struct tree *tree; /* NULL: it cannot be read here */
    struct dhcp_plan plan;
    struct offers offers;
    struct mac mac;
    uint32_t xid; /* of the first kind; the others follow */
    uint32_t wait_s;
    unsigned index; /* of the interface */
    int fd;
};

/* --- Asking ---------------------------------------------------------------------------------- */

/* A packet socket: the kernel would send nothing from 0.0.0.0, and port 68 is the host's own. The
 * frame has the interface's own MAC, so that no switch learns another. */
static int open_socket(struct asking *k)
{
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_IP),
        .sll_ifindex = (int)k->index,
    };
    k->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP));
    if (k->fd < 0 && (errno == EPERM || errno == EACCES))
        return cli_fail(k->cli,
                        "only root may ask as a machine without an address: run it with sudo");
    if (k->fd < 0 || bind(k->fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
        return cli_fail(k->cli, "%s: %s", k->offers.interface, strerror(errno));
    return CLI_OK;
}

static int send_all(struct asking *k)
{
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_IP),
        .sll_ifindex = (int)k->index,
        .sll_halen = ETH_ALEN,
        .sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    };
    struct buf b;
    ssize_t n = 0;
    buf_init(&b, DHCP_PACKET_MAX_BYTES);
    for (uint32_t i = 0; i < OFFERS_KINDS && n >= 0; i++) {
        struct dhcp_discover d = offers_question(&offers_kinds[i], k->xid + i, k->mac);
        buf_clear(&b);
        dhcp_write_discover(&b, &d);
        n = sendto(k->fd, b.p, b.n, 0, (const struct sockaddr *)&to, sizeof(to));
    }
    buf_done(&b);
    return n < 0 ? cli_fail(k->cli, "%s: %s", k->offers.interface, strerror(errno)) : CLI_OK;
}

static void take(struct asking *k)
{
    char bytes[DHCP_PACKET_MAX_BYTES];
    struct dhcp_offer offer;
    ssize_t n = recv(k->fd, bytes, sizeof(bytes), 0);
    if (n <= 0 || !dhcp_read_offer((struct str){bytes, (size_t)n}, &offer) ||
        memcmp(&offer.mac, &k->mac, sizeof(k->mac)) != 0 || offer.xid - k->xid >= OFFERS_KINDS)
        return;
    offers_add(&k->offers, (uint8_t)(offer.xid - k->xid), &offer);
}

/* To the end of the time even after an offer: a second server may be slower. */
static int ask(struct asking *k)
{
    uint64_t now = clock_boot_ms(), again = now, end = now + k->wait_s * (uint64_t)1000;
    int status = CLI_OK;
    for (; status == CLI_OK && now < end; now = clock_boot_ms()) {
        struct pollfd ready = {.fd = k->fd, .events = POLLIN};
        if (now >= again) {
            status = send_all(k);
            again = now + AGAIN_MS;
        }
        uint64_t until = again < end ? again : end;
        if (poll(&ready, 1, (int)(until - now)) > 0)
            take(k);
    }
    return status;
}

/* --- As whom, and where ---------------------------------------------------------------------- */

/* The interface of the default route, by /proc/net/route; NULL: there is none. */
static const char *default_interface(struct arena *a)
{
    struct str text;
    if (fs_read_proc("/proc/net/route", ROUTES_MAX_BYTES, a, &text, NULL) < 0)
        return NULL;
    while (text.p && text.n) {
        struct str line = str_cut(&text, '\n');
        struct str name = str_cut(&line, '\t');
        if (line.p && str_is(str_cut(&line, '\t'), "00000000"))
            return arena_str(a, name).p;
    }
    return NULL;
}

static int choose_interface(struct asking *k)
{
    const char *name = flags_value(&k->cli->flags, "interface");
    if (!name)
        name = default_interface(&k->cli->arena);
    if (!name)
        return cli_misuse(k->cli,
                          "there is no default route: name the interface, --interface NAME");
    k->offers.interface = name;
    k->index = if_nametoindex(name);
    return k->index ? CLI_OK : cli_fail(k->cli, "there is no interface '%s'", name);
}

static int choose_mac(struct asking *k)
{
    const char *text = flags_value(&k->cli->flags, "mac");
    random_bytes(&k->xid, sizeof(k->xid));
    random_bytes(&k->mac, sizeof(k->mac));
    k->mac.octet[0] = (uint8_t)((k->mac.octet[0] & 0xfc) | 2); /* local, of one machine */
    if (text && !mac_parse(str_from(text), &k->mac))
        return cli_misuse(k->cli, "--mac '%s': not a MAC", text);
    return CLI_OK;
}

static int choose_wait(struct asking *k)
{
    const char *text = flags_value(&k->cli->flags, "timeout");
    k->wait_s = WAIT_SECONDS;
    if (text && !span_read(text, &k->wait_s))
        return cli_misuse(k->cli, "--timeout '%s': expected a time such as 10s", text);
    return CLI_OK;
}

static bool any_role_boots(const struct tree *t)
{
    for (uint32_t i = 0; i < tree_role_count(t); i++) {
        if (tree_role(t, i)->boot.entry.kind != BOOT_LOCAL)
            return true;
    }
    return false;
}

/* Without a tree, as on any other host of the VLAN, offers are shown and not compared. */
static int read_tree(struct asking *k)
{
    struct config config;
    struct err e;
    int status = seedtree_configure(k->cli, &config);
    if (status != CLI_OK)
        return status;
    if (access(config.seed_dir.p, R_OK | X_OK) < 0 && !flags_given(&k->cli->flags, "seed")) {
        cli_note(k->cli, "%s: %s: offers are shown, but not compared with the seed tree",
                 config.seed_dir.p, strerror(errno));
        return CLI_OK;
    }
    k->tree = seedtree_load(k->cli, &config, NULL);
    if (!k->tree)
        return CLI_FAILED;
    if (dhcp_plan_make(k->tree, NULL, NULL, false, &k->cli->arena, &k->plan, &e) < 0)
        return cli_fail(k->cli, "%s", e.msg);
    if (k->plan.family != 4)
        return cli_fail(
            k->cli,
            "the server's url %.*s has an IPv6 address, and DHCPv6 is not asked: give an "
            "IPv4 one with --url http://ADDRESS:PORT",
            STR_ARG(k->plan.url));
    k->offers.plan = &k->plan;
    k->offers.node = tree_find_mac(k->tree, k->mac);
    k->offers.boots = k->offers.node ? k->offers.node->role->boot.entry.kind != BOOT_LOCAL
                                     : any_role_boots(k->tree);
    return CLI_OK;
}

/* --- The command ----------------------------------------------------------------------------- */

static void print_offers(struct cli *c, const struct offers *o)
{
    static const char *const heads[] = {"AS", "SERVER", "ADDRESS", "NEXT-SERVER", "BOOT FILE"};
    struct table t;
    table_init(&t, &c->arena, 5);
    table_head(&t, heads);
    for (size_t i = 0; i < o->n; i++) {
        const struct dhcp_offer *offer = &o->list[i].offer;
        table_add(&t, str_from(offers_kinds[o->list[i].kind].name));
        table_add(&t, offers_address(o, offer->server));
        table_add(&t, offers_address(o, offer->address));
        table_add(&t, offers_address(o, offer->next_server));
        table_add(&t, offer->file);
    }
    table_print(&t, stdout, c->color_out);
    putchar('\n');
}

static int show(struct asking *k)
{
    struct cli *c = k->cli;
    struct finding_list list = {.arena = &c->arena};
    char mac[MAC_TEXT_SIZE];
    const struct value_pair about[] = {
        JSON_STR("interface", str_from(k->offers.interface)),
        JSON_STR("mac", str_from(mac_text(k->mac, mac))),
        JSON_VALUE("offers", offers_value(&k->offers)),
    };
    if (k->offers.n && !flags_given(&c->flags, "json"))
        print_offers(c, &k->offers);
    offers_judge(&k->offers, &list);
    return finding_print(c, &list, about, 3);
}

static int run(struct cli *c)
{
    struct asking k = {.cli = c, .fd = -1, .offers = {.arena = &c->arena}};
    int status = choose_interface(&k);
    if (status == CLI_OK)
        status = choose_mac(&k);
    if (status == CLI_OK)
        status = choose_wait(&k);
    if (status == CLI_OK)
        status = read_tree(&k);
    if (status == CLI_OK)
        status = open_socket(&k);
    if (status == CLI_OK)
        status = ask(&k);
    if (status == CLI_OK)
        status = show(&k);
    if (k.fd >= 0)
        close(k.fd);
    tree_free(k.tree);
    return status;
}

const struct command command_doctor_dhcp = {
    .name = "doctor dhcp",
    .operands = "",
    .flags = FLAGS({"interface", "NAME", "ask on this interface (default: the default route's)"},
                   {"mac", "MAC", "ask with this MAC, as one of the machines"},
                   {"timeout", "TIME", "how long to wait for offers (default: 6s)"}, FLAG_JSON),
    .summary = "find out what DHCP offers to machines that boot",
    .help =
        "Sends the requests of BIOS, UEFI, UEFI HTTP boot and iPXE, and shows what each server\n"
        "offers. If the seed tree can be read, the offers are compared with the settings that\n"
        "'cloudseed dhcp' prints: addresses, next-server, boot files. It is reported if there\n"
        "are two servers, or none. Run it as root on any host in the machines' network, best\n"
        "with a copy of the seed tree (--seed).\n"
        "\n"
        "It sends DHCPDISCOVER with a random MAC and accepts no offer. A server that answers\n"
        "only known machines needs --mac with the MAC of one.\n"
        "\n"
        "--json prints {\"interface\", \"mac\", \"offers\", \"ok\", \"first\", \"steps\"}; an "
        "offer is\n"
        "{\"kind\", \"server\", \"address\", \"next_server\", \"router\", \"file\"}; steps are "
        "those of\n"
        "'cloudseed doctor'.\n"
        "\n"
        "Exit status: 0 nothing is wrong, 1 something is, 64 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  cloudseed doctor dhcp --interface eth0.20\n"
        "  cloudseed doctor dhcp --interface eth0.20 --mac bc:24:11:00:20:0c\n",
    .serverless = "it asks the DHCP servers of this host's network, and reads the seed tree",
    .run = run,
};
