/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/firewall/firewall.h"

#include "base/guess.h"
#include "cli/pve/endpoint.h"

#include <errno.h>

#define HTTP_PORT 80
#define HTTPS_PORT 443
#define TFTP_PORT 69
#define API_PORT 6443
#define PROXMOX_PORT 8006

/* A program of ours without special rights sends from these. */
static const struct config_ports any_free_port = {1024, UINT16_MAX};

struct planner {
    struct firewall_plan plan;
    const struct tree *tree;
    struct endpoint http, https;
    struct config_ports tftp_ports;
    const char *network; /* NULL: all */
};

/* --- Lists ----------------------------------------------------------------------------------- */

static void leave_out(struct firewall_plan *p, struct str why)
{
    p->left_out = arena_grow(p->arena, p->left_out, p->left_out_n, &p->left_out_room, sizeof(why));
    p->left_out[p->left_out_n++] = why;
}

static bool is_same_side(struct cidr a, struct cidr b)
{
    return a.prefix == b.prefix && address_same(a.base, b.base);
}

/* Clusters may share an API server, and roles a Proxmox host. */
static bool has_rule(const struct firewall_plan *p, const struct firewall_rule *rule)
{
    for (uint32_t i = 0; i < p->rules_n; i++) {
        const struct firewall_rule *have = &p->rules[i];
        if (have->is_udp == rule->is_udp && have->to_ports.first == rule->to_ports.first &&
            have->from_ports.first == rule->from_ports.first &&
            is_same_side(have->from, rule->from) && is_same_side(have->to, rule->to))
            return true;
    }
    return false;
}

static void add_rule(struct firewall_plan *p, struct firewall_rule rule)
{
    if (has_rule(p, &rule))
        return;
    p->rules = arena_grow(p->arena, p->rules, p->rules_n, &p->rules_room, sizeof(rule));
    p->rules[p->rules_n++] = rule;
}

/* --- Addresses ------------------------------------------------------------------------------- */

static struct cidr host_side(struct address a)
{
    return (struct cidr){a, a.family == 4 ? 32 : 128};
}

/* "10.0.10.5:8080", "[fd00::5]"; false where the host is a name. */
static bool parse_authority(struct str s, uint16_t default_port, struct endpoint *ret)
{
    if (endpoint_parse(s, ret))
        return true;
    ret->port = default_port;
    if (s.n > 2 && s.p[0] == '[')
        s = (struct str){s.p + 1, s.n - 2};
    return address_parse(s, &ret->address);
}

/* A URL that has been checked: http or https, an authority, nothing behind it. */
static bool parse_url(struct str url, struct endpoint *ret)
{
    bool tls = str_starts(url, STR("https://"));
    return parse_authority(str_skip(url, tls ? 8 : 7), tls ? HTTPS_PORT : HTTP_PORT, ret);
}

static int find_server(struct planner *pl, struct err *e)
{
    const struct site *site = tree_site(pl->tree);
    struct firewall_plan *p = &pl->plan;
    if (!parse_url(site->url, &pl->http))
        return err_set(e, -EINVAL,
                       "the server's url %.*s has a name, and a firewall needs an address: give it "
                       "with --url http://ADDRESS:PORT",
                       STR_ARG(site->url));
    if (!parse_url(site->node_url, &pl->https))
        return err_set(e, -EINVAL,
                       "node_url %.*s has a name, and a firewall needs an address: write one in "
                       "site.yaml",
                       STR_ARG(site->node_url));
    p->servers[p->servers_n++] = pl->http.address;
    if (!address_same(pl->http.address, pl->https.address))
        p->servers[p->servers_n++] = pl->https.address;
    return 0;
}

/* The site's network that holds both: a router does not see what they say to each other. */
static bool are_neighbours(const struct site *site, struct address a, struct address b)
{
    for (uint32_t i = 0; i < site->networks_n; i++) {
        if (network_contains(&site->networks[i], a) && network_contains(&site->networks[i], b))
            return true;
    }
    return false;
}

/* --- From machines to the server ------------------------------------------------------------- */

static void add_way(struct planner *pl, const struct network *net, struct endpoint to, bool is_udp,
                    const char *what)
{
    struct firewall_plan *p = &pl->plan;
    struct str why = arena_printf(p->arena, "%.*s: %s", STR_ARG(net->name), what);
    const struct cidr *range = network_range(net, to.address.family);
    if (network_contains(net, to.address))
        return;
    if (!range) {
        leave_out(p, arena_printf(p->arena,
                                  "%.*s: the network has no range of IPv%u, and the server's "
                                  "address is of that",
                                  STR_ARG(why), to.address.family));
        return;
    }
    add_rule(p, (struct firewall_rule){.what = why,
                                       .from = *range,
                                       .to = host_side(to.address),
                                       .is_udp = is_udp,
                                       .to_ports = {to.port, to.port}});
    if (is_udp)
        add_rule(p, (struct firewall_rule){
                        .what = arena_printf(p->arena,
                                             "%.*s: answers to TFTP, each file from a "
                                             "port of its own",
                                             STR_ARG(net->name)),
                        .from = host_side(to.address),
                        .to = *range,
                        .is_udp = true,
                        .from_ports = pl->tftp_ports});
}

static void plan_network(struct planner *pl, const struct network *net)
{
    if (!net->gateway.family && !net->gateway6.family) {
        if (!network_contains(net, pl->http.address))
            leave_out(&pl->plan, arena_printf(pl->plan.arena,
                                              "%.*s: the network has no gateway, so nothing is "
                                              "routed from it",
                                              STR_ARG(net->name)));
        return;
    }
    add_way(pl, net, pl->http, false, "seeds, boot scripts, assets, reports");
    add_way(pl, net, pl->https, false, "joining, over TLS");
    add_way(pl, net, (struct endpoint){pl->http.address, TFTP_PORT}, true,
            "TFTP, for machines that boot from the network");
}

static int plan_networks(struct planner *pl, struct err *e)
{
    const struct site *site = tree_site(pl->tree);
    struct guess guess;
    bool found = !pl->network;
    guess_init(&guess, str_from(pl->network));
    for (uint32_t i = 0; i < site->networks_n; i++) {
        bool is_it = pl->network && str_is(site->networks[i].name, pl->network);
        if (!pl->network || is_it)
            plan_network(pl, &site->networks[i]);
        found = found || is_it;
        guess_offer(&guess, site->networks[i].name);
    }
    return found
               ? 0
               : err_set(e, -ENOENT, "there is no network '%s'%s", pl->network, guess_text(&guess));
}

/* --- From the server ------------------------------------------------------------------------- */

/* From the server's address of the same family. */
static bool add_back(struct planner *pl, struct endpoint to, struct str what)
{
    for (uint32_t i = 0; i < pl->plan.servers_n; i++) {
        struct address server = pl->plan.servers[i];
        if (server.family != to.address.family)
            continue;
        if (!are_neighbours(tree_site(pl->tree), server, to.address))
            add_rule(&pl->plan, (struct firewall_rule){.what = what,
                                                       .from = host_side(server),
                                                       .to = host_side(to.address),
                                                       .to_ports = {to.port, to.port}});
        return true;
    }
    return false;
}

/* The addresses of `endpoint_address`, a variable of shipped templates. */
static bool add_named_addresses(struct planner *pl, const struct cluster *c, uint16_t port,
                                struct str what)
{
    const struct variable *v = variables_find(c->variables, STR("endpoint_address"));
    if (!v)
        v = variables_find(tree_site(pl->tree)->variables, STR("endpoint_address"));
    struct str rest = v && v->value.kind == VALUE_STR ? value_text(v->value) : STR("");
    struct endpoint to = {.port = port};
    bool any = false;
    while (rest.n) {
        if (address_parse(str_cut(&rest, ' '), &to.address))
            any |= add_back(pl, to, what);
    }
    return any;
}

static bool add_masters(struct planner *pl, const struct cluster *c, uint16_t port, struct str what)
{
    struct endpoint to = {.port = port};
    bool any = false;
    for (uint32_t i = 0; i < tree_node_count(pl->tree); i++) {
        const struct node *n = tree_node(pl->tree, i);
        if (n->cluster != c || n->role->bootstrap != BOOTSTRAP_MASTER)
            continue;
        for (uint8_t j = 0; j < n->addresses_n; j++) {
            to.address = n->addresses[j];
            any |= add_back(pl, to, what);
        }
    }
    return any;
}

static void plan_cluster(struct planner *pl, const struct cluster *c)
{
    struct arena *a = pl->plan.arena;
    struct str what =
        arena_printf(a, "cluster %.*s: its API server, for tokens and approvals", STR_ARG(c->name));
    struct str port_text = c->endpoint;
    struct endpoint to;
    uint64_t port = API_PORT;
    bool is_address = parse_authority(c->endpoint, API_PORT, &to), any;
    if (!is_address) {
        str_cut(&port_text, ':');
        str_to_u64(port_text, UINT16_MAX, &port);
    }
    any = is_address ? add_back(pl, to, what)
                     : add_named_addresses(pl, c, (uint16_t)port, what) ||
                           add_masters(pl, c, (uint16_t)port, what);
    if (!any)
        leave_out(&pl->plan,
                  arena_printf(a,
                               "cluster %.*s: the tree has no address for %.*s of the server's "
                               "family: give one as the variable endpoint_address",
                               STR_ARG(c->name), STR_ARG(c->endpoint)));
}

static void plan_proxmox(struct planner *pl, struct str name)
{
    struct arena *a = pl->plan.arena;
    struct pve_endpoint host;
    struct endpoint to;
    struct err e;
    if (pve_endpoint_find(arena_str(a, name).p, a, &host, &e) < 0)
        leave_out(&pl->plan, arena_printf(a, "Proxmox VE: %s", e.msg));
    else if (!parse_authority(str_skip(host.url, 8), PROXMOX_PORT, &to))
        leave_out(&pl->plan, arena_printf(a,
                                          "Proxmox VE: from the server to %.*s: that is a name, "
                                          "and a firewall needs an address",
                                          STR_ARG(host.url)));
    else if (!add_back(pl, to, arena_printf(a, "Proxmox VE %.*s: its API", STR_ARG(name))))
        leave_out(&pl->plan, arena_printf(a,
                                          "Proxmox VE: %.*s is of another family than the "
                                          "server's address",
                                          STR_ARG(host.url)));
}

static void plan_proxmox_of(struct planner *pl, const struct proxmox *p, struct str *last)
{
    if (!p || !p->endpoint.n || str_eq(p->endpoint, *last))
        return;
    *last = p->endpoint;
    plan_proxmox(pl, p->endpoint);
}

/* --- The plan -------------------------------------------------------------------------------- */

int firewall_plan_make(const struct tree *t, const struct config *config, const char *network,
                       struct arena *a, struct firewall_plan *ret, struct err *e)
{
    struct planner pl = {
        .plan.arena = a,
        .tree = t,
        .network = network,
        .tftp_ports = config->tftp_ports.first ? config->tftp_ports : any_free_port,
    };
    struct pve_endpoint host;
    struct str last = STR("");
    int r = find_server(&pl, e);
    if (r == 0)
        r = plan_networks(&pl, e);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < tree_cluster_count(t); i++)
        plan_cluster(&pl, tree_cluster(t, i));
    plan_proxmox_of(&pl, &tree_site(t)->proxmox, &last);
    for (uint32_t i = 0; i < tree_node_count(t); i++)
        plan_proxmox_of(&pl, tree_node(t, i)->proxmox, &last);
    if (!last.n && pve_endpoint_find(NULL, a, &host, e) == 0)
        plan_proxmox(&pl, host.name);
    *ret = pl.plan;
    return 0;
}

struct str firewall_side_text(const struct firewall_plan *p, struct cidr side)
{
    char text[CIDR_TEXT_SIZE];
    bool is_host = side.prefix == (side.base.family == 4 ? 32 : 128);
    return arena_str(p->arena,
                     str_from(is_host ? address_text(side.base, text) : cidr_text(side, text)));
}

struct str firewall_ports_text(const struct firewall_plan *p, struct config_ports ports)
{
    return ports.first == ports.last ? arena_printf(p->arena, "%u", ports.first)
                                     : arena_printf(p->arena, "%u-%u", ports.first, ports.last);
}

void firewall_write_left_out(const struct firewall_plan *p, struct buf *out)
{
    if (p->left_out_n)
        buf_printf(out, "#\n# Left out:\n");
    for (uint32_t i = 0; i < p->left_out_n; i++)
        buf_printf(out, "# - %.*s\n", STR_ARG(p->left_out[i]));
}

/* --- As data --------------------------------------------------------------------------------- */

static struct value ports_value(const struct firewall_plan *p, struct config_ports ports)
{
    return ports.first ? value_str(firewall_ports_text(p, ports)) : value_none();
}

static struct value rule_value(const struct firewall_plan *p, const struct firewall_rule *r)
{
    const struct value_pair pairs[] = {
        JSON_STR("what", r->what),
        JSON_STR("protocol", r->is_udp ? STR("udp") : STR("tcp")),
        JSON_STR("from", firewall_side_text(p, r->from)),
        JSON_VALUE("from_ports", ports_value(p, r->from_ports)),
        JSON_STR("to", firewall_side_text(p, r->to)),
        JSON_VALUE("to_ports", ports_value(p, r->to_ports)),
    };
    return value_copy(p->arena, value_map(pairs, 6));
}

struct value firewall_plan_value(const struct firewall_plan *p)
{
    struct value *rules = ARENA_ARRAY(p->arena, struct value, p->rules_n);
    struct value *left_out = ARENA_ARRAY(p->arena, struct value, p->left_out_n);
    struct value *servers = ARENA_ARRAY(p->arena, struct value, p->servers_n);
    for (uint32_t i = 0; i < p->rules_n; i++)
        rules[i] = rule_value(p, &p->rules[i]);
    for (uint32_t i = 0; i < p->left_out_n; i++)
        left_out[i] = value_str(p->left_out[i]);
    for (uint32_t i = 0; i < p->servers_n; i++)
        servers[i] = value_str(firewall_side_text(p, host_side(p->servers[i])));
    const struct value_pair pairs[] = {
        JSON_VALUE("servers", value_list(servers, p->servers_n)),
        JSON_VALUE("rules", value_list(rules, p->rules_n)),
        JSON_VALUE("left_out", value_list(left_out, p->left_out_n)),
    };
    return value_copy(p->arena, value_map(pairs, 3));
}
