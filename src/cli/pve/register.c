/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"
#include "cli/pve/session.h"

#include <errno.h>
#include <stdio.h>

#define TASK_MS 60000
#define AT_ONCE STR("10") /* seconds that the answer waits for the change */

struct registration {
    struct pve_session session;
    struct value node, config;
    struct pve_vm vm;
    struct str serial, ends; /* of the window */
};

/* --- The serial ------------------------------------------------------------------------------- */

/* The window that is open goes on, so that the command may be run again; else it opens one. */
static int open_window(struct registration *g, const char *name)
{
    struct api *api = &g->session.api;
    struct api_answer answer;
    struct value body;
    struct err e;
    int status = node_act_window(g->session.cli, &body);
    if (status != CLI_OK)
        return status;
    if (api_try(api, "GET", api_node(api, name, "serial"), (struct value){0}, STR(""), &answer,
                &e) < 0)
        return cli_fail(g->session.cli, "%s", e.msg);
    if (answer.status == 200 && body.kind == VALUE_UNDEFINED) {
        g->serial = api_text(answer.value, "serial");
        g->ends = api_text(answer.value, "ends");
        return CLI_OK;
    }
    status = api_ask(api, "POST", api_node(api, name, "arm"), body, STR(""), &answer);
    if (status == CLI_OK) {
        struct value arm = value_get(answer.value, STR("arm"));
        g->serial = api_text(arm, "serial");
        g->ends = api_text(arm, "ends");
    }
    return status;
}

static int write_smbios(struct registration *g, struct str smbios1)
{
    struct pve_session *s = &g->session;
    const struct pve_field fields[] = {
        {"smbios1", smbios1},
        {"digest", pve_text(g->config, "digest", &s->arena)},
        {"background_delay", AT_ONCE},
    };
    const struct pve_request q = {"POST", pve_vm_path(&g->vm, "/config", &s->arena), fields, 3};
    unsigned warnings;
    struct err e;
    return pve_do(s->pve, &q, TASK_MS, &warnings, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

/* Whether the VM runs with other values than it is configured with now. */
static int is_pending(struct registration *g, bool *ret)
{
    struct pve_session *s = &g->session;
    struct value list;
    struct err e;
    *ret = false;
    if (pve_get(s->pve, pve_vm_path(&g->vm, "/pending", &s->arena), &s->arena, &list, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (str_is(value_get_text(list.items[i], STR("key")), "smbios1") &&
            (value_get(list.items[i], STR("pending")).kind || pve_truth(list.items[i], "delete")))
            *ret = true;
    }
    return CLI_OK;
}

/* --- One node --------------------------------------------------------------------------------- */

static int look(struct registration *g, const char *name)
{
    struct pve_session *s = &g->session;
    struct err e;
    int status = pve_session_node(s, name, &g->node);
    if (status == CLI_OK)
        status = pve_session_find(s, g->node, &g->vm);
    if (status != CLI_OK)
        return status;
    if (pve_vm_config(s->pve, &g->vm, &s->arena, &g->config, &e) < 0)
        return pve_session_fail(s, &e);
    return pve_session_match(s, g->node, &g->vm, g->config);
}

static void report(struct registration *g, const char *what, bool pending)
{
    struct cli *c = g->session.cli;
    const struct value_pair pairs[] = {
        JSON_STR("name", api_text(g->node, "name")),
        JSON_INT("vmid", g->vm.vmid),
        JSON_STR("host", g->vm.host),
        JSON_BOOL("pending", pending),
        JSON_VALUE("ends", g->ends.n ? value_str(g->ends) : value_none()),
    };
    if (flags_given(&c->flags, "json")) {
        cli_print_json(value_map(pairs, 5));
        return;
    }
    cli_print_line("%.*s: VM %u on %.*s %s%s%.*s", STR_ARG(api_text(g->node, "name")), g->vm.vmid,
                   STR_ARG(g->vm.host), what, g->ends.n ? "; the build window ends " : "",
                   STR_ARG(g->ends));
    if (pending)
        cli_print_line(
            "It runs and takes this at its next cold start, not at a reboot from within: "
            "run 'cloudseed pve stop %.*s', then 'cloudseed pve start %.*s'",
            STR_ARG(api_text(g->node, "name")), STR_ARG(api_text(g->node, "name")));
}

static int set_serial(struct registration *g, const char *name)
{
    struct pve_session *s = &g->session;
    struct str old = value_get_text(g->config, STR("smbios1")), text;
    struct err e;
    bool pending = false;
    int status = pve_session_remember(s, name, &g->vm);
    if (status == CLI_OK)
        status = open_window(g, name);
    if (status != CLI_OK)
        return status;
    if (smbios_set_serial(old, g->serial, &s->arena, &text, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", g->vm.vmid, e.msg);
    if (!str_eq(old, text))
        status = write_smbios(g, text);
    if (status == CLI_OK)
        status = is_pending(g, &pending);
    if (status == CLI_OK)
        report(g, "is registered", pending);
    return status;
}

static int run_register(struct cli *c)
{
    struct registration g = {0};
    int status = pve_session_open(c, &g.session);
    if (status == CLI_OK)
        status = look(&g, c->operands[0]);
    if (status == CLI_OK)
        status = set_serial(&g, c->operands[0]);
    pve_session_close(&g.session);
    return status;
}

const struct command command_pve_register = {
    .name = "pve register",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_VMID, FLAG_WINDOW, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "point a node's VM at the server",
    .help = "Opens the node's build window, unless it is open, and writes the SMBIOS serial by\n"
            "which cloud-init in the VM finds the server, with the join key of this window. What\n"
            "else is in smbios1 is kept. The VM must be the node's: the same name, and the MACs\n"
            "and the uuid that the node has. A VM that runs takes it at its next cold start.\n"
            "The token needs VM.Audit and VM.Config.HWType for the VM.\n"
            "\n"
            "Examples:\n"
            "  cloudseed pve register k8s-worker-2 --vmid 102\n"
            "  cloudseed pve register k8s-worker-2 --for 30m\n",
    .run = run_register,
};

/* --- The other way ---------------------------------------------------------------------------- */

/* Only a serial of ours is removed. */
static int drop_serial(struct registration *g, const char *name)
{
    struct pve_session *s = &g->session;
    struct str old = value_get_text(g->config, STR("smbios1")), text;
    struct smbios smbios;
    struct err e;
    bool pending = false;
    if (smbios_read(old, &s->arena, &smbios, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", g->vm.vmid, e.msg);
    if (smbios.serial.n && !str_starts(smbios.serial, STR("ds=nocloud")))
        return cli_fail(s->cli, "VM %u has a serial that is not cloudseed's: '%.*s'", g->vm.vmid,
                        STR_ARG(smbios.serial));
    int status =
        smbios_drop_serial(old, &s->arena, &text, &e) < 0 ? cli_fail(s->cli, "%s", e.msg) : CLI_OK;
    if (status == CLI_OK && smbios.serial.n)
        status = write_smbios(g, text);
    if (status == CLI_OK)
        status = is_pending(g, &pending);
    if (status == CLI_OK)
        status = pve_session_forget(s, name);
    if (status == CLI_OK)
        report(g, "has no serial of ours", pending);
    return status;
}

static int run_unregister(struct cli *c)
{
    struct registration g = {0};
    int status = pve_session_open(c, &g.session);
    if (status == CLI_OK)
        status = look(&g, c->operands[0]);
    if (status == CLI_OK)
        status = drop_serial(&g, c->operands[0]);
    pve_session_close(&g.session);
    return status;
}

const struct command command_pve_unregister = {
    .name = "pve unregister",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_VMID, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "take the server's address from a node's VM",
    .help = "Removes the serial that `pve register` has written; what else is in smbios1 is kept.\n"
            "The node's build window stays as it is: `node disarm` closes it.\n"
            "\n"
            "Examples:\n"
            "  cloudseed pve unregister k8s-worker-2\n",
    .run = run_unregister,
};
