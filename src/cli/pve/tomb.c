/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/tomb.h"

#include "cli/pve/act.h"

#include <errno.h>
#include <stdio.h>

#define TASK_MS (2 * 60 * 1000)
#define AT_ONCE STR("10") /* seconds that an answer waits for a change */
#define CARDS_MAX 32

int tomb_host_is_up(struct pve_session *s, struct str host, bool *ret, struct err *e)
{
    struct value list;
    int r = pve_get(s->pve, STR("/nodes"), &s->arena, &list, e);
    if (r < 0)
        return r;
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (!str_eq(pve_text(list.items[i], "node", &s->arena), host))
            continue;
        *ret = str_is(value_get_text(list.items[i], STR("status")), "online");
        return 0;
    }
    return err_set(e, -ENOENT, "%.*s: there is no host %.*s", STR_ARG(s->endpoint.name),
                   STR_ARG(host));
}

struct disarming {
    struct pve_field list[CARDS_MAX + 5];
    char names[CARDS_MAX][8];
    size_t n;
};

static int unplug_cards(struct disarming *d, struct value config, struct arena *a, struct err *e)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < CARDS_MAX; i++) {
        struct props p;
        snprintf(d->names[i], sizeof(d->names[i]), "net%u", i);
        struct str text = value_get_text(config, str_from(d->names[i]));
        if (!text.n)
            continue;
        r = props_read(text, &p, e);
        if (r == 0 && str_is(props_get(&p, "link_down"), "1"))
            continue;
        if (r == 0)
            r = props_set(&p, "link_down", STR("1"), e);
        if (r == 0)
            d->list[d->n++] = (struct pve_field){d->names[i], props_text(&p, a)};
    }
    return r;
}

static int drop_serial(struct disarming *d, struct value config, struct arena *a, struct err *e)
{
    struct str old = value_get_text(config, STR("smbios1")), text;
    struct smbios smbios;
    int r = smbios_read(old, a, &smbios, e);
    if (r < 0 || !str_starts(smbios.serial, STR("ds=nocloud")))
        return r;
    r = smbios_drop_serial(old, a, &text, e);
    if (r == 0)
        d->list[d->n++] = (struct pve_field){"smbios1", text};
    return r;
}

static int unplug(struct pve_session *s, const struct pve_vm *vm, struct value config,
                  struct err *e)
{
    struct arena *a = &s->arena;
    struct disarming d = {.n = 0};
    unsigned warnings;
    int r = unplug_cards(&d, config, a, e);
    if (r == 0)
        r = drop_serial(&d, config, a, e);
    if (pve_truth(config, "onboot"))
        d.list[d.n++] = (struct pve_field){"onboot", STR("0")};
    if (r < 0 || !d.n)
        return r;
    d.list[d.n++] = (struct pve_field){"digest", pve_text(config, "digest", a)};
    d.list[d.n++] = (struct pve_field){"background_delay", AT_ONCE};
    const struct pve_request q = {"POST", pve_vm_path(vm, "/config", a), d.list, d.n};
    r = pve_do(s->pve, &q, TASK_MS, &warnings, e);
    return r < 0 ? r : 1;
}

static int bury(struct pve_session *s, struct value node, struct value tomb)
{
    const struct value_pair pairs[] = {
        JSON_STR("endpoint", api_text(tomb, "endpoint")),
        JSON_STR("host", api_text(tomb, "host")),
        JSON_INT("vmid", api_number(tomb, "vmid", 0)),
    };
    struct api_answer answer;
    struct str name = arena_str(&s->arena, api_text(node, "name"));
    return pve_session_tell(s, "POST", api_node(&s->api, name.p, "vm/buried"), value_map(pairs, 3),
                            &answer);
}

/* Only one that is still the node's: its id may be another VM's by now. */
static int disarm_vm(struct pve_session *s, struct value node, struct value tomb,
                     const struct pve_vm *vm, struct err *e)
{
    struct value config;
    int r = pve_vm_config(s->pve, vm, &s->arena, &config, e);
    if (r < 0)
        return r;
    if (!str_eq(pve_text(config, "name", &s->arena), api_text(node, "name")) ||
        !pve_session_owns(s, node, config)) {
        bury(s, node, tomb);
        return 0;
    }
    r = unplug(s, vm, config, e);
    if (r < 0)
        return r;
    if (pve_stop_hard(s, vm) != CLI_OK)
        return err_set(e, -EIO, "it is unplugged, and runs");
    if (r > 0 && !pve_session_is_dry(s))
        cli_note(s->cli,
                 "VM %u on %.*s, which was given up, is disarmed: it has no network any more. "
                 "Remove it in Proxmox when you need nothing of its disks",
                 vm->vmid, STR_ARG(vm->host));
    return 0;
}

static int disarm(struct pve_session *s, struct value node, struct value tomb, struct err *e)
{
    uint32_t vmid = (uint32_t)api_number(tomb, "vmid", 0);
    struct pve_vm vm;
    bool is_taken, is_up;
    int r = pve_id_is_taken(s->pve, vmid, &is_taken, e);
    if (r < 0)
        return r;
    if (!is_taken) {
        bury(s, node, tomb);
        return 0;
    }
    r = pve_find_vm(s->pve, vmid, &s->arena, &vm, e);
    if (r == 0)
        r = tomb_host_is_up(s, vm.host, &is_up, e);
    return r < 0 || !is_up ? r : disarm_vm(s, node, tomb, &vm, e);
}

void tomb_disarm(struct pve_session *s, struct value node)
{
    struct value list = value_get(node, STR("tombstones"));
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        struct value tomb = list.items[i];
        struct err e;
        if (!str_eq(api_text(tomb, "endpoint"), s->endpoint.name))
            continue;
        if (disarm(s, node, tomb, &e) < 0)
            cli_note(s->cli,
                     "VM %u of %.*s was given up, and could not be disarmed: %s. It must not run "
                     "beside its successor: stop it, and unplug it in Proxmox",
                     (unsigned)api_number(tomb, "vmid", 0), STR_ARG(api_text(node, "name")), e.msg);
    }
}
