/* SPDX-License-Identifier: Apache-2.0 */
#include "base/intern.h"

#include "base/mem.h"

#include <stdlib.h>

void intern_init(struct intern *t, struct arena *a)
{
    *t = (struct intern){.arena = a};
}

void intern_done(struct intern *t)
{
    map_done(&t->map);
    free(t->list);
    *t = (struct intern){.arena = t->arena};
}

static struct str text_of(const void *list, uint32_t item)
{
    return ((const struct str *)list)[item];
}

struct str intern_str(struct intern *t, struct str s)
{
    t->list = mem_grow(t->list, t->n, &t->room, sizeof(*t->list));
    t->list[t->n] = s;
    uint32_t holder = map_put(&t->map, text_of, t->list, t->n);
    if (holder != MAP_NONE)
        return t->list[holder];
    return t->list[t->n++] = arena_str(t->arena, s);
}
