/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/table.h"
#include "cli/pve/session.h"
#include "cli/pve/tomb.h"

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

/* "set", "another server" or "another use"; empty: it has none. */
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

static struct value text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

struct row {
    struct str node, state;
    struct value vm; /* VALUE_UNDEFINED: none */
};

/* "?" where the VM's host does not answer. */
static struct str serial_of(struct listing *l, struct value item)
{
    struct pve_session *s = &l->session;
    struct arena *a = &s->arena;
    struct pve_vm vm = {.vmid = (uint32_t)pve_number(item, "vmid", 0),
                        .host = pve_text(item, "node", a)};
    struct smbios smbios;
    struct value config;
    struct err e;
    if (pve_vm_config(s->pve, &vm, a, &config, &e) < 0)
        return STR("?");
    if (smbios_read(value_get_text(config, STR("smbios1")), a, &smbios, &e) < 0)
        return STR("another use");
    return str_from(serial_kind(l, smbios.serial));
}

static void put_json(struct listing *l, const struct row *row, const struct str cells[static 7])
{
    bool has_vm = row->vm.kind == VALUE_MAP;
    const struct value_pair pairs[] = {
        JSON_VALUE("node", text_or_none(cells[0])),
        JSON_VALUE("state", text_or_none(cells[1])),
        JSON_VALUE("vmid", has_vm ? value_int(pve_number(row->vm, "vmid", 0)) : value_none()),
        JSON_VALUE("vm", text_or_none(cells[3])),
        JSON_VALUE("host", text_or_none(cells[4])),
        JSON_VALUE("status", text_or_none(cells[5])),
        JSON_VALUE("serial", text_or_none(cells[6])),
    };
    cli_list_item(&l->json, value_map(pairs, 7));
}

static void put(struct listing *l, const struct row *row)
{
    struct arena *a = &l->session.arena;
    struct value vm = row->vm;
    const struct str cells[] = {
        row->node,
        row->state,
        pve_text(vm, "vmid", a),
        pve_text(vm, "name", a),
        pve_text(vm, "node", a),
        pve_text(vm, "status", a),
        vm.kind == VALUE_MAP ? serial_of(l, vm) : STR(""),
    };
    if (flags_given(&l->session.cli->flags, "json"))
        put_json(l, row, cells);
    for (size_t i = 0; i < l->table.columns; i++)
        table_add(&l->table, cells[i]);
}

static bool is_vm(struct value item, struct arena *a)
{
    return str_is(pve_text(item, "type", a), "qemu") && !pve_truth(item, "template");
}

/* Of a VM that was given up with its host; such a one may have no name there. */
static bool is_given_up(struct listing *l, struct value node, struct value item)
{
    struct value list = value_get(node, STR("tombstones"));
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (str_eq(api_text(list.items[i], "endpoint"), l->session.endpoint.name) &&
            api_number(list.items[i], "vmid", 0) == pve_number(item, "vmid", 0))
            return true;
    }
    return false;
}

static int on_node(void *cls, struct value node)
{
    struct listing *l = cls;
    struct arena *a = &l->session.arena;
    struct row row = {.node = arena_str(a, api_text(node, "name")),
                      .state = arena_str(a, api_text(node, "state"))};
    tomb_disarm(&l->session, node);
    for (uint32_t i = 0; i < l->vms.n; i++) {
        struct value item = l->vms.items[i];
        bool was_given_up = is_given_up(l, node, item);
        if (l->is_shown[i] || !is_vm(item, a) ||
            (!was_given_up && !str_eq(pve_text(item, "name", a), row.node)))
            continue;
        row.vm = item;
        l->is_shown[i] = true;
        put(l, was_given_up ? &(const struct row){row.node, STR("given up"), item} : &row);
    }
    if (row.vm.kind == VALUE_UNDEFINED)
        put(l, &row);
    return 0;
}

static int list_all(struct listing *l)
{
    struct pve_session *s = &l->session;
    struct value server;
    struct err e;
    int status = api_get(&s->api, STR("/v1/server"), &server);
    if (status != CLI_OK)
        return status;
    l->url = arena_str(&s->arena, api_text(server, "url"));
    if (pve_list_vms(s->pve, &s->arena, &l->vms, &e) < 0)
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
    table_head(&l.table, heads);
    if (flags_given(&c->flags, "wide"))
        table_wide(&l.table);
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
    .flags = FLAGS(FLAG_PVE, FLAG_TOKEN, FLAG_JSON, FLAG_WIDE),
    .summary = "list nodes and their VMs",
    .help =
        "A node's VM is the one with its name. A VM whose host was lost ('pve replace') is\n"
        "shown as 'given up', and is disarmed once its host is back. SERIAL says where the VM's\n"
        "SMBIOS serial leads: set (to this server), another server, or another use. Only VMs\n"
        "that the token may see are listed.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve list\n"
        "  cloudseed pve list --json | jq '.[] | select(.vmid == null) | .node'\n",
    .run = run,
};
