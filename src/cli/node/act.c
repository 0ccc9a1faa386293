/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include "base/base64.h"
#include "cli/common/span.h"
#include "cli/common/term.h"

#include <stdio.h>

struct act {
    const char *method, *action;
    bool opens;       /* a build window: --for may be given, and what to set is printed */
    const char *done; /* "disarmed", for people */
};

int node_act_window(struct cli *c, struct value *ret)
{
    const char *length = c->flags.value[FLAG_FOR];
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

static void print_safe(struct str text)
{
    struct buf safe;
    buf_init(&safe, (size_t)1024 * 1024);
    term_text(&safe, text);
    fwrite(safe.p, 1, safe.n, stdout);
    putchar('\n');
    buf_done(&safe);
}

/* qm takes the whole of smbios1 anew: a uuid that is left out becomes another one. */
static void print_proxmox(struct api *api, struct value node, struct str serial)
{
    struct str uuid = api_text(node, "uuid");
    char *base64 = arena_alloc(api->arena, base64_length(serial.n) + 1);
    base64_write(serial, base64);
    print_safe(arena_printf(api->arena,
                            "Proxmox: qm set VMID --smbios1 uuid=%.*s,base64=1,serial=%s",
                            STR_ARG(uuid.n ? uuid : STR("UUID")), base64));
    puts("         (the uuid, and what else is in smbios1, as `qm config VMID` shows it)");
}

void node_act_print_armed(struct api *api, struct value armed)
{
    struct value arm = value_get(armed, STR("arm"));
    struct str serial = api_text(arm, "serial");
    print_safe(arena_printf(api->arena, "%.*s is armed until %.*s; its SMBIOS serial is to be:",
                            STR_ARG(api_text(armed, "name")), STR_ARG(api_text(arm, "ends"))));
    print_safe(serial);
    print_proxmox(api, armed, serial);
}

static void show(struct api *api, const struct act *act, const char *name, struct value answer,
                 struct cli_list *list)
{
    if (flags_given(&api->cli->flags, FLAG_JSON))
        cli_list_item(list, answer);
    else if (act->opens)
        node_act_print_armed(api, answer);
    else
        print_safe(arena_printf(api->arena, "%s %s", name, act->done));
}

/* All that can be done is done: one that fails does not keep the others from it. */
static int act_on_all(struct api *api, const struct act *act, struct value body)
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
    if (flags_given(&c->flags, FLAG_JSON))
        cli_list_end(&list);
    return status;
}

static int run(struct cli *c, const struct act *act)
{
    struct api api;
    struct value body = {0};
    int status = act->opens ? node_act_window(c, &body) : CLI_OK;
    if (status != CLI_OK)
        return status;
    status = api_open(c, &api);
    if (status == CLI_OK)
        status = act_on_all(&api, act, body);
    api_close(&api);
    return status;
}

int node_arm_run(struct cli *c)
{
    return run(c, &(const struct act){.method = "POST", .action = "arm", .opens = true});
}

int node_reprovision_run(struct cli *c)
{
    return run(c, &(const struct act){.method = "POST", .action = "reprovision", .opens = true});
}

int node_disarm_run(struct cli *c)
{
    return run(c, &(const struct act){"POST", "disarm", false, "is disarmed"});
}

int node_unlock_run(struct cli *c)
{
    return run(c, &(const struct act){"POST", "unlock", false, "is unlocked"});
}

int node_rekey_run(struct cli *c)
{
    return run(c, &(const struct act){"POST", "rekey", false,
                                      "has a new seed key; its machine needs the new serial: "
                                      "`cloudseed node arm`"});
}

int node_rm_run(struct cli *c)
{
    return run(c, &(const struct act){"DELETE", "", false, "is removed"});
}
