/* SPDX-License-Identifier: Apache-2.0 */
/* The node's VM, as Proxmox VE has it. Nothing is changed there. */
#include "cli/doctor/doctor.h"
#include "cli/pve/pve.h"

#include <errno.h>

struct vm_gather {
    struct doctor_gather *g;
    struct pve_endpoint endpoint;
    struct pve *pve;
    struct pve_vm vm;
};

/* `how`: what fixes it; empty: it is no fault, as of a machine that is not in Proxmox. */
static void give_up(struct doctor_gather *g, struct str what, struct str how)
{
    const struct value_pair pairs[] = {JSON_STR("trouble", what), JSON_STR("how", how)};
    g->facts->vm = value_copy(g->arena, value_map(pairs, 2));
}

static struct str advice(const struct err *e)
{
    switch (e->code) {
    case -EACCES:
        return STR(
            "if its certificate was replaced, compare the fingerprint and run 'cloudseed pve "
            "login' again");
    case -EPERM: return STR("run 'cloudseed pve check': it prints the rights that the token needs");
    case -EHOSTUNREACH: return STR("start the host that the VM is on, or move the VM");
    case -ENOENT: return STR("run 'cloudseed pve list'; 'cloudseed pve create' makes it again");
    default: return STR("see that the host runs, and that its API is reached from here");
    }
}

/* The VM that the server knows, else the only one of that name. */
static int find(struct vm_gather *v, struct err *e)
{
    struct arena *a = v->g->arena;
    struct str name = v->g->facts->name;
    struct value known = value_get(v->g->facts->node, STR("vm")), list;
    uint32_t vmid = (uint32_t)api_number(known, "vmid", 0);
    unsigned found = 0;
    int r = vmid ? 0 : pve_list_vms(v->pve, a, &list, e);
    if (r < 0)
        return r;
    for (uint32_t i = 0; !vmid && i < list.n; i++) {
        struct value item = list.items[i];
        if (!str_eq(pve_text(item, "name", a), name) || pve_truth(item, "template"))
            continue;
        v->vm.vmid = (uint32_t)pve_number(item, "vmid", 0);
        found++;
    }
    if (!vmid && found != 1)
        return err_set(e, -ENODEV,
                       found ? "%u VMs are named %.*s, and the server does not know which"
                             : "%u VMs that the token sees are named %.*s",
                       found, STR_ARG(name));
    return pve_find_vm(v->pve, vmid ? vmid : v->vm.vmid, a, &v->vm, e);
}

static struct value bridges_of(struct vm_gather *v)
{
    struct arena *a = v->g->arena;
    const struct pve_field fields[] = {{"type", STR("any_bridge")}};
    const struct pve_request q = {"GET", ARENA_JOIN(a, STR("/nodes/"), v->vm.host, STR("/network")),
                                  fields, 1};
    struct value list;
    if (pve_ask(v->pve, &q, a, &list, NULL) < 0 || list.kind != VALUE_LIST)
        return value_none();
    struct value *names = ARENA_ARRAY(a, struct value, list.n);
    for (uint32_t i = 0; i < list.n; i++)
        names[i] = value_str(pve_text(list.items[i], "iface", a));
    return value_list(names, list.n);
}

static int look(struct vm_gather *v, struct err *e)
{
    struct arena *a = v->g->arena;
    struct value config, pending, current;
    int r = find(v, e);
    if (r == 0)
        r = pve_vm_config(v->pve, &v->vm, a, &config, e);
    if (r == 0)
        r = pve_get(v->pve, pve_vm_path(&v->vm, "/pending", a), a, &pending, e);
    if (r == 0)
        r = pve_get(v->pve, pve_vm_path(&v->vm, "/status/current", a), a, &current, e);
    if (r < 0)
        return r;
    const struct value_pair pairs[] = {
        JSON_STR("endpoint", v->endpoint.name), JSON_INT("vmid", v->vm.vmid),
        JSON_STR("host", v->vm.host),           JSON_STR("status", pve_text(current, "status", a)),
        JSON_VALUE("config", config),           JSON_VALUE("pending", pending),
        JSON_VALUE("bridges", bridges_of(v)),
    };
    v->g->facts->vm = value_copy(a, value_map(pairs, 7));
    return 0;
}

/* The endpoint where the server knows the VM, or which --pve names, or the only one. */
static const char *endpoint_name(struct doctor_gather *g)
{
    struct str known = api_text(value_get(g->facts->node, STR("vm")), "endpoint");
    const char *given = flags_value(&g->cli->flags, "pve");
    return known.n ? arena_str(g->arena, known).p : given;
}

void doctor_gather_vm(struct doctor_gather *g)
{
    struct vm_gather v = {.g = g};
    const char *name = endpoint_name(g);
    struct err e;
    int r = pve_endpoint_load(name, flags_value(&g->cli->flags, "token-file"), g->arena,
                              &v.endpoint, &e);
    if (r < 0) {
        give_up(g, arena_str(g->arena, str_from(e.msg)),
                name ? STR("run 'cloudseed pve login' here") : STR(""));
        return;
    }
    v.pve = pve_new(&v.endpoint);
    r = look(&v, &e);
    pve_free(v.pve);
    if (r == -ENODEV)
        give_up(g, arena_str(g->arena, str_from(e.msg)),
                arena_printf(g->arena,
                             "run 'cloudseed pve create %.*s', or 'cloudseed pve register %.*s "
                             "--vmid N'; of a machine that is no VM there, ignore this",
                             STR_ARG(g->facts->name), STR_ARG(g->facts->name)));
    else if (r < 0)
        give_up(g, arena_str(g->arena, str_from(e.msg)), advice(&e));
}
