/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/json.h"
#include "cli/common/api.h"
#include "cli/common/span.h"
#include "cli/storm/report.h"
#include "cli/storm/storm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define RAMP_S 10
#define TIMEOUT_S 300
#define NODES_MAX 100000
#define RATE_MAX 100000.0
#define FOREIGN_SHOWN 3
#define TOKEN_DAYS_MS (INT64_C(3650) * 24 * 3600 * 1000)

struct storming {
    struct api api;
    struct storm storm;
    struct storm_plan plan;
    uint32_t nodes_max; /* 0: all */
    uint32_t ramp_s;
    struct str seed_url; /* of one of them */
    uint32_t foreign_n;
    const char *foreign[FOREIGN_SHOWN];
    struct arena items; /* of the list of nodes */
};

/* --- Options -------------------------------------------------------------------------------- */

static int read_number(const struct cli *c, const char *flag, uint64_t max, uint32_t *ret)
{
    const char *text = flags_value(&c->flags, flag);
    uint64_t n;
    if (!text)
        return CLI_OK;
    if (!str_to_u64(str_from(text), max, &n) || n == 0)
        return cli_misuse(c, "--%s '%s': expected a whole number from 1 to %u", flag, text,
                          (unsigned)max);
    *ret = (uint32_t)n;
    return CLI_OK;
}

static int read_span(const struct cli *c, const char *flag, uint32_t *ret_s)
{
    const char *text = flags_value(&c->flags, flag);
    if (text && !span_read(text, ret_s))
        return cli_misuse(c, "--%s '%s': expected a time, as in 90s or 20m", flag, text);
    return CLI_OK;
}

static int read_rate(const struct cli *c, double *ret)
{
    const char *text = flags_value(&c->flags, "rate");
    char *end;
    if (!text)
        return CLI_OK;
    double rate = strtod(text, &end);
    if (*end || !(rate > 0 && rate <= RATE_MAX))
        return cli_misuse(c, "--rate '%s': expected boots per second, as in 20 or 0.5", text);
    *ret = rate;
    return CLI_OK;
}

static int read_options(struct storming *g)
{
    const struct cli *c = g->api.cli;
    uint32_t for_s = 0, timeout_s = TIMEOUT_S;
    g->ramp_s = RAMP_S;
    if (read_number(c, "nodes", NODES_MAX, &g->nodes_max) || read_span(c, "for", &for_s) ||
        read_span(c, "ramp", &g->ramp_s) || read_span(c, "timeout", &timeout_s) ||
        read_rate(c, &g->plan.starts_per_s))
        return CLI_MISUSED;
    if (for_s && !flags_given(&c->flags, "rate"))
        return cli_misuse(c, "--for needs --rate: how many nodes boot per second");
    if (flags_given(&c->flags, "rate") && flags_given(&c->flags, "ramp"))
        return cli_misuse(c, "give either --rate or --ramp");
    if (for_s && flags_given(&c->flags, "by-phase"))
        return cli_misuse(c, "give either --for or --by-phase");
    if (flags_given(&c->flags, "tftp") && flags_given(&c->flags, "no-tftp"))
        return cli_misuse(c, "give either --tftp or --no-tftp");
    g->plan.for_ms = for_s * 1000ull;
    g->plan.timeout_ms = timeout_s * 1000ull;
    g->plan.by_phase = flags_given(&c->flags, "by-phase");
    g->plan.with_tftp = !flags_given(&c->flags, "no-tftp");
    return CLI_OK;
}

/* --- The nodes ------------------------------------------------------------------------------ */

/* "http://HOST:PORT/s/KEY/" */
static struct str key_in(struct str seed_url)
{
    const char *at = memmem(seed_url.p, seed_url.n, "/s/", 3);
    struct str rest = at ? str_skip(seed_url, (size_t)(at + 3 - seed_url.p)) : STR("");
    return str_cut(&rest, '/');
}

static int on_node(void *cls, struct value node)
{
    struct storming *g = cls;
    struct str name = api_text(node, "name"), url = api_text(node, "seed_url");
    struct value macs = value_get(node, STR("macs"));
    if (!storm_owns(name, api_text(node, "role"))) {
        if (g->foreign_n < FOREIGN_SHOWN)
            g->foreign[g->foreign_n] = arena_str(&g->api.cli->arena, name).p;
        g->foreign_n++;
        return 0;
    }
    if (!url.n)
        return cli_fail(g->api.cli, "a storm arms nodes: it needs the socket, or a token with the "
                                    "role 'operator' or 'admin'");
    if (!g->seed_url.n)
        g->seed_url = arena_str(&g->api.cli->arena, url);
    if (!g->nodes_max || g->storm.machines_n < g->nodes_max)
        storm_add(&g->storm, name, key_in(url),
                  macs.kind == VALUE_LIST && macs.n ? value_text(macs.items[0]) : STR(""));
    return 0;
}

/* A server that has other nodes is no test instance: its machines would wait behind the storm's. */
static int refuse_foreign(const struct storming *g)
{
    const struct cli *c = g->api.cli;
    const char *const *f = g->foreign;
    uint32_t shown = g->foreign_n < FOREIGN_SHOWN ? g->foreign_n : FOREIGN_SHOWN;
    return cli_fail(c,
                    "%s has %u node%s that 'cloudseed storm tree' has not made (%s%s%s%s%s%s): a "
                    "storm is only for a server of its own",
                    g->api.server.where, g->foreign_n, g->foreign_n == 1 ? "" : "s", f[0],
                    shown > 1 ? ", " : "", shown > 1 ? f[1] : "", shown > 2 ? ", " : "",
                    shown > 2 ? f[2] : "", g->foreign_n > shown ? ", …" : "");
}

static int gather_nodes(struct storming *g)
{
    int status = api_each(&g->api, STR("/v1/nodes?limit=1000"), "nodes", on_node, g);
    if (status != CLI_OK)
        return status;
    if (g->foreign_n)
        return refuse_foreign(g);
    if (!g->storm.machines_n)
        return cli_fail(g->api.cli, "%s has no nodes: 'cloudseed storm tree' makes some",
                        g->api.server.where);
    if (g->storm.machines_n < g->nodes_max)
        return cli_fail(g->api.cli, "%s has only %u nodes", g->api.server.where,
                        g->storm.machines_n);
    return CLI_OK;
}

/* --- Where they ask ------------------------------------------------------------------------- */

/* Of join.json, which is a text in the YAML of user-data: \"node_url\": \"https://…\". Empty if
 * there is none. */
static struct str url_in(struct str text)
{
    const char *at;
    while ((at = memmem(text.p, text.n, "node_url", 8))) {
        text = str_skip(text, (size_t)(at + 8 - text.p));
        struct str url = text;
        size_t n = 0;
        while (url.n && memchr("\\\"': ", url.p[0], 5))
            url = str_skip(url, 1);
        while (n < url.n && !memchr("\"'\\ \n", url.p[n], 5))
            n++;
        if (str_starts(url, STR("https://")))
            return str_head(url, n);
    }
    return STR("");
}

/* As a machine learns it. */
static int find_node_url(struct storming *g, struct str ca)
{
    struct cli *c = g->api.cli;
    struct str text, name = g->storm.machines[0].name;
    struct err e;
    int status = api_file(
        &g->api, arena_printf(&c->arena, "/v1/nodes/%.*s/documents/user-data", STR_ARG(name)),
        &text);
    if (status != CLI_OK)
        return status;
    struct str url = url_in(text);
    if (!url.n)
        return cli_fail(c, "the user-data of %.*s names no node_url", STR_ARG(name));
    if (ask_peer_at(url, ca, &c->arena, &g->plan.node, &e) < 0)
        return cli_fail(c, "node_url: %s", e.msg);
    return CLI_OK;
}

static uint16_t *port_of(struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)a)->sin6_port
                                    : &((struct sockaddr_in *)a)->sin_port;
}

static int find_tftp(struct storming *g)
{
    const struct cli *c = g->api.cli;
    const char *given = flags_value(&c->flags, "tftp");
    struct ask_peer p = g->plan.boot;
    struct err e;
    if (given) {
        struct str url = arena_printf(&g->api.cli->arena, "http://%s", given);
        if (ask_peer_at(url, STR(""), &g->api.cli->arena, &p, &e) < 0)
            return cli_misuse(c, "--tftp '%s': expected ADDRESS:PORT: %s", given, e.msg);
    } else {
        *port_of(&p.address) = htons(STORM_TFTP_PORT);
    }
    g->plan.tftp = p.address;
    return CLI_OK;
}

static int find_admin(struct storming *g)
{
    const struct server_address *s = &g->api.server;
    struct err e;
    g->plan.token = s->token;
    if (s->socket) {
        g->plan.admin =
            (struct ask_peer){.kind = ASK_SOCKET, .socket = s->socket, .host = STR("localhost")};
        return CLI_OK;
    }
    if (ask_peer_at(str_from(s->url), s->ca, &g->api.cli->arena, &g->plan.admin, &e) < 0)
        return cli_fail(g->api.cli, "%s: %s", s->where, e.msg);
    return CLI_OK;
}

static int find_peers(struct storming *g)
{
    struct cli *c = g->api.cli;
    struct value ca;
    struct err e;
    int status = api_get(&g->api, STR("/v1/ca"), &ca);
    if (status != CLI_OK)
        return status;
    struct str pem = arena_str(&c->arena, api_text(ca, "pem"));
    if (ask_peer_at(g->seed_url, pem, &c->arena, &g->plan.boot, &e) < 0)
        return cli_fail(c, "url of the site: %s", e.msg);
    if (g->plan.boot.kind == ASK_TLS && g->plan.with_tftp && !flags_given(&c->flags, "tftp"))
        return cli_misuse(c, "the site's url is https: give --tftp ADDRESS:PORT or --no-tftp");
    status = find_node_url(g, pem);
    if (status == CLI_OK && g->plan.with_tftp)
        status = find_tftp(g);
    return status == CLI_OK ? find_admin(g) : status;
}

/* --- The cluster ---------------------------------------------------------------------------- */

/* Without an API server no token can be made for anyone: the role has no 'kubeadm', and its nodes
 * are answered `none` once the cluster stands. */
static int adopt(struct storming *g)
{
    struct value ca;
    char ends[CLOCK_TEXT_SIZE];
    struct api_answer answer;
    int status = api_get(&g->api, STR("/v1/ca"), &ca);
    if (status != CLI_OK)
        return status;
    clock_text((clock_wall_ms() + TOKEN_DAYS_MS) / 1000 * 1000, ends);
    struct str whole = {ends, 19};
    const struct value_pair token[] = {
        JSON_STR("token", STR("storm.no.token")),
        JSON_STR("expires", ARENA_JOIN(&g->api.cli->arena, whole, STR("Z"))),
    };
    const struct value_pair pairs[] = {
        JSON_STR("endpoint", STR("https://" STORM_NO_ENDPOINT)),
        JSON_STR("ca", api_text(ca, "pem")),
        JSON_VALUE("minter", value_map(token, 2)),
        JSON_VALUE("approver", value_none()),
        JSON_BOOL("replace_ca", true),
    };
    return api_ask(&g->api, "POST", STR("/v1/clusters/" STORM_CLUSTER "/adopt"),
                   value_map(pairs, sizeof(pairs) / sizeof(pairs[0])), STR(""), &answer);
}

static int prepare_cluster(struct storming *g)
{
    struct value cluster;
    int status = api_get(&g->api, STR("/v1/clusters/" STORM_CLUSTER), &cluster);
    if (status != CLI_OK)
        return status;
    struct str endpoint = api_text(cluster, "endpoint");
    if (str_is(api_text(cluster, "phase"), "standing"))
        return CLI_OK;
    if (str_is(endpoint, STORM_NO_ENDPOINT))
        return adopt(g);
    return cli_fail(g->api.cli, "the cluster " STORM_CLUSTER
                                " is not known yet: run 'cloudseed cluster adopt " STORM_CLUSTER
                                " --kubeconfig FILE' first");
}

/* --- The storm ------------------------------------------------------------------------------ */

static double metric(struct str text, const char *name)
{
    while (text.p) {
        struct str line = str_cut(&text, '\n');
        size_t n = strlen(name);
        if (str_starts(line, str_from(name)) && line.n > n && line.p[n] == ' ')
            return strtod(line.p + n + 1, NULL);
    }
    return -1;
}

/* A server that is gone is what the report tells by its failures. */
static struct storm_server look(void *cls)
{
    struct storming *g = cls;
    struct client_answer answer = {.status = 0};
    struct arena a;
    struct err e;
    struct storm_server s = {-1, -1, -1};
    arena_init(&a, 65536);
    const struct client_request q = {.method = "GET", .target = STR("/metrics")};
    if (client_ask(g->api.client, &q, &a, &answer, &e) == 0 && answer.status == 200)
        s = (struct storm_server){metric(answer.text, "process_cpu_seconds_total"),
                                  metric(answer.text, "process_resident_memory_bytes"),
                                  metric(answer.text, "process_open_fds")};
    arena_done(&a);
    return s;
}

static void on_tick(void *cls)
{
    const struct storming *g = cls;
    report_progress(&g->storm);
}

static bool stops(void *cls)
{
    (void)cls;
    return cli_interrupted();
}

/* Each machine has a socket. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int storm(struct storming *g)
{
    struct cli *c = g->api.cli;
    struct storm *s = &g->storm;
    raise_descriptors();
    signal(SIGPIPE, SIG_IGN);
    if (g->plan.starts_per_s <= 0)
        g->plan.starts_per_s = (double)s->machines_n / g->ramp_s;
    s->plan = g->plan;
    s->look = look;
    s->on_tick = on_tick;
    s->stops = stops;
    s->cls = g;
    cli_signals_hold();
    storm_run(s);
    report_progress_end();
    if (flags_given(&c->flags, "json"))
        report_print_json(c, s);
    else
        report_print(c, s);
    fflush(stdout);
    cli_signals_release();
    return s->lost || s->late ? CLI_FAILED : CLI_OK;
}

static int run(struct cli *c)
{
    struct storming *g = ARENA_NEW(&c->arena, struct storming);
    g->api.cli = c;
    int status = read_options(g);
    if (status != CLI_OK)
        return status;
    storm_init(&g->storm, &g->plan);
    status = api_open(c, &g->api);
    if (status == CLI_OK)
        status = gather_nodes(g);
    if (status == CLI_OK)
        status = find_peers(g);
    if (status == CLI_OK)
        status = prepare_cluster(g);
    if (status == CLI_OK)
        status = storm(g);
    storm_done(&g->storm);
    api_close(&g->api);
    return status;
}

const struct command command_storm_run = {
    .name = "storm run",
    .operands = "",
    .flags = FLAGS({"nodes", "N", "boot only the first N nodes"},
                   {"ramp", "TIME", "switch them all on within this time (default: 10s)"},
                   {"rate", "N", "switch on N nodes per second"},
                   {"for", "TIME", "with --rate: boot the nodes again and again for so long"},
                   {"by-phase", NULL, "end a phase for all nodes before the next; shows its CPU"},
                   {"tftp", "ADDRESS:PORT", "where the server's TFTP is (default: port 6969)"},
                   {"no-tftp", NULL, "leave out the loader and its script"},
                   {"timeout", "TIME", "how long a boot may take (default: 5m)"}, FLAG_JSON),
    .summary = "boot simulated nodes against a test server, and measure it",
    .help =
        "Boots nodes that 'cloudseed storm tree' made, all within --ramp, by the requests that a\n"
        "machine sends: it is armed; it loads undionly.kpxe and its boot script by TFTP, and its\n"
        "four files by HTTP; sends 60 reports, and phones home; asks over TLS how to join, and\n"
        "reports the result. Nothing is run or installed. Each request has a connection of its\n"
        "own, and one follows the other without a pause, which is more than machines do.\n"
        "\n"
        "It refuses a server that has any other node. What fails is tried again until --timeout\n"
        "has passed, then the node is lost; so it is at once where the server refuses it.\n"
        "\n"
        "Prints for each phase how many requests succeeded, how long half of them took at most\n"
        "(P50), 99 of 100 (P99) and the longest; each kind of failure with the first one; and\n"
        "what the server needed, by its /metrics.\n"
        "\n"
        "Exit status: 0 all nodes have booted, 1 one was lost or could not be started in time,\n"
        "64 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  cloudseed storm run --server /tmp/storm/admin.sock\n"
        "  cloudseed storm run --ramp 60s --no-tftp --by-phase\n"
        "  cloudseed storm run --rate 15 --for 60m --json >storm.json\n",
    .run = run,
};
