/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/disk.h"

#include "cli/pve/props.h"

#include <string.h>

#define TASK_MS (2 * 60 * 1000)

static uint64_t gib_of(struct str size)
{
    static const char units[] = "KMGT";
    uint64_t number, bytes = 1;
    const char *unit = size.n ? strchr(units, size.p[size.n - 1]) : NULL;
    if (!size.n || !str_to_u64(unit ? (struct str){size.p, size.n - 1} : size, UINT32_MAX, &number))
        return 0;
    for (const char *at = units; unit && at <= unit; at++)
        bytes *= 1024;
    return number * bytes >> 30;
}

/* The first disk of the boot order; without one the usual first disk. */
struct str disk_of_boot(struct value config)
{
    struct str order = value_get_text(config, STR("boot"));
    if (str_starts(order, STR("order=")))
        order = str_skip(order, 6);
    while (order.p && order.n) {
        struct str device = str_cut(&order, ';'), text = value_get_text(config, device);
        if (text.n && memmem(text.p, text.n, "size=", 5) &&
            !memmem(text.p, text.n, "media=cdrom", 11))
            return device;
    }
    return value_get_text(config, STR("virtio0")).n ? STR("virtio0") : STR("scsi0");
}

uint32_t disk_gib(struct str text)
{
    struct props p;
    return props_read(text, &p, NULL) < 0 ? 0 : (uint32_t)gib_of(props_get(&p, "size"));
}

int disk_grow(struct pve *p, const struct pve_vm *vm, struct str disk, uint32_t from_gib,
              uint32_t gib, struct err *e)
{
    unsigned warnings;
    struct arena a;
    if (from_gib >= gib)
        return 0;
    arena_init(&a, 1024);
    const struct pve_field fields[] = {{"disk", disk}, {"size", arena_printf(&a, "%uG", gib)}};
    const struct pve_request q = {"PUT", pve_vm_path(vm, "/resize", &a), fields, 2};
    int r = pve_do(p, &q, TASK_MS, &warnings, e);
    arena_done(&a);
    return r;
}

bool disk_has_data(struct value config, struct str option)
{
    static const char *const buses[] = {"ide", "sata", "scsi", "virtio", "unused"};
    struct str text = value_get_text(config, option), file = str_cut(&text, ',');
    for (size_t i = 0; i < sizeof(buses) / sizeof(*buses); i++) {
        struct str rest = str_skip(option, strlen(buses[i]));
        bool is_bus = str_starts(option, str_from(buses[i])) && rest.n && *rest.p <= '9';
        if (is_bus && memchr(file.p, ':', file.n))
            return !text.p || !memmem(text.p, text.n, "media=cdrom", 11);
    }
    return false;
}

int pve_is_shared(struct pve *p, struct str host, struct str storage, bool *ret, struct err *e)
{
    const struct pve_field fields[] = {{"storage", storage}};
    struct value list;
    struct arena a;
    arena_init(&a, 4096);
    const struct pve_request q = {"GET", ARENA_JOIN(&a, STR("/nodes/"), host, STR("/storage")),
                                  fields, 1};
    int r = pve_ask(p, &q, &a, &list, e);
    *ret = false;
    for (uint32_t i = 0; r == 0 && list.kind == VALUE_LIST && i < list.n; i++) {
        struct value item = list.items[i];
        *ret |= str_eq(pve_text(item, "storage", &a), storage) && pve_truth(item, "shared");
    }
    arena_done(&a);
    return r;
}
