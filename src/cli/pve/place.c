/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/place.h"

#include "cli/pve/disk.h"

struct placing {
    struct value resources;
    const struct place_given *given;
    size_t given_n;
    struct arena *a;
    bool is_shown; /* hosts' memory */
};

static bool is_kind(struct value resource, const char *kind, struct arena *a)
{
    return str_is(pve_text(resource, "type", a), kind);
}

static bool is_online(struct value resource, struct arena *a)
{
    return is_kind(resource, "node", a) && str_is(pve_text(resource, "status", a), "online");
}

int64_t place_memory(struct value resources, const struct proxmox *plan)
{
    if (plan->memory_mib)
        return (int64_t)plan->memory_mib << 20;
    for (uint32_t i = 0; i < resources.n; i++) {
        if (pve_number(resources.items[i], "vmid", 0) == plan->template_vmid)
            return pve_number(resources.items[i], "maxmem", 0);
    }
    return 0;
}

static int64_t room_on(const struct placing *p, struct value host)
{
    struct str name = pve_text(host, "node", p->a);
    int64_t there = 0, later = 0, all = 0, used = 0;
    for (uint32_t i = 0; i < p->resources.n; i++) {
        struct value item = p->resources.items[i];
        if (is_kind(item, "qemu", p->a) && !pve_truth(item, "template") &&
            str_eq(pve_text(item, "node", p->a), name))
            there += pve_number(item, "maxmem", 0);
    }
    for (size_t i = 0; i < p->given_n; i++)
        later += str_eq(p->given[i].host, name) ? p->given[i].bytes : 0;
    if (p->is_shown) {
        all = pve_number(host, "maxmem", 0);
        used = pve_number(host, "mem", 0);
    }
    return all - (used > there ? used : there) - later;
}

static struct str roomiest(const struct placing *p)
{
    struct str best = STR("");
    int64_t most = 0;
    for (uint32_t i = 0; i < p->resources.n; i++) {
        struct value item = p->resources.items[i];
        if (!is_online(item, p->a))
            continue;
        struct str name = pve_text(item, "node", p->a);
        int64_t room = room_on(p, item);
        if (best.n && (room < most || (room == most && str_cmp(name, best) > 0)))
            continue;
        best = name;
        most = room;
    }
    return best;
}

struct str place_any(struct pve *p, struct value resources, const struct pve_vm *template,
                     const struct place_given *given, size_t n, struct arena *a)
{
    struct placing placing = {resources, given, n, a, true};
    struct value config;
    struct err e;
    bool is_shared;
    if (pve_vm_config(p, template, a, &config, &e) < 0)
        return template->host;
    struct str disk = value_get_text(config, disk_of_boot(config));
    if (pve_is_shared(p, template->host, str_cut(&disk, ':'), &is_shared, &e) < 0 || !is_shared)
        return template->host;
    for (uint32_t i = 0; i < resources.n; i++)
        placing.is_shown &=
            !is_online(resources.items[i], a) || pve_number(resources.items[i], "maxmem", 0) > 0;
    struct str best = roomiest(&placing);
    return best.n ? best : template->host;
}
