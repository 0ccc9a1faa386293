/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/common/cli.h"
#include "cli/storm/storm.h"
#include "config/config.h"
#include "model/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NODES_DEFAULT 1000
#define NODES_MAX 100000
#define URL_DEFAULT "http://127.0.0.1:8080"
#define FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)
/* Connections: where half of them are taken, one address gets few. */
#define LIMIT_MIN 10000
#define LIMIT_MAX 100000

struct plan {
    struct str folder; /* absolute */
    uint32_t nodes;
    struct str url, host;
    struct str listen; /* the address, with brackets around IPv6 */
    const char *port;
    const char *endpoint; /* NULL: the cluster has no API server */
};

/* --- The files ------------------------------------------------------------------------------ */

static void write_config(const struct plan *p, struct buf *b)
{
    uint32_t limit = p->nodes * 4 > LIMIT_MIN ? p->nodes * 4 : LIMIT_MIN;
    if (limit > LIMIT_MAX)
        limit = LIMIT_MAX;
    buf_printf(b,
               "# The configuration of a test server for `cloudseed storm run`.\n"
               "seed: %.*s/seed\n"
               "state: %.*s/state\n"
               "assets: %.*s/assets\n"
               "socket: %.*s/admin.sock\n"
               "http: [\"%.*s:%s\"]\n"
               "https: [\"%.*s:8443\"]\n"
               "tftp: [\"%.*s:%u\"]\n"
               "limits:\n"
               "  # All machines of a storm come from one address.\n"
               "  connections: %u\n"
               "  connections_per_address: %u\n"
               "  tftp_transfers: 10000\n"
               "  tftp_transfers_per_address: 10000\n",
               STR_ARG(p->folder), STR_ARG(p->folder), STR_ARG(p->folder), STR_ARG(p->folder),
               STR_ARG(p->listen), p->port, STR_ARG(p->listen), STR_ARG(p->listen), STORM_TFTP_PORT,
               limit, limit);
}

static void write_site(const struct plan *p, struct buf *b)
{
    buf_printf(b,
               "# Made by `cloudseed storm tree`: nodes that no machine has.\n"
               "name: storm\n"
               "url: %.*s\n"
               "node_url: https://%.*s:8443\n"
               "evidence: [mac]\n"
               "networks:\n"
               "  storm:\n"
               "    cidr: 10.64.0.0/10\n",
               STR_ARG(p->url), STR_ARG(p->host));
}

static void write_cluster(const struct plan *p, struct buf *b)
{
    buf_printf(b, "%s:\n", STORM_CLUSTER);
    buf_str(b, STR("  version: \"1.29\"\n"));
    if (!p->endpoint)
        buf_str(b, STR("  # Nothing listens there: nodes are answered without a token.\n"));
    buf_printf(b,
               "  endpoint: %s\n"
               "  pods: 192.168.0.0/16\n"
               "  services: 172.16.0.0/16\n"
               "  hardened: false\n",
               p->endpoint ? p->endpoint : STORM_NO_ENDPOINT);
}

static void write_role(const struct plan *p, struct buf *b)
{
    buf_str(b, STR(STORM_ROLE ":\n"
                              "  bootstrap: worker\n"));
    buf_str(b, p->endpoint ? STR("  kubeadm: sealed/kubeadm\n")
                           : STR("  # Without kubeadm, on purpose: no token is made. The warning "
                                 "is about that.\n"));
    buf_str(b, STR("  templates:\n"
                   "    meta-data: meta-data\n"
                   "    network-config: network-config\n"
                   "    vendor-data: vendor-data\n"
                   "    user-data: worker/user-data\n"));
}

static void write_nodes(const struct plan *p, struct buf *b)
{
    for (uint32_t i = 1; i <= p->nodes; i++)
        buf_printf(b,
                   STORM_NAME "%05u:\n"
                              "  role: " STORM_ROLE "\n"
                              "  cluster: " STORM_CLUSTER "\n"
                              "  macs: [\"02:5c:00:%02x:%02x:%02x\"]\n"
                              "  addresses: [10.%u.%u.%u]\n",
                   i, i >> 16, i >> 8 & 255, i & 255, 64 + (i >> 16), i >> 8 & 255, i & 255);
}

static const struct {
    const char *name;
    void (*write)(const struct plan *p, struct buf *b);
} files[] = {
    {"cloudseedd.yaml", write_config},           {"seed/site.yaml", write_site},
    {"seed/clusters/storm.yaml", write_cluster}, {"seed/roles/storm.yaml", write_role},
    {"seed/nodes/storm.yaml", write_nodes},
};

static int write_all(struct cli *c, const struct plan *p)
{
    struct err e;
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
        struct buf b;
        buf_init(&b, FILE_MAX_BYTES);
        files[i].write(p, &b);
        r = fs_put(p->folder.p, str_from(files[i].name), buf_view(&b), &e);
        buf_done(&b);
    }
    struct str assets = arena_printf(&c->arena, "%s/assets", p->folder.p);
    if (r == 0 && mkdir(assets.p, 0755) < 0)
        r = err_errno(&e, -errno, "%s", assets.p);
    return r < 0 ? cli_fail(c, "%s", e.msg) : CLI_OK;
}

/* --- The command ---------------------------------------------------------------------------- */

static int read_url(const struct cli *c, struct plan *p)
{
    const char *given = flags_value(&c->flags, "url");
    struct address address;
    p->url = str_from(given ? given : URL_DEFAULT);
    if (str_ends(p->url, STR("/")))
        p->url.n--;
    if (!str_starts(p->url, STR("http://")))
        return cli_misuse(c, "--url '%s': expected http://HOST:PORT", given);
    p->host = str_skip(p->url, 7);
    const char *colon = memrchr(p->host.p, ':', p->host.n);
    bool has_port = colon && !memchr(colon, ']', p->host.n - (size_t)(colon - p->host.p));
    p->port = has_port ? colon + 1 : "80";
    if (has_port)
        p->host.n = (size_t)(colon - p->host.p);
    bool bracketed = str_starts(p->host, STR("["));
    p->listen = bracketed || address_parse(p->host, &address) ? p->host : STR("0.0.0.0");
    return CLI_OK;
}

static int make_folder(struct cli *c, const char *name, struct plan *p)
{
    char *path;
    if (mkdir(name, 0755) < 0)
        return cli_fail(c, "%s: %s", name,
                        errno == EEXIST ? "it exists already; name a new folder" : strerror(errno));
    path = realpath(name, NULL);
    if (!path)
        return cli_fail(c, "%s: %s", name, strerror(errno));
    p->folder = arena_str(&c->arena, str_from(path));
    free(path);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct plan p = {.endpoint = flags_value(&c->flags, "endpoint")};
    const char *nodes = flags_value(&c->flags, "nodes");
    uint64_t n = NODES_DEFAULT;
    if (nodes && (!str_to_u64(str_from(nodes), NODES_MAX, &n) || n == 0))
        return cli_misuse(c, "--nodes '%s': expected a whole number from 1 to %u", nodes,
                          NODES_MAX);
    p.nodes = (uint32_t)n;
    int status = read_url(c, &p);
    if (status == CLI_OK)
        status = make_folder(c, c->operands[0], &p);
    if (status == CLI_OK)
        status = write_all(c, &p);
    if (status != CLI_OK)
        return status;
    cli_print_line("%u nodes in %s; serve them by 'cloudseedd --config %s/cloudseedd.yaml'",
                   p.nodes, p.folder.p, p.folder.p);
    return CLI_OK;
}

const struct command command_storm_tree = {
    .name = "storm tree",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"nodes", "N", "how many nodes (default: 1000)"},
                   {"endpoint", "HOST:PORT", "the API server of a test cluster for them to join"}),
    .summary = "make a test server's tree of nodes for a storm",
    .help =
        "Makes the new folder DIR with a seed tree of nodes 'storm-00001' and so on, of a role\n"
        "'storm' that has the worker's templates, in a cluster 'storm', and with the\n"
        "configuration of a server for them: its state, socket and assets are in DIR, and its\n"
        "limits let all machines come from one address. --url says where they reach it\n"
        "(default: " URL_DEFAULT ").\n"
        "\n"
        "Without --endpoint the cluster has no API server: nodes ask how to join, and are\n"
        "answered that there is nothing to do, so that no token is made. With the endpoint of a\n"
        "test cluster each gets a token of its own; run 'cloudseed cluster adopt storm' first.\n"
        "\n"
        "Examples:\n"
        "  cloudseed storm tree /tmp/storm --nodes 10000\n"
        "  cloudseedd --config /tmp/storm/cloudseedd.yaml &\n"
        "  cloudseed asset bootloaders --config /tmp/storm/cloudseedd.yaml\n"
        "  cloudseed storm run --config /tmp/storm/cloudseedd.yaml\n",
    .serverless = "it only makes files",
    .run = run,
};
