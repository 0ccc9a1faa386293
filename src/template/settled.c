/* SPDX-License-Identifier: Apache-2.0 */
#include "template/settled.h"

#include "base/mem.h"

#include "template/ast.h"

#include <stdlib.h>

void settled_init(struct settled *s, const struct activation *act, const struct settled *by)
{
    uint32_t n = act->t->slots;
    *s = (struct settled){.by = by, .include = act->include, .slots = act->slots};
    s->is = mem_zalloc(n ? n : 1, sizeof(*s->is));
}

void settled_done(struct settled *s)
{
    free(s->is);
    free(s->log);
}

void settled_change(struct settled *s, uint32_t slot)
{
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 16;
        s->log = mem_resize(s->log, s->room, sizeof(*s->log));
    }
    s->log[s->n++] = (struct settled_change){slot, s->is[slot], s->slots[slot]};
    s->is[slot] = false;
}

void settled_hold(struct settled *s, uint32_t slot)
{
    s->is[slot] = true;
}

void settled_enter(struct settled *s, const struct entries *entry)
{
    for (uint32_t i = 0; i < entry->n; i++) {
        const struct entry *e = &entry->list[i];
        settled_change(s, e->slot);
        if (e->action != ENTRY_ALIAS || !s->is[e->from])
            continue;
        s->slots[e->slot] = s->slots[e->from];
        settled_hold(s, e->slot);
    }
}

/* The log stays: what a branch gave a value has to be known behind it. */
void settled_back(struct settled *s, uint32_t mark)
{
    for (uint32_t i = s->n; i > mark; i--) {
        const struct settled_change *c = &s->log[i - 1];
        s->is[c->slot] = c->was;
        s->slots[c->slot] = c->value;
    }
}

void settled_leave(struct settled *s, uint32_t mark)
{
    settled_back(s, mark);
    s->n = mark;
}

void settled_forget(struct settled *s, uint32_t mark)
{
    for (uint32_t i = mark; i < s->n; i++)
        s->is[s->log[i].slot] = false;
}

static const struct visible *find_visible(const struct include *inc, struct str name)
{
    for (uint32_t i = 0; i < inc->n; i++) {
        if (inc->visible[i].name.p == name.p)
            return &inc->visible[i];
    }
    return NULL;
}

bool settled_name(const struct settled *s, const struct expr *e)
{
    if (s->is[e->slot] || e->origin != ORIGIN_OUTER)
        return s->is[e->slot];
    for (; s->by; s = s->by) {
        const struct visible *v = find_visible(s->include, e->name);
        if (v)
            return s->by->is[v->slot];
    }
    return false;
}
