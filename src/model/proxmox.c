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
    p->at = top->at;
    return p;
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
