/* SPDX-License-Identifier: Apache-2.0 */
/* Who approves the certificates of kubelets: this server, or the cluster by itself. */
#include "cli/cluster/cluster.h"
#include "kube/manifests.h"

#define SUBJECT                                                           \
    "{\"apiGroup\": \"rbac.authorization.k8s.io\", \"kind\": \"Group\", " \
    "\"name\": \"system:bootstrappers:kubeadm:default-node-token\"}"

static void print_lines(const char *const *lines)
{
    for (; *lines; lines++)
        cli_print_line("%s", *lines);
}

static const char *const returning[] = {
    "Run this with the kubeconfig of the cluster's admin; until then this server goes on "
    "approving:",
    "  kubectl patch clusterrolebinding " MANIFESTS_AUTOAPPROVE
    " --type=merge -p '{\"subjects\": [" SUBJECT "]}'",
    "Then the cluster approves any node's name for any token. This server looks for that once a",
    "minute, and then forgets its token and approves nothing more.",
    NULL,
};

static const char *const returned[] = {
    "The cluster approves by itself, and this server nothing more. To delete its account:",
    "  kubectl delete clusterrolebinding,clusterrole " MANIFESTS_APPROVER,
    "  kubectl --namespace " MANIFESTS_NAMESPACE
    " delete serviceaccount,role,rolebinding " MANIFESTS_APPROVER,
    "Serving certificates of kubelets need 'kubectl certificate approve' from now on. Write",
    "'hardened: false' for the cluster in the seed tree, so that it is made like that again.",
    NULL,
};

static void print(struct value cluster, struct arena *a)
{
    struct value approval = value_get(cluster, STR("approval"));
    if (approval.kind != VALUE_MAP)
        print_lines(returned);
    else if (value_get(approval, STR("returning")).b)
        print_lines(returning);
    else
        cluster_print(cluster, a);
}

static int run(struct cli *c)
{
    const struct value_pair body[] = {JSON_BOOL("off", flags_given(&c->flags, "off"))};
    return cluster_ask(c, "POST", "harden", value_map(body, 1), print);
}

const struct command command_cluster_harden = {
    .name = "cluster harden",
    .operands = "CLUSTER",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON, {"off", NULL, "return approval to the cluster"}),
    .summary = "approve kubelets' certificates or stop it (--off)",
    .help = "In a hardened cluster this server approves them one by one. --off returns\n"
            "approval to the cluster, in which any bootstrap token then gets a certificate\n"
            "for any node's name. The server has no right to change that in the cluster, and\n"
            "prints the command for an admin; it goes on approving until it sees that the\n"
            "cluster does. Running the command again without --off cancels this.\n"
            "\n"
            "Examples:\n"
            "  cloudseed cluster harden homelab --off\n"
            "  cloudseed cluster harden homelab\n",
    .run = run,
};
