/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster/cluster.h"

#include "base/clock.h"
#include "cli/common/table.h"
#include "kube/manifests.h"
#include "wire/uri.h"

#include <stdio.h>

#define CERTIFICATE_SOON_MS ((int64_t)30 * 24 * 60 * 60 * 1000)

static const struct value no_body;

struct str cluster_target(struct api *api, const char *name, const char *action)
{
    struct str segment = uri_encode_segment(str_from(name), api->arena);
    return arena_printf(api->arena, "/v1/clusters/%.*s%s%s", STR_ARG(segment), *action ? "/" : "",
                        action);
}

static struct str name_in(struct value cluster, const char *member)
{
    struct value node = value_get(cluster, str_from(member));
    return node.kind == VALUE_MAP ? api_text(node, "name") : STR("");
}

/* --- The list ------------------------------------------------------------------------------- */

static struct str phase_text(struct value cluster, struct arena *a)
{
    bool stuck = value_get(cluster, STR("stuck")).b;
    int64_t end_ms = api_time(cluster, "certificate_end"), left_ms = end_ms - clock_wall_ms();
    if (stuck)
        return STR("standing, a master has failed");
    if (end_ms < 0 || left_ms > CERTIFICATE_SOON_MS)
        return api_text(cluster, "phase");
    return arena_printf(a, "standing, its certificate ends in %lld days",
                        (long long)(left_ms / 1000 / 60 / 60 / 24));
}

static void print_table(struct cli *c, struct value clusters)
{
    static const char *const heads[] = {"NAME", "VERSION", "ENDPOINT", "PHASE", "SINCE", "MADE BY"};
    static const uint8_t gives[] = {5, 2, 1, 0};
    struct table t;
    table_init(&t, &c->arena, 6);
    table_head(&t, heads);
    table_give(&t, gives, sizeof(gives));
    if (flags_given(&c->flags, "wide"))
        table_wide(&t);
    for (uint32_t i = 0; i < clusters.n; i++) {
        struct value cluster = clusters.items[i];
        table_add(&t, api_text(cluster, "name"));
        table_add(&t, api_text(cluster, "version"));
        table_add(&t, api_text(cluster, "endpoint"));
        table_add(&t, phase_text(cluster, &c->arena));
        table_add(&t, api_age(cluster, "since", &c->arena));
        table_add(&t, name_in(cluster, "holder"));
    }
    table_print(&t, stdout, c->color_out);
}

static int run_list(struct cli *c)
{
    return api_print_list(c, STR("/v1/clusters"), "clusters", print_table);
}

const struct command command_cluster_list = {
    .name = "cluster list",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_NAMES, FLAG_WIDE),
    .summary = "list the clusters, and how far each is",
    .help =
        "A cluster's phase is none, init (a master makes it), standing (that master has\n"
        "reported it), or unconfirmed: after a restore the server cannot know whether it exists.\n"
        "\n"
        "Examples:\n"
        "  cloudseed cluster list\n"
        "  cloudseed cluster list --json | jq '.[] | select(.stuck)'\n",
    .run = run_list,
};

/* --- One of them ---------------------------------------------------------------------------- */

static void print_node(struct value cluster, const char *member, const char *label,
                       const char *more)
{
    struct str name = name_in(cluster, member);
    if (name.n)
        cli_print_line("%-10s %.*s%s", label, STR_ARG(name), more);
}

static void print_token(struct value cluster, const char *member, struct arena *a)
{
    struct value token = value_get(cluster, str_from(member));
    struct str trouble = api_text(token, "trouble");
    bool late = value_get(token, STR("late")).b;
    if (token.kind != VALUE_MAP)
        return;
    cli_print_line("%-10s has a token until %.*s%s%s%.*s", member,
                   STR_ARG(api_when(token, "expires", a)),
                   late ? ", which should have been renewed long ago" : "", trouble.n ? ": " : "",
                   STR_ARG(trouble));
    if (late)
        cli_print_line("%-10s run 'cloudseed cluster adopt %.*s --kubeconfig FILE'", "",
                       STR_ARG(api_text(cluster, "name")));
}

static void print_approval(struct value cluster)
{
    struct value approval = value_get(cluster, STR("approval"));
    long long pending = (long long)api_number(approval, "pending", 0);
    struct str trouble = api_text(approval, "trouble");
    if (approval.kind != VALUE_MAP)
        return;
    if (pending)
        cli_print_line(
            "approval   %lld certificate request%s stay%s pending: see 'cloudseed events'", pending,
            pending == 1 ? "" : "s", pending == 1 ? "s" : "");
    if (trouble.n)
        cli_print_line("approval   does not work: %.*s", STR_ARG(trouble));
    if (value_get(approval, STR("returning")).b)
        cli_print_line("approval   is handed back: see 'cloudseed cluster harden --off'");
    if (!value_get(approval, STR("autoapproves")).b)
        return;
    cli_print_line("approval   any bootstrap token gets a certificate for any node's name; the "
                   "command that stops this:");
    cli_print_line("           kubectl patch clusterrolebinding " MANIFESTS_AUTOAPPROVE
                   " --type=merge -p '{\"subjects\": []}'");
}

/* What its API server has shown. */
static void print_server(struct value cluster, struct arena *a)
{
    struct str end = api_when(cluster, "certificate_end", a);
    long long ahead_s = (long long)api_number(cluster, "clock_ahead_s", 0);
    if (end.n)
        cli_print_line("server     has a certificate until %.*s", STR_ARG(end));
    if (ahead_s)
        cli_print_line("server     has a clock that is %lld s %s", ahead_s < 0 ? -ahead_s : ahead_s,
                       ahead_s < 0 ? "behind" : "ahead");
}

void cluster_print(struct value cluster, struct arena *a)
{
    struct str since = api_age(cluster, "since", a), reported = api_text(cluster, "reported");
    struct str runs = api_text(cluster, "runs"), trouble = api_text(cluster, "trouble");
    bool stuck = value_get(cluster, STR("stuck")).b;
    long long held = (long long)api_number(cluster, "held", 0);
    cli_print_line("name       %.*s", STR_ARG(api_text(cluster, "name")));
    if (value_get(cluster, STR("declared")).b)
        cli_print_line("declared   Kubernetes %.*s at %.*s", STR_ARG(api_text(cluster, "version")),
                       STR_ARG(api_text(cluster, "endpoint")));
    else
        cli_print_line("declared   no: it is not in the seed tree any more");
    cli_print_line("phase      %.*s%s%.*s, epoch %lld", STR_ARG(api_text(cluster, "phase")),
                   since.n ? " for " : "", STR_ARG(since),
                   (long long)api_number(cluster, "epoch", 0));
    print_node(cluster, "holder", "made by", "");
    if (reported.n)
        cli_print_line("reported   %.*s", STR_ARG(reported));
    if (runs.n)
        cli_print_line("runs       Kubernetes %.*s", STR_ARG(runs));
    print_server(cluster, a);
    print_token(cluster, "minter", a);
    print_token(cluster, "approver", a);
    print_approval(cluster);
    if (trouble.n)
        cli_print_line("trouble    its nodes are not seen: %.*s", STR_ARG(trouble));
    if (held)
        cli_print_line("held       %lld node%s wait%s for it", held, held == 1 ? "" : "s",
                       held == 1 ? "s" : "");
    print_node(cluster, "turn", "turn",
               stuck ? ", which has failed: see 'cloudseed events --kind cluster-stuck'" : "");
}

int cluster_ask(struct cli *c, const char *method, const char *action, struct value body,
                cluster_printer *print)
{
    struct api api;
    struct api_answer answer;
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_ask(&api, method, cluster_target(&api, c->operands[0], action), body, STR(""),
                         &answer);
    if (status == CLI_OK && flags_given(&c->flags, "json"))
        cli_print_json(answer.value);
    else if (status == CLI_OK)
        print(answer.value, api.arena);
    api_close(&api);
    return status;
}

static int run_show(struct cli *c)
{
    return cluster_ask(c, "GET", "", no_body, cluster_print);
}

const struct command command_cluster_show = {
    .name = "cluster show",
    .operands = "CLUSTER",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON),
    .summary = "show how far a cluster is",
    .help = "Shows which master makes it or has made it, since when, what that master has\n"
            "reported, and the further master whose turn it is to join.\n"
            "\n"
            "Examples:\n"
            "  cloudseed cluster show homelab\n"
            "  cloudseed cluster show homelab --json | jq -r .ca >homelab-ca.pem\n",
    .run = run_show,
};

static void print_certs(struct value answer, struct arena *a)
{
    (void)a;
    cli_print_line("%.*s", STR_ARG(api_text(answer, "command")));
}

static int run_certs(struct cli *c)
{
    return cluster_ask(c, "POST", "certs", no_body, print_certs);
}

const struct command command_cluster_certs = {
    .name = "cluster certs",
    .operands = "CLUSTER",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON),
    .summary = "print the command that lets further masters join",
    .help =
        "Further masters read the cluster's keys from the cluster itself, which keeps them for\n"
        "two hours after 'kubeadm init'. Later a further master waits until you upload them\n"
        "again: run the printed command as root on a running master, at once, as masters that\n"
        "wait get its new key now, and try five times in some minutes. They get it for two\n"
        "hours. With the key, a node that may read the cluster's Secrets has the cluster's CA:\n"
        "keep it to yourself. The command that was printed last counts.\n"
        "\n"
        "Examples:\n"
        "  cloudseed cluster certs homelab\n"
        "  ssh root@k8s-master-1 \"$(cloudseed cluster certs homelab)\"\n",
    .run = run_certs,
};

static int run_reset(struct cli *c)
{
    return cluster_ask(c, "POST", "reset", no_body, cluster_print);
}

const struct command command_cluster_reset = {
    .name = "cluster reset",
    .operands = "CLUSTER",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON),
    .summary = "let a cluster be made from nothing",
    .help = "The next master that asks makes the cluster. Run it only if the cluster is gone, or\n"
            "never came to be. Run 'kubeadm reset' on the machines that remain, and arm their\n"
            "nodes again: while anything answers at the cluster's endpoint, no master makes\n"
            "another one. Reports of the previous master are refused.\n"
            "\n"
            "Examples:\n"
            "  cloudseed cluster reset homelab\n",
    .run = run_reset,
};
