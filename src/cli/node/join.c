/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

static void print_names(const char *label, struct value list)
{
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        struct value v = list.items[i];
        if (v.kind == VALUE_STR)
            cli_print_line("%-10s %.*s", label, STR_ARG(value_text(v)));
        else
            cli_print_line("%-10s %.*s, %.*s, %.*s", label, STR_ARG(api_text(v, "path")),
                           STR_ARG(api_text(v, "mode")), STR_ARG(api_text(v, "owner")));
    }
}

static void print(const char *name, struct value join)
{
    struct str detail = api_text(join, "detail"), rest = api_text(join, "kubeadm");
    if (detail.n)
        cli_print_line("%.*s", STR_ARG(detail));
    cli_print_line("%-10s %.*s%s%.*s", name, STR_ARG(api_text(join, "action")),
                   detail.n ? ", " : "", STR_ARG(api_text(join, "reason")));
    print_names("file", value_get(join, STR("files")));
    print_names("addon", value_get(join, STR("addons")));
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        cli_print_line("%.*s", STR_ARG(line));
    }
}

static int run_join(struct cli *c)
{
    struct api api;
    struct value answer;
    if (!flags_given(&c->flags, "dry-run"))
        return cli_misuse(
            c, "a node joins by itself when it boots in a build window: this command has "
               "only --dry-run");
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_get(&api, api_node(&api, c->operands[0], "join"), &answer);
    if (status == CLI_OK && flags_given(&c->flags, "json"))
        cli_print_json(answer);
    else if (status == CLI_OK)
        print(c->operands[0], answer);
    api_close(&api);
    return status;
}

const struct command command_node_join = {
    .name = "node join",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"dry-run", NULL, "only print what would be made"}, FLAG_JSON),
    .summary = "show what a node would get if it asked to join now",
    .help = "Shows whether the node would make its cluster or join it, and then the files\n"
            "that it would get and kubeadm's configuration, in which secrets are\n"
            "placeholders. If it would have to wait or would be refused, the reason is\n"
            "printed first. Nothing is changed, and --dry-run must be given. What only the\n"
            "machine knows is not looked at: its uuid and its version of kubeadm.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node join k8s-worker-2 --dry-run\n"
            "  cloudseed node join k8s-worker-2 --dry-run --json | jq -r .kubeadm\n",
    .run = run_join,
};
