/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/offers.h"

const struct offers_kind offers_kinds[OFFERS_KINDS] = {
    {"bios", DHCP_BOOT_BIOS, 0},  {"uefi", DHCP_BOOT_UEFI, 7}, {"uefi-9", DHCP_BOOT_UEFI, 9},
    {"http", DHCP_BOOT_HTTP, 16}, {"ipxe", DHCP_BOOT_IPXE, 7},
};

struct dhcp_discover offers_question(const struct offers_kind *kind, uint32_t xid, struct mac mac)
{
    return (struct dhcp_discover){
        .xid = xid,
        .mac = mac,
        .arch = kind->arch,
        .is_http = kind->boot == DHCP_BOOT_HTTP,
        .is_ipxe = kind->boot == DHCP_BOOT_IPXE,
    };
}

static bool is_proxy(const struct dhcp_offer *offer)
{
    return !offer->address.family;
}

void offers_add(struct offers *o, uint8_t kind, const struct dhcp_offer *offer)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct offers_seen *s = &o->list[i];
        if (s->kind == kind && address_same(s->offer.server, offer->server) &&
            is_proxy(&s->offer) == is_proxy(offer))
            return;
    }
    if (o->n == OFFERS_MAX)
        return;
    struct offers_seen *s = &o->list[o->n++];
    *s = (struct offers_seen){kind, *offer};
    s->offer.file = arena_str(o->arena, offer->file);
    s->offer.class = arena_str(o->arena, offer->class);
}

struct str offers_address(const struct offers *o, struct address address)
{
    char text[ADDRESS_TEXT_SIZE];
    return address.family ? arena_str(o->arena, str_from(address_text(address, text))) : STR("");
}

/* --- Who answers ----------------------------------------------------------------------------- */

#define SERVERS_MAX 8

struct servers {
    struct address list[SERVERS_MAX];
    size_t n;
};

static void find_servers(const struct offers *o, bool proxies, struct servers *ret)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct dhcp_offer *offer = &o->list[i].offer;
        size_t at = 0;
        while (at < ret->n && !address_same(ret->list[at], offer->server))
            at++;
        if (is_proxy(offer) == proxies && at == ret->n && at < SERVERS_MAX)
            ret->list[ret->n++] = offer->server;
    }
}

static struct str servers_text(const struct offers *o, const struct servers *s)
{
    struct str text = STR("");
    for (size_t i = 0; i < s->n; i++)
        text =
            ARENA_JOIN(o->arena, text, i ? STR(" and ") : STR(""), offers_address(o, s->list[i]));
    return text;
}

static struct finding judge_servers(const struct offers *o)
{
    struct servers real = {.n = 0}, proxies = {.n = 0};
    struct arena *a = o->arena;
    find_servers(o, false, &real);
    find_servers(o, true, &proxies);
    struct str names = servers_text(o, &real), proxy = servers_text(o, &proxies);
    if (!o->n)
        return finding_wrong(a,
                             o->node
                                 ? STR("start DHCP for this network, or its relay on the router")
                                 : STR("start DHCP for this network, or its relay on the router; "
                                       "where only known machines are answered, ask as one of "
                                       "them: --mac MAC"),
                             "no DHCP server answers on %s", o->interface);
    if (!real.n)
        return finding_wrong(a, STR("start the DHCP server that gives the addresses"),
                             "only %.*s answers, a proxy: nobody gives addresses", STR_ARG(proxy));
    if (real.n > 1)
        return finding_wrong(a,
                             STR("switch one of them off in this network: machines take whichever "
                                 "answers first"),
                             "%zu DHCP servers give addresses: %.*s", real.n, STR_ARG(names));
    return finding_ok(a, "%.*s gives addresses%s%.*s%s", STR_ARG(names), proxies.n ? ", and " : "",
                      STR_ARG(proxy), proxies.n ? " says what is booted" : "");
}

/* --- Addresses ------------------------------------------------------------------------------- */

static const struct dhcp_network *network_with(const struct dhcp_plan *p, struct address address)
{
    for (uint32_t i = 0; i < p->networks_n; i++) {
        if (cidr_contains(p->networks[i].net->cidr, address))
            return &p->networks[i];
    }
    return NULL;
}

static bool is_nodes(const struct node *n, struct address address)
{
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        if (address_same(n->addresses[i], address))
            return true;
    }
    return n->addresses_n == 0;
}

#define SETTINGS \
    STR("put what 'cloudseed dhcp --for opnsense', kea or dnsmasq prints into its settings")

static struct finding judge_address(const struct offers *o, const struct dhcp_offer *offer)
{
    struct str address = offers_address(o, offer->address),
               router = offers_address(o, offer->router), server = offers_address(o, offer->server);
    const struct dhcp_network *n = network_with(o->plan, offer->address);
    if (!n)
        return finding_wrong(
            o->arena,
            STR("ask on the machines' VLAN (--interface), or correct 'networks' in "
                "site.yaml"),
            "%.*s offers %.*s, which is in no network of the site", STR_ARG(server),
            STR_ARG(address));
    if (o->node && !is_nodes(o->node, offer->address))
        return finding_wrong(o->arena, SETTINGS,
                             "%.*s offers %.*s to %.*s, which is declared with another address",
                             STR_ARG(server), STR_ARG(address), STR_ARG(o->node->name));
    if (dhcp_has_router(n->net) && !address_same(offer->router, n->net->gateway))
        return finding_wrong(o->arena, SETTINGS,
                             "%.*s says that %.*s is the router, and the site that %.*s is",
                             STR_ARG(server), STR_ARG(router.n ? router : STR("none")),
                             STR_ARG(offers_address(o, n->net->gateway)));
    return finding_ok(o->arena, "%.*s, in network %.*s", STR_ARG(address), STR_ARG(n->net->name));
}

static struct finding judge_addresses(const struct offers *o)
{
    if (!o->plan)
        return finding_unseen(o->arena, "the seed tree cannot be read here");
    for (size_t i = 0; i < o->n; i++) {
        if (!is_proxy(&o->list[i].offer))
            return judge_address(o, &o->list[i].offer);
    }
    return finding_unseen(o->arena, "no address was offered");
}

/* --- What is booted -------------------------------------------------------------------------- */

/* The offer that counts for a machine of that kind: one with a boot file, if there is any. */
static const struct dhcp_offer *find_offer(const struct offers *o, uint8_t kind)
{
    const struct dhcp_offer *found = NULL;
    for (size_t i = 0; i < o->n; i++) {
        const struct dhcp_offer *offer = &o->list[i].offer;
        if (o->list[i].kind == kind && (!found || (offer->file.n && !found->file.n)))
            found = offer;
    }
    return found;
}

static bool asks_again(const struct offers *o, uint8_t kind)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct dhcp_offer *offer = &o->list[i].offer;
        if (o->list[i].kind == kind && is_proxy(offer) && !offer->file.n &&
            str_is(offer->class, "PXEClient"))
            return true;
    }
    return false;
}

static struct finding judge_file(const struct offers *o, const struct offers_kind *kind,
                                 const struct dhcp_offer *offer)
{
    const struct dhcp_boot *boot = &o->plan->boot[kind->boot];
    struct arena *a = o->arena;
    struct str next = offers_address(o, offer->next_server),
               server = offers_address(o, offer->server);
    bool is_url = memchr(boot->file.p, ':', boot->file.n);
    if (!str_eq(offer->file, boot->file))
        return finding_wrong(a, SETTINGS, "%.*s names the boot file '%.*s', instead of '%.*s'",
                             STR_ARG(server), STR_ARG(offer->file), STR_ARG(boot->file));
    if (!is_url && !str_eq(next, o->plan->next_server))
        return finding_wrong(a, SETTINGS,
                             "%.*s sends machines to %.*s for it (next-server), instead of %.*s",
                             STR_ARG(server), STR_ARG(next.n ? next : STR("no server")),
                             STR_ARG(o->plan->next_server));
    if (boot->echoes_http && !str_is(offer->class, DHCP_HTTP_CLASS))
        return finding_wrong(a, SETTINGS,
                             "%.*s does not send the class " DHCP_HTTP_CLASS
                             " (option 60): UEFI ignores its URL",
                             STR_ARG(server));
    return finding_ok(a, "%.*s%s%.*s", STR_ARG(offer->file), is_url ? "" : " from ",
                      STR_ARG(is_url ? STR("") : next));
}

static struct finding judge_kind(const struct offers *o, uint8_t kind)
{
    const struct dhcp_offer *offer = find_offer(o, kind);
    struct str file = offer ? offer->file : STR("");
    if (!offer)
        return finding_unseen(o->arena, "no server answered it");
    if (!o->plan)
        return finding_unseen(
            o->arena,
            "the boot file is '%.*s'; what it should be is in the seed tree, which "
            "cannot be read here",
            STR_ARG(file));
    if (!file.n && asks_again(o, kind))
        return finding_unseen(o->arena, "a proxy names its boot file later, at port 4011");
    if (!o->boots)
        return finding_ok(o->arena, "%s%.*s", file.n ? "not needed: " : "not needed",
                          STR_ARG(file));
    if (!file.n)
        return finding_wrong(o->arena, SETTINGS, "no boot file is named for it");
    return judge_file(o, &offers_kinds[kind], offer);
}

void offers_judge(const struct offers *o, struct finding_list *ret)
{
    finding_add(ret, "servers", judge_servers(o));
    if (!o->n)
        return;
    finding_add(ret, "address", judge_addresses(o));
    for (uint8_t i = 0; i < OFFERS_KINDS; i++)
        finding_add(ret, offers_kinds[i].name, judge_kind(o, i));
}

/* --- As data --------------------------------------------------------------------------------- */

struct value offers_value(const struct offers *o)
{
    struct value *items = ARENA_ARRAY(o->arena, struct value, o->n);
    for (size_t i = 0; i < o->n; i++) {
        const struct dhcp_offer *offer = &o->list[i].offer;
        const struct value_pair pairs[] = {
            JSON_STR("kind", str_from(offers_kinds[o->list[i].kind].name)),
            JSON_STR("server", offers_address(o, offer->server)),
            JSON_STR("address", offers_address(o, offer->address)),
            JSON_STR("next_server", offers_address(o, offer->next_server)),
            JSON_STR("router", offers_address(o, offer->router)),
            JSON_STR("file", offer->file),
        };
        items[i] = value_copy(o->arena, value_map(pairs, 6));
    }
    return value_list(items, o->n);
}
