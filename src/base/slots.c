/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slots.h"

#include "base/mem.h"

#include <stdlib.h>

#define SLOTS_MIN 64

struct slot {
    void *thing; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* as slots.free */
};

void slots_done(struct slots *s)
{
    free(s->list);
    *s = (struct slots){0};
}

static void grow(struct slots *s)
{
    uint32_t n = s->n ? s->n * 2 : SLOTS_MIN;
    s->list = mem_resize(s->list, n, sizeof(*s->list));
    for (uint32_t i = s->n; i < n; i++)
        s->list[i] = (struct slot){.next_free = i + 1 < n ? i + 2 : 0};
    s->free = s->n + 1;
    s->n = n;
}

struct slot_ref slots_put(struct slots *s, void *thing)
{
    if (!s->free)
        grow(s);
    struct slot_ref name = {.slot = s->free - 1};
    struct slot *slot = &s->list[name.slot];
    s->free = slot->next_free;
    slot->thing = thing;
    name.generation = ++slot->generation;
    return name;
}

void *slots_find(const struct slots *s, struct slot_ref name)
{
    if (name.slot >= s->n || s->list[name.slot].generation != name.generation)
        return NULL;
    return s->list[name.slot].thing;
}

void *slots_at(const struct slots *s, uint32_t number)
{
    return s->list[number].thing;
}

/* A slot that has used up its generations is not used again. */
void slots_remove(struct slots *s, struct slot_ref name)
{
    if (!slots_find(s, name))
        return;
    struct slot *slot = &s->list[name.slot];
    slot->thing = NULL;
    if (slot->generation == UINT32_MAX)
        return;
    slot->next_free = s->free;
    s->free = name.slot + 1;
}
