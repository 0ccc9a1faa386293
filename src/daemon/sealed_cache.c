/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sealed_cache.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNK_BYTES 4096

static struct sealed_cache_entry *add(struct sealed_cache *s, struct own_record record)
{
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 8;
        s->list = mem_resize(s->list, s->room, sizeof(*s->list));
    }
    s->list[s->n] = (struct sealed_cache_entry){.record = {arena_str(&s->arena, record.kind),
                                                           arena_str(&s->arena, record.key),
                                                           arena_str(&s->arena, record.bytes)}};
    return &s->list[s->n++];
}

void sealed_cache_init(struct sealed_cache *s, const struct fleet *f, const struct sealer *sealer)
{
    struct own_record record;
    *s = (struct sealed_cache){.sealer = sealer};
    arena_init(&s->arena, CHUNK_BYTES);
    for (uint32_t at = 0; fleet_own_at(f, &at, &record);)
        add(s, record);
}

void sealed_cache_done(struct sealed_cache *s)
{
    arena_wipe(&s->arena);
    arena_done(&s->arena);
    free(s->list);
    *s = (struct sealed_cache){.n = 0};
}

static struct sealed_cache_entry *find(struct sealed_cache *s, struct str kind, struct str key)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct sealed_cache_entry *e = &s->list[i];
        if (str_eq(e->record.kind, kind) && str_eq(e->record.key, key))
            return e;
    }
    return NULL;
}

static struct str purpose(struct sealed_cache *s, struct str kind, struct str key)
{
    return ARENA_JOIN(&s->arena, kind, STR(" "), key);
}

int sealed_cache_get(struct sealed_cache *s, struct str kind, struct str key, struct str *ret)
{
    struct sealed_cache_entry *e = find(s, kind, key);
    if (!e || !e->record.bytes.n)
        return -ENOENT;
    e->wanted = true;
    return sealer_unseal(s->sealer, purpose(s, kind, key), e->record.bytes, &s->arena, ret)
               ? 0
               : -EBADMSG;
}

void sealed_cache_put(struct sealed_cache *s, struct str kind, struct str key, struct str text)
{
    struct str before;
    if (sealed_cache_get(s, kind, key, &before) == 0 && str_eq(before, text))
        return;
    struct sealed_cache_entry *e = find(s, kind, key);
    if (!e)
        e = add(s, (struct own_record){kind, key, STR("")});
    e->record.bytes = sealer_seal(s->sealer, purpose(s, kind, key), text, &s->arena);
    e->wanted = e->changed = true;
}

void sealed_cache_tidy(struct sealed_cache *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct sealed_cache_entry *e = &s->list[i];
        if (e->wanted)
            continue;
        e->record.bytes = STR("");
        e->changed = true;
    }
}

bool sealed_cache_change_at(const struct sealed_cache *s, uint32_t *at, struct own_record *ret)
{
    while (*at < s->n) {
        const struct sealed_cache_entry *e = &s->list[(*at)++];
        if (!e->changed)
            continue;
        *ret = e->record;
        return true;
    }
    return false;
}
