/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secret.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNK_BYTES 4096

static struct own_record copy_record(struct arena *a, const struct own_record *r)
{
    return (struct own_record){arena_str(a, r->kind), arena_str(a, r->key), arena_str(a, r->bytes)};
}

/* --- The sealed cache ---------------------------------------------------------------------- */

static struct sealed_cache_entry *add_entry(struct sealed_cache *c, struct own_record record)
{
    c->list = mem_grow(c->list, c->n, &c->room, sizeof(*c->list));
    c->list[c->n] = (struct sealed_cache_entry){.record = copy_record(&c->arena, &record)};
    return &c->list[c->n++];
}

void sealed_cache_init(struct sealed_cache *c, const struct fleet *f, const struct sealer *sealer)
{
    struct own_record record;
    *c = (struct sealed_cache){.sealer = sealer};
    arena_init(&c->arena, CHUNK_BYTES);
    for (uint32_t at = 0; fleet_own_at(f, &at, &record);)
        add_entry(c, record);
}

void sealed_cache_done(struct sealed_cache *c)
{
    arena_wipe(&c->arena);
    arena_done(&c->arena);
    free(c->list);
    *c = (struct sealed_cache){.n = 0};
}

static struct sealed_cache_entry *find(struct sealed_cache *c, struct str kind, struct str key)
{
    for (uint32_t i = 0; i < c->n; i++) {
        struct sealed_cache_entry *e = &c->list[i];
        if (str_eq(e->record.kind, kind) && str_eq(e->record.key, key))
            return e;
    }
    return NULL;
}

static struct str purpose(struct sealed_cache *c, struct str kind, struct str key)
{
    return ARENA_JOIN(&c->arena, kind, STR(" "), key);
}

int sealed_cache_get(struct sealed_cache *c, struct str kind, struct str key, struct str *ret)
{
    struct sealed_cache_entry *e = find(c, kind, key);
    if (!e || !e->record.bytes.n)
        return -ENOENT;
    e->used = true;
    return sealer_unseal(c->sealer, purpose(c, kind, key), e->record.bytes, &c->arena, ret)
               ? 0
               : -EBADMSG;
}

struct str sealed_cache_raw(struct sealed_cache *c, struct str kind, struct str key)
{
    const struct sealed_cache_entry *e = find(c, kind, key);
    return e ? e->record.bytes : STR("");
}

void sealed_cache_put_raw(struct sealed_cache *c, struct str kind, struct str key, struct str bytes)
{
    if (str_eq(sealed_cache_raw(c, kind, key), bytes))
        return;
    struct sealed_cache_entry *e = find(c, kind, key);
    if (!e)
        e = add_entry(c, (struct own_record){kind, key, STR("")});
    e->record.bytes = arena_str(&c->arena, bytes);
    e->used = e->changed = true;
}

void sealed_cache_put(struct sealed_cache *c, struct str kind, struct str key, struct str text)
{
    struct str before;
    if (sealed_cache_get(c, kind, key, &before) == 0 && str_eq(before, text))
        return;
    sealed_cache_put_raw(c, kind, key,
                         sealer_seal(c->sealer, purpose(c, kind, key), text, &c->arena));
}

void sealed_cache_tidy(struct sealed_cache *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        struct sealed_cache_entry *e = &c->list[i];
        if (e->used || !str_eq(e->record.kind, OWN_SECRET))
            continue;
        e->record.bytes = STR("");
        e->changed = true;
    }
}

bool sealed_cache_change_at(const struct sealed_cache *c, uint32_t *at, struct own_record *ret)
{
    while (*at < c->n) {
        const struct sealed_cache_entry *e = &c->list[(*at)++];
        if (!e->changed)
            continue;
        *ret = e->record;
        return true;
    }
    return false;
}

/* --- The record writer --------------------------------------------------------------------- */

struct record_writer_item {
    struct arena arena;
    struct own_record record;
    struct slot_ref ticket; /* generation 0: no write is under way */
};

static bool same(const struct own_record *a, const struct own_record *b)
{
    return str_eq(a->kind, b->kind) && str_eq(a->key, b->key);
}

static void drop(struct record_writer *w, uint32_t i)
{
    if (w->list[i].ticket.generation)
        fleet_forget(w->fleet, w->list[i].ticket);
    arena_done(&w->list[i].arena);
    w->list[i] = w->list[--w->n];
}

static void add_item(struct record_writer *w, const struct own_record *record)
{
    /* An earlier write of the same record must not be repeated over this one. */
    for (uint32_t i = 0; i < w->n; i++) {
        if (same(&w->list[i].record, record)) {
            drop(w, i);
            break;
        }
    }
    w->list = mem_grow(w->list, w->n, &w->room, sizeof(*w->list));
    struct record_writer_item *item = &w->list[w->n++];
    arena_init(&item->arena, 1024);
    item->record = copy_record(&item->arena, record);
    item->ticket = fleet_own_write(w->fleet, &item->record, (struct waiter){0});
}

void record_writer_write(struct record_writer *w, const struct sealed_cache *c)
{
    struct own_record record;
    for (uint32_t at = 0; sealed_cache_change_at(c, &at, &record);)
        add_item(w, &record);
}

static bool settle(struct record_writer *w, uint32_t i, const struct fleet_result *result,
                   struct err *ret_why)
{
    w->list[i].ticket = (struct slot_ref){0}; /* valid for one answer */
    if (result->answer == FLEET_DONE) {
        drop(w, i);
        return true;
    }
    err_set(ret_why, -EIO, "%s", result->reason);
    return false;
}

bool record_writer_on_store(struct record_writer *w, struct err *ret_why)
{
    bool good = true;
    for (uint32_t i = w->n; i-- > 0;) { /* backwards: drop() moves the last one up */
        struct record_writer_item *item = &w->list[i];
        struct fleet_result result;
        if (!item->ticket.generation && fleet_healthy(w->fleet, NULL))
            item->ticket = fleet_own_write(w->fleet, &item->record, (struct waiter){0});
        if (!item->ticket.generation)
            continue;
        fleet_take(w->fleet, item->ticket, &item->arena, &result);
        if (result.answer != FLEET_PENDING)
            good &= settle(w, i, &result, ret_why);
    }
    return good;
}

void record_writer_done(struct record_writer *w)
{
    while (w->n) {
        w->list[0].ticket = (struct slot_ref){0};
        drop(w, 0);
    }
    free(w->list);
}
