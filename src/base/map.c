/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

struct map_slot {
    uint32_t hash;
    uint32_t item_plus_1; /* 0: free */
};

void map_done(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}

static void place(struct map *m, struct map_slot slot)
{
    uint32_t at = slot.hash & m->mask;
    while (m->slots[at].item_plus_1)
        at = (at + 1) & m->mask;
    m->slots[at] = slot;
}

static void resize(struct map *m, uint32_t slots)
{
    struct map old = *m;
    m->slots = mem_zalloc(slots, sizeof(*m->slots));
    m->mask = slots - 1;
    for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
        if (old.slots[i].item_plus_1)
            place(m, old.slots[i]);
    }
    free(old.slots);
}

/* At most three quarters of the slots are taken. */
void map_reserve(struct map *m, uint32_t count)
{
    assert(count < UINT32_MAX / 4);
    uint32_t slots = 16;
    while (slots / 4 * 3 < count)
        slots *= 2;
    if (!m->slots || slots - 1 > m->mask)
        resize(m, slots);
}

static uint32_t find(const struct map *m, map_key_fn key_of, const void *things, struct str key,
                     uint32_t hash)
{
    for (uint32_t at = hash & m->mask; m->slots[at].item_plus_1; at = (at + 1) & m->mask) {
        uint32_t item = m->slots[at].item_plus_1 - 1;
        if (m->slots[at].hash == hash && str_eq(key_of(things, item), key))
            return item;
    }
    return MAP_NONE;
}

uint32_t map_put(struct map *m, map_key_fn key_of, const void *things, uint32_t item)
{
    struct str key = key_of(things, item);
    uint32_t hash = (uint32_t)hash64(key);
    map_reserve(m, m->count + 1);
    uint32_t holder = find(m, key_of, things, key, hash);
    if (holder != MAP_NONE)
        return holder;
    place(m, (struct map_slot){.hash = hash, .item_plus_1 = item + 1});
    m->count++;
    return MAP_NONE;
}

uint32_t map_find(const struct map *m, map_key_fn key_of, const void *things, struct str key)
{
    return m->slots ? find(m, key_of, things, key, (uint32_t)hash64(key)) : MAP_NONE;
}
