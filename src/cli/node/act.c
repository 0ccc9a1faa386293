/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include "base/base64.h"
#include "cli/common/span.h"

#include <stdio.h>

struct node_act {
    const char *method, *action;
    bool opens;       /* opens a build window: has --for, and prints the serial to set */
    const char *done; /* what to print: "is disarmed" */
};

int node_act_window(struct cli *c, struct value *ret)
{
    const char *length = flags_value(&c->flags, "for");
    uint32_t seconds;
    *ret = (struct value){0};
    if (!length)
        return CLI_OK;
    if (!span_read(length, &seconds) || seconds % 60 != 0)
        return cli_misuse(c, "--for '%s': expected whole minutes, as in 90m or 2h", length);
    const struct value_pair minutes[] = {JSON_INT("minutes", seconds / 60)};
    *ret = value_copy(&c->arena, value_map(minutes, 1));
    return CLI_OK;
}

/* qm replaces all of smbios1: without uuid the VM would get a new one. */
static void print_proxmox(struct api *api, struct value node, struct str serial)
{
    struct str uuid = api_text(node, "uuid");
    char *base64 = arena_alloc(api->arena, base64_length(serial.n) + 1);
    base64_write(serial, base64);
    cli_print_line("Proxmox: qm set VMID --smbios1 uuid=%.*s,base64=1,serial=%s",
                   STR_ARG(uuid.n ? uuid : STR("UUID")), base64);
    puts("         (the uuid, and what else is in smbios1, as `qm config VMID` shows it)");
}

void node_act_print_armed(struct api *api, struct value armed)
{
    struct value arm = value_get(armed, STR("arm"));
    struct str serial = api_text(arm, "serial");
    cli_print_line("%.*s is armed until %.*s; set its SMBIOS serial to:",
                   STR_ARG(api_text(armed, "name")), STR_ARG(api_when(arm, "ends", api->arena)));
    cli_print_line("%.*s", STR_ARG(serial));
    print_proxmox(api, armed, serial);
}

static void show(struct api *api, const struct node_act *act, const char *name, struct value answer,
                 struct cli_list *list)
{
    if (flags_given(&api->cli->flags, "json"))
        cli_list_item(list, answer);
    else if (act->opens)
        node_act_print_armed(api, answer);
    else
        cli_print_line("%s %s", name, act->done);
}

/* A failure does not stop the others. */
static int act_on_all(struct api *api, const struct node_act *act, struct value body)
{
    struct cli *c = api->cli;
    struct cli_list list = {0};
    int status = CLI_OK;
    for (size_t i = 0; i < c->operands_n; i++) {
        struct api_answer answer;
        struct str target = api_node(api, c->operands[i], act->action);
        api->about = c->operands_n > 1 ? c->operands[i] : NULL;
        int r = api_ask(api, act->method, target, body, STR(""), &answer);
        if (r == CLI_OK)
            show(api, act, c->operands[i], answer.value, &list);
        status = r == CLI_OK ? status : r;
    }
    if (flags_given(&c->flags, "json"))
        cli_list_end(&list);
    return status;
}

static int run_act(struct cli *c, const struct node_act *act)
{
    struct api api;
    struct value body = {0};
    if (act->opens && flags_given(&c->flags, "url"))
        return cli_misuse(c, "--url: the server prints the serial, with its own 'url' of "
                             "cloudseedd.yaml or site.yaml; set it there");
    int status = act->opens ? node_act_window(c, &body) : CLI_OK;
    if (status != CLI_OK)
        return status;
    status = api_open(c, &api);
    if (status == CLI_OK)
        status = act_on_all(&api, act, body);
    api_close(&api);
    return status;
}

static int run_arm(struct cli *c)
{
    return run_act(c, &(const struct node_act){.method = "POST", .action = "arm", .opens = true});
}

const struct command command_node_arm = {
    .name = "node arm",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_WINDOW, FLAG_JSON),
    .summary = "open nodes' build windows",
    .help = "For two hours, or as long as --for says, the machine may be built: it may\n"
            "identify itself by its MAC or UUID, and its reports change the node's state.\n"
            "Prints the SMBIOS serial to set, with the key of this window and the pin of the\n"
            "server's CA, and the command for Proxmox; with --json they are in the member\n"
            "'arm'. `node url --smbios` prints the serial again.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node arm k8s-worker-2\n"
            "  cloudseed node arm k8s-worker-2 k8s-worker-3 --for 30m\n"
            "  cloudseed node arm k8s-worker-2 --json | jq -r '.[].arm.serial'\n",
    .run = run_arm,
};

static int run_reprovision(struct cli *c)
{
    return run_act(
        c, &(const struct node_act){.method = "POST", .action = "reprovision", .opens = true});
}

const struct command command_node_reprovision = {
    .name = "node reprovision",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_WINDOW, FLAG_JSON),
    .summary = "let nodes be built again from nothing",
    .help = "Each gets a new instance-id, so that cloud-init runs as on a new machine, and its\n"
            "build window is opened as by `node arm`.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node reprovision k8s-worker-2\n",
    .run = run_reprovision,
};

static int run_disarm(struct cli *c)
{
    return run_act(c, &(const struct node_act){"POST", "disarm", false, "is disarmed"});
}

const struct command command_node_disarm = {
    .name = "node disarm",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_JSON),
    .summary = "close nodes' build windows",
    .help = "Examples:\n"
            "  cloudseed node disarm k8s-worker-2\n",
    .run = run_disarm,
};

static int run_unlock(struct cli *c)
{
    return run_act(c, &(const struct node_act){"POST", "unlock", false, "is unlocked"});
}

const struct command command_node_unlock = {
    .name = "node unlock",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_JSON),
    .summary = "lift the locks that alarms have put on nodes",
    .help = "With `alarms: lock` in site.yaml, an alarm locks the node: it gets only its four\n"
            "files, by its seed key, until this command or `node arm`. `cloudseed events NODE\n"
            "--kind alarm` shows the reason.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node unlock k8s-worker-2\n",
    .run = run_unlock,
};

static int run_accept_keys(struct cli *c)
{
    return run_act(c, &(const struct node_act){"POST", "accept-keys", false,
                                               "is known by the ssh host keys that it offered"});
}

const struct command command_node_accept_keys = {
    .name = "node accept-keys",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_JSON),
    .summary = "accept the new ssh host keys of nodes that are up",
    .help = "A node that is up and phones home with other ssh host keys than before raises an\n"
            "alarm, and the known ones stay in `cloudseed known-hosts`. Compare the offered ones,\n"
            "which `cloudseed node show` prints, with those on the machine's console, and then\n"
            "accept them.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node accept-keys k8s-worker-2\n",
    .run = run_accept_keys,
};

static int run_rekey(struct cli *c)
{
    return run_act(c,
                   &(const struct node_act){"POST", "rekey", false,
                                            "has a new seed key; its machine needs the new serial: "
                                            "`cloudseed node arm`"});
}

const struct command command_node_rekey = {
    .name = "node rekey",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_JSON),
    .summary = "give registered nodes new seed keys",
    .help = "The old keys no longer work: the machines' serials must be set again before they\n"
            "boot. For nodes of the seed tree, raise key_epoch in their file.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node rekey k8s-worker-4\n",
    .run = run_rekey,
};

static int run_rm(struct cli *c)
{
    return run_act(c, &(const struct node_act){"DELETE", "", false, "is removed"});
}

const struct command command_node_rm = {
    .name = "node rm",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_JSON),
    .summary = "remove nodes that are registered with the server",
    .help = "Their seed keys no longer work. Nodes of the seed tree are removed from its files.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node rm k8s-worker-4\n",
    .run = run_rm,
};
