/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/table.h"
#include "cli/pve/session.h"

#include <stdio.h>
#include <stdlib.h>

struct listing {
    struct pve_session session;
    struct str url; /* our server's */
    struct table table;
    struct cli_list json;
    struct value vms; /* of cluster/resources */
    bool *is_shown;   /* by index in `vms` */
};

/* --- What a VM's serial says ------------------------------------------------------------------ */

/* "set", "other server", "other" or "-". */
static const char *serial_kind(const struct listing *l, struct str serial)
{
    const char *url = memmem(serial.p, serial.n, "s=http", 6);
    if (!serial.n)
        return "";
    if (!str_starts(serial, STR("ds=nocloud")) || !url)
        return "another use";
    struct str at = str_skip(serial, (size_t)(url - serial.p) + 2);
    return str_starts(at, l->url) ? "set" : "another server";
}

struct row {
    struct str node, state;
    struct value vm; /* VALUE_UNDEFINED: none */
};

static int serial_of(struct listing *l, struct value item, struct str *ret)
{
    struct pve_session *s = &l->session;
    struct arena *a = &s->arena;
    struct pve_vm vm = {.vmid = (uint32_t)pve_number(item, "vmid", 0),
                        .host = pve_text(item, "node", a)};
    struct smbios smbios = {STR(""), STR("")};
    struct value config;
    struct err e;
    *ret = STR("");
    if (pve_vm_config(s->pve, &vm, a, &config, &e) < 0) {
        *ret = STR("?"); /* its host may be away */
        return 0;
    }
    if (smbios_read(value_get_text(config, STR("smbios1")), a, &smbios, &e) == 0)
        *ret = str_from(serial_kind(l, smbios.serial));
    return 0;
}

static void put(struct listing *l, const struct row *row)
{
    struct arena *a = &l->session.arena;
    bool has_vm = row->vm.kind == VALUE_MAP;
    struct str vmid = has_vm ? pve_text(row->vm, "vmid", a) : STR("");
    struct str host = has_vm ? pve_text(row->vm, "node", a) : STR("");
    struct str status = has_vm ? pve_text(row->vm, "status", a) : STR(""), serial = STR("");
    if (has_vm)
        serial_of(l, row->vm, &serial);
    if (flags_given(&l->session.cli->flags, "json")) {
        const struct value_pair pairs[] = {
            JSON_VALUE("node", row->node.n ? value_str(row->node) : value_none()),
            JSON_VALUE("state", row->state.n ? value_str(row->state) : value_none()),
            JSON_VALUE("vmid", has_vm ? value_int(pve_number(row->vm, "vmid", 0)) : value_none()),
            JSON_VALUE("host", has_vm ? value_str(host) : value_none()),
            JSON_VALUE("vm", has_vm ? value_str(pve_text(row->vm, "name", a)) : value_none()),
            JSON_VALUE("status", has_vm ? value_str(status) : value_none()),
            JSON_VALUE("serial", serial.n ? value_str(serial) : value_none()),
        };
        cli_list_item(&l->json, value_map(pairs, 7));
        return;
    }
    const struct str cells[] = {
        row->node, row->state, vmid,  has_vm ? pve_text(row->vm, "name", a) : STR(""),
        host,      status,     serial};
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
        table_add(&l->table, cells[i]);
}

static bool is_vm(struct value item, struct arena *a)
{
    return str_is(pve_text(item, "type", a), "qemu") && !pve_truth(item, "template");
}

static int on_node(void *cls, struct value node)
{
    struct listing *l = cls;
    struct arena *a = &l->session.arena;
    struct row row = {.node = arena_str(a, api_text(node, "name")),
                      .state = arena_str(a, api_text(node, "state"))};
    for (uint32_t i = 0; i < l->vms.n; i++) {
        struct value item = l->vms.items[i];
        if (l->is_shown[i] || !is_vm(item, a) || !str_eq(pve_text(item, "name", a), row.node))
            continue;
        row.vm = item;
        l->is_shown[i] = true;
        put(l, &row);
    }
    if (row.vm.kind == VALUE_UNDEFINED)
        put(l, &row);
    return 0;
}

static int list_all(struct listing *l)
{
    struct pve_session *s = &l->session;
    const struct pve_field fields[] = {{"type", STR("vm")}};
    const struct pve_request q = {"GET", STR("/cluster/resources"), fields, 1};
    struct value server;
    struct err e;
    int status = api_get(&s->api, STR("/v1/server"), &server);
    if (status != CLI_OK)
        return status;
    l->url = arena_str(&s->arena, api_text(server, "url"));
    if (pve_ask(s->pve, &q, &s->arena, &l->vms, &e) < 0)
        return pve_session_fail(s, &e);
    l->is_shown = arena_zalloc(&s->arena, l->vms.n + 1, sizeof(*l->is_shown));
    status = api_each(&s->api, STR("/v1/nodes?limit=1000"), "nodes", on_node, l);
    for (uint32_t i = 0; status == CLI_OK && i < l->vms.n; i++) {
        if (!l->is_shown[i] && is_vm(l->vms.items[i], &s->arena))
            put(l, &(const struct row){STR(""), STR(""), l->vms.items[i]});
    }
    return status;
}

static int run(struct cli *c)
{
    static const char *const heads[] = {"NODE", "STATE", "VMID", "VM", "HOST", "STATUS", "SERIAL"};
    struct listing l = {0};
    int status = pve_session_open(c, &l.session);
    table_init(&l.table, &l.session.arena, 7);
    for (size_t i = 0; i < 7; i++)
        table_add(&l.table, str_from(heads[i]));
    if (status == CLI_OK)
        status = list_all(&l);
    if (status == CLI_OK && flags_given(&c->flags, "json"))
        cli_list_end(&l.json);
    else if (status == CLI_OK)
        table_print(&l.table, stdout, c->color_out);
    pve_session_close(&l.session);
    return status;
}

const struct command command_pve_list = {
    .name = "pve list",
    .operands = "",
    .flags = FLAGS(FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "list nodes beside their VMs",
    .help =
        "A node's VM is the one with its name. SERIAL tells what the VM's SMBIOS serial says:\n"
        "set (it leads to this server), another server, or another use. Only VMs that the token\n"
        "may see are listed.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve list\n"
        "  cloudseed pve list --json | jq '.[] | select(.vmid == null) | .node'\n",
    .run = run,
};
