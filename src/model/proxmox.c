/* SPDX-License-Identifier: Apache-2.0 */
#include "model/proxmox.h"

static bool is_declared(const struct proxmox *p)
{
    return p && p->at.line;
}

static void take_text(struct str *to, struct str from)
{
    if (from.n)
        *to = from;
}

static void take_number(uint32_t *to, uint32_t from)
{
    if (from)
        *to = from;
}

const struct proxmox *proxmox_merge(const struct proxmox *base, const struct proxmox *top,
                                    struct arena *a)
{
    if (!is_declared(top))
        return is_declared(base) ? base : NULL;
    if (!is_declared(base))
        return top;
    struct proxmox *p = ARENA_NEW(a, struct proxmox);
    *p = *base;
    take_text(&p->endpoint, top->endpoint);
    take_text(&p->host, top->host);
    take_text(&p->pool, top->pool);
    take_text(&p->storage, top->storage);
    take_text(&p->bridge, top->bridge);
    take_text(&p->cpu, top->cpu);
    take_text(&p->firmware, top->firmware);
    take_text(&p->tpm, top->tpm);
    take_number(&p->template_vmid, top->template_vmid);
    take_number(&p->cores, top->cores);
    take_number(&p->memory_mib, top->memory_mib);
    take_number(&p->disk_gib, top->disk_gib);
    if (top->tags_n) {
        p->tags = top->tags;
        p->tags_n = top->tags_n;
    }
    if (top->disks_n) {
        p->disks = top->disks;
        p->disks_n = top->disks_n;
    }
    take_number(&p->startup.order, top->startup.order);
    take_number(&p->startup.up_s, top->startup.up_s);
    take_number(&p->startup.down_s, top->startup.down_s);
    p->at = top->at;
    return p;
}

struct str proxmox_disk_slot(const struct proxmox *p, uint32_t number, struct arena *a)
{
    struct str declared = p->disks[number].slot;
    return declared.n ? declared : arena_printf(a, "scsi%u", number + 1);
}

bool proxmox_slot_valid(struct str s)
{
    static const struct {
        struct str bus;
        uint64_t last;
    } buses[] = {{STR("scsi"), 30}, {STR("virtio"), 15}, {STR("sata"), 5}};
    uint64_t number;
    for (size_t i = 0; i < sizeof(buses) / sizeof(*buses); i++) {
        struct str rest = str_skip(s, buses[i].bus.n);
        if (str_starts(s, buses[i].bus) && str_to_u64(rest, buses[i].last, &number))
            return rest.n == 1 || *rest.p != '0';
    }
    return false;
}

bool proxmox_tag_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_word && (i == 0 || !strchr("-+.", c)))
            return false;
    }
    return s.n > 0;
}
