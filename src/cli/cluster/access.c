/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a cluster: its endpoint and CA as a kubeconfig, and where its admin's credentials are.
 */
#include "cli/cluster/cluster.h"

#include "base/base64.h"

#include <stdio.h>

static void print_kubeconfig(struct value cluster, struct arena *a)
{
    struct str name = api_text(cluster, "name"), ca = api_text(cluster, "ca");
    char *encoded = arena_alloc(a, base64_length(ca.n) + 1);
    base64_write(ca, encoded);
    cli_print_line("apiVersion: v1");
    cli_print_line("kind: Config");
    cli_print_line("clusters:");
    cli_print_line("  - name: \"%.*s\"", STR_ARG(name));
    cli_print_line("    cluster:");
    cli_print_line("      server: \"%.*s\"", STR_ARG(api_text(cluster, "reported")));
    cli_print_line("      certificate-authority-data: \"%s\"", encoded);
    cli_print_line("contexts:");
    cli_print_line("  - name: \"%.*s\"", STR_ARG(name));
    cli_print_line("    context: {cluster: \"%.*s\", user: \"%.*s-admin\"}", STR_ARG(name),
                   STR_ARG(name));
    cli_print_line("current-context: \"%.*s\"", STR_ARG(name));
    cli_print_line("users:");
    cli_print_line("  - {name: \"%.*s-admin\", user: {}}", STR_ARG(name));
}

/* Where ssh reaches the node: its first address, or its name. */
static struct str host_of(struct api *api, struct str name)
{
    struct value node;
    if (api_get(api, api_node(api, arena_str(api->arena, name).p, ""), &node) != CLI_OK)
        return name;
    struct value addresses = value_get(node, STR("addresses"));
    if (addresses.kind == VALUE_LIST && addresses.n && addresses.items[0].kind == VALUE_STR)
        return value_text(addresses.items[0]);
    struct str fqdn = api_text(node, "fqdn");
    return fqdn.n ? fqdn : name;
}

static void note_credentials(struct api *api, struct value cluster)
{
    struct value holder = value_get(cluster, STR("holder"));
    if (holder.kind != VALUE_MAP) {
        cli_note(api->cli, "it holds no credentials, as the server has none of an admin: those by "
                           "which the cluster was adopted are yours");
        return;
    }
    struct str name = api_text(holder, "name"), host = host_of(api, name);
    cli_note(api->cli,
             "it holds no credentials, as the server has none of an admin: %.*s has them, ssh "
             "root@%.*s cat /etc/kubernetes/admin.conf",
             STR_ARG(name), STR_ARG(host));
}

static int run_kubeconfig(struct cli *c)
{
    struct api api;
    struct value cluster;
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_get(&api, cluster_target(&api, c->operands[0], ""), &cluster);
    if (status == CLI_OK && !api_text(cluster, "ca").n)
        status = cli_fail(c, "%s is in phase %.*s: its CA is known once it stands", c->operands[0],
                          STR_ARG(api_text(cluster, "phase")));
    if (status == CLI_OK) {
        print_kubeconfig(cluster, api.arena);
        note_credentials(&api, cluster);
    }
    api_close(&api);
    return status;
}

const struct command command_cluster_kubeconfig = {
    .name = "cluster kubeconfig",
    .operands = "CLUSTER",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "print how to reach a cluster, without credentials",
    .help =
        "A kubeconfig with the cluster's endpoint and CA, and a user without credentials: the\n"
        "server has none but those of its own accounts. A line on standard error says where the\n"
        "admin's credentials are; `kubectl config set-credentials` adds them.\n"
        "\n"
        "Examples:\n"
        "  cloudseed cluster kubeconfig homelab >homelab.yaml\n"
        "  kubectl --kubeconfig homelab.yaml config set-credentials homelab-admin --token=TOKEN\n",
    .run = run_kubeconfig,
};
