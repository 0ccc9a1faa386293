/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"
#include "cli/pve/make.h"
#include "cli/pve/snippets.h"

#include <errno.h>
#include <stdio.h>

#define TASK_MS 60000
#define AT_ONCE STR("10") /* seconds that the answer waits for the change */

struct registration {
    struct pve_session session;
    struct value node, config;
    struct pve_vm vm;
};

/* --- The serial ------------------------------------------------------------------------------- */

/* *ret is empty where no window is open. */
static int serial_of_window(struct pve_session *s, struct str name, struct value *ret)
{
    struct api *api = &s->api;
    struct api_answer answer;
    struct err e;
    if (api_try(api, "GET", api_node(api, arena_str(&s->arena, name).p, "serial"),
                (struct value){0}, STR(""), &answer, &e) < 0)
        return cli_fail(s->cli, "%s", e.msg);
    *ret = answer.status == 200 ? answer.value : (struct value){0};
    return CLI_OK;
}

/* The window that is open goes on, so that the command may be run again; else it opens one. */
static int open_window(struct pve_session *s, struct str name, struct str *ret_serial,
                       struct str *ret_ends)
{
    struct api *api = &s->api;
    struct str node = arena_str(&s->arena, name);
    struct value body, window;
    struct api_answer answer;
    int status = node_act_window(s->cli, &body);
    if (status == CLI_OK)
        status = serial_of_window(s, name, &window);
    if (status != CLI_OK)
        return status;
    if (window.kind == VALUE_UNDEFINED || body.kind != VALUE_UNDEFINED) {
        status = pve_session_tell(s, "POST", api_node(api, node.p, "arm"), body, &answer);
        window = value_get(answer.value, STR("arm"));
    }
    if (status == CLI_OK) {
        *ret_serial = pve_session_is_dry(s) ? STR("ds=nocloud") : api_text(window, "serial");
        *ret_ends = api_when(window, "ends", api->arena);
    }
    return status;
}

/* The same seed, at today's address of our server. Empty: it has no seed of ours. */
static struct str moved(struct str serial, struct str url, struct arena *a)
{
    const char *at = memmem(serial.p, serial.n, ";s=http", 7),
               *key = memmem(serial.p, serial.n, "/s/", 3);
    if (!str_starts(serial, STR("ds=nocloud")) || !at || !key || key < at)
        return STR("");
    return ARENA_JOIN(a, (struct str){serial.p, (size_t)(at + 3 - serial.p)}, url,
                      str_skip(serial, (size_t)(key - serial.p)));
}

int pve_serial_wanted(struct pve_session *s, const char *name, struct value config, struct str url,
                      struct str *ret)
{
    struct str old = value_get_text(config, STR("smbios1"));
    struct smbios smbios;
    struct value window;
    struct err e;
    *ret = STR("");
    int status = serial_of_window(s, str_from(name), &window);
    if (status != CLI_OK)
        return status;
    int r = smbios_read(old, &s->arena, &smbios, &e);
    struct str serial = window.kind == VALUE_UNDEFINED ? moved(smbios.serial, url, &s->arena)
                                                       : api_text(window, "serial");
    if (r == 0 && serial.n && !str_eq(serial, smbios.serial))
        r = smbios_set_serial(old, serial, &s->arena, ret, &e);
    return r < 0 ? cli_fail(s->cli, "%s: %s", name, e.msg) : CLI_OK;
}

static int write_smbios(struct pve_session *s, const struct pve_vm *vm, struct value config,
                        struct str smbios1)
{
    const struct pve_field fields[] = {
        {"smbios1", smbios1},
        {"digest", pve_text(config, "digest", &s->arena)},
        {"background_delay", AT_ONCE},
    };
    const struct pve_request q = {"POST", pve_vm_path(vm, "/config", &s->arena), fields, 3};
    unsigned warnings;
    struct err e;
    return pve_do(s->pve, &q, TASK_MS, &warnings, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

/* Whether the VM runs with another serial than it is configured with now. */
static int is_pending(struct pve_session *s, const struct pve_vm *vm, bool *ret)
{
    struct value list;
    struct err e;
    *ret = false;
    if (pve_get(s->pve, pve_vm_path(vm, "/pending", &s->arena), &s->arena, &list, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        struct value item = list.items[i];
        if (str_is(value_get_text(item, STR("key")), "smbios1") &&
            (value_get(item, STR("pending")).kind || pve_truth(item, "delete")))
            *ret = true;
    }
    return CLI_OK;
}

int pve_register(struct pve_session *s, struct value node, const struct pve_vm *vm,
                 struct value config, struct pve_registered *ret)
{
    struct str old = value_get_text(config, STR("smbios1")), name = api_text(node, "name"), text,
               serial;
    struct err e;
    int status = pve_session_remember(s, name, vm);
    if (status == CLI_OK)
        status = open_window(s, name, &serial, &ret->ends);
    if (status != CLI_OK)
        return status;
    if (smbios_set_serial(old, serial, &s->arena, &text, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", vm->vmid, e.msg);
    if (!str_eq(old, text))
        status = write_smbios(s, vm, config, text);
    return status == CLI_OK && !pve_session_is_dry(s) ? is_pending(s, vm, &ret->pending) : status;
}

/* --- By snippets ------------------------------------------------------------------------------ */

static bool by_snippets(const struct cli *c)
{
    const char *via = flags_value(&c->flags, "via");
    return via && strcmp(via, "cicustom") == 0;
}

/* Always a window of its own: the key of one that is open is known only to who has it. */
static int register_snippets(struct registration *g, struct pve_registered *ret)
{
    struct pve_session *s = &g->session;
    struct str name = api_text(g->node, "name");
    struct api_answer answer;
    struct value body, window;
    int status = snippets_check(s, name, &g->vm, g->config);
    if (status == CLI_OK)
        status = pve_session_remember(s, name, &g->vm);
    if (status == CLI_OK)
        status = node_act_window(s->cli, &body);
    if (status == CLI_OK)
        status = pve_session_tell(s, "POST", api_node(&s->api, s->cli->operands[0], "arm"), body,
                                  &answer);
    if (status != CLI_OK)
        return status;
    window = value_get(answer.value, STR("arm"));
    ret->ends = api_when(window, "ends", &s->arena);
    ret->pending = str_is(g->vm.status, "running");
    return snippets_put(s, name, &g->vm, g->config, api_text(window, "window_url"));
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

static void report(struct registration *g, const char *what, const struct pve_registered *r)
{
    struct cli *c = g->session.cli;
    struct str name = api_text(g->node, "name");
    const struct value_pair pairs[] = {
        JSON_STR("name", name),
        JSON_INT("vmid", g->vm.vmid),
        JSON_STR("host", g->vm.host),
        JSON_BOOL("pending", r->pending),
        JSON_VALUE("ends", r->ends.n ? value_str(r->ends) : value_none()),
    };
    if (pve_session_is_dry(&g->session))
        return;
    if (flags_given(&c->flags, "json")) {
        cli_print_json(value_map(pairs, 5));
        return;
    }
    cli_print_line("%.*s: VM %u on %.*s %s%s%.*s", STR_ARG(name), g->vm.vmid, STR_ARG(g->vm.host),
                   what, r->ends.n ? "; the build window ends " : "", STR_ARG(r->ends));
    if (r->pending)
        cli_print_line(
            "It runs and takes this at its next cold start, not at a reboot from within: "
            "run 'cloudseed pve stop %.*s', then 'cloudseed pve start %.*s'",
            STR_ARG(name), STR_ARG(name));
}

static int run_register(struct cli *c)
{
    struct pve_registered done = {STR(""), false};
    struct registration g = {0};
    const char *via = flags_value(&c->flags, "via");
    if (via && strcmp(via, "smbios") != 0 && strcmp(via, "cicustom") != 0)
        return cli_misuse(c, "--via '%s': expected smbios or cicustom", via);
    int status = pve_session_open(c, &g.session);
    if (status == CLI_OK)
        status = look(&g, c->operands[0]);
    if (status == CLI_OK && by_snippets(c))
        status = register_snippets(&g, &done);
    else if (status == CLI_OK)
        status = pve_register(&g.session, g.node, &g.vm, g.config, &done);
    if (status == CLI_OK)
        report(&g, "is registered", &done);
    pve_session_close(&g.session);
    return status;
}

const struct command command_pve_register = {
    .name = "pve register",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(
        FLAG_VMID, {"via", "WAY", "smbios (default), or cicustom: files on a cloud-init drive"},
        FLAG_SNIPPETS, {"storage", "STORAGE", "of the snippets; without it the only one for them"},
        FLAG_DRY_RUN, FLAG_WINDOW, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "point a node's VM at the server",
    .help =
        "Opens the node's build window, unless it is open, and writes the SMBIOS serial by\n"
        "which cloud-init in the VM finds the server and which contains the window's join key.\n"
        "The other fields of smbios1 are kept. The VM must have the node's name, and its MACs\n"
        "and uuid if the node has any. A running VM gets the serial at its next cold start. The\n"
        "token needs VM.Audit and VM.Config.HWType for the VM.\n"
        "With --via cicustom the serial is not changed: the node's seed is rendered now,\n"
        "written to the folder of a storage's snippets, and set as cicustom of a VM that has a\n"
        "cloud-init drive. These files contain the key of the build window, with which only a\n"
        "worker can join. The token then needs VM.Config.Cloudinit instead of VM.Config.HWType.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve register k8s-worker-2 --vmid 102\n"
        "  cloudseed pve register k8s-worker-2 --via cicustom --snippets /mnt/nfs/snippets\n"
        "  cloudseed pve register k8s-worker-2 --for 30m\n",
    .run = run_register,
};

/* --- The other way ---------------------------------------------------------------------------- */

/* Only a serial of ours is removed. */
static int drop_serial(struct registration *g)
{
    struct pve_session *s = &g->session;
    struct str old = value_get_text(g->config, STR("smbios1")), text;
    struct smbios smbios;
    struct err e;
    struct pve_registered done = {STR(""), false};
    if (smbios_read(old, &s->arena, &smbios, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", g->vm.vmid, e.msg);
    if (smbios.serial.n && !str_starts(smbios.serial, STR("ds=nocloud")))
        return cli_fail(s->cli, "VM %u has a serial that is not cloudseed's: '%.*s'", g->vm.vmid,
                        STR_ARG(smbios.serial));
    int status =
        smbios_drop_serial(old, &s->arena, &text, &e) < 0 ? cli_fail(s->cli, "%s", e.msg) : CLI_OK;
    if (status == CLI_OK &&
        snippets_are_of(value_get_text(g->config, STR("cicustom")), api_text(g->node, "name"))) {
        status = snippets_drop(s, api_text(g->node, "name"), &g->vm, g->config);
        if (status == CLI_OK && smbios.serial.n)
            status = look(g, s->cli->operands[0]); /* the digest is another one now */
    }
    if (status == CLI_OK && smbios.serial.n)
        status = write_smbios(s, &g->vm, g->config, text);
    if (status == CLI_OK)
        status = is_pending(s, &g->vm, &done.pending);
    if (status == CLI_OK)
        status = pve_session_forget(s, api_text(g->node, "name"));
    if (status == CLI_OK)
        report(g, "has nothing of ours", &done);
    return status;
}

static int run_unregister(struct cli *c)
{
    struct registration g = {0};
    int status = pve_session_open(c, &g.session);
    if (status == CLI_OK)
        status = look(&g, c->operands[0]);
    if (status == CLI_OK)
        status = drop_serial(&g);
    pve_session_close(&g.session);
    return status;
}

const struct command command_pve_unregister = {
    .name = "pve unregister",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_VMID, FLAG_SNIPPETS, FLAG_DRY_RUN, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "remove the server's address from a node's VM",
    .help =
        "Removes the serial that `pve register` wrote and keeps the rest of smbios1; if the VM\n"
        "was registered via cicustom, removes that and its files. The node's build window stays\n"
        "open: `node disarm` closes it.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve unregister k8s-worker-2\n",
    .run = run_unregister,
};
