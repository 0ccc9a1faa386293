/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/mem.h"

#include <stdlib.h>

/* A deleted record keeps its place: there are only a few of them. */
struct own {
    char *kind, *key;
    struct kept kept;
};

bool own_is(struct str kind)
{
    return str_eq(kind, OWN_SERVER) || str_eq(kind, OWN_SECRET);
}

static struct own *get(struct fleet *f, struct str kind, struct str key)
{
    for (uint32_t i = 0; i < f->own_n; i++) {
        struct own *o = &f->own[i];
        if (str_is(kind, o->kind) && str_is(key, o->key))
            return o;
    }
    f->own = mem_grow(f->own, f->own_n, &f->own_room, sizeof(*f->own));
    f->own[f->own_n] =
        (struct own){.kind = mem_copy(kind.p, kind.n), .key = mem_copy(key.p, key.n)};
    return &f->own[f->own_n++];
}

void own_keep(struct fleet *f, const struct store_record *record)
{
    kept_set(&get(f, record->kind, record->key)->kept, record, f->round);
}

void own_drop(struct fleet *f, const struct store_record *record)
{
    kept_unset(&get(f, record->kind, record->key)->kept);
}

void own_sweep(struct fleet *f)
{
    for (uint32_t i = 0; i < f->own_n; i++) {
        if (f->own[i].kept.round != f->round)
            kept_unset(&f->own[i].kept);
    }
}

void own_done(struct fleet *f)
{
    for (uint32_t i = 0; i < f->own_n; i++) {
        free(f->own[i].kind);
        free(f->own[i].key);
        kept_unset(&f->own[i].kept);
    }
    free(f->own);
}

bool fleet_own_at(const struct fleet *f, uint32_t *at, struct own_record *ret)
{
    for (; *at < f->own_n; ++*at) {
        const struct own *o = &f->own[*at];
        if (!o->kept.bytes)
            continue;
        *ret = (struct own_record){str_from(o->kind), str_from(o->key), {o->kept.bytes, o->kept.n}};
        ++*at;
        return true;
    }
    return false;
}

bool fleet_own_has(const struct fleet *f, struct str kind, struct str key)
{
    struct own_record record;
    for (uint32_t at = 0; fleet_own_at(f, &at, &record);) {
        if (str_eq(record.kind, kind) && str_eq(record.key, key))
            return true;
    }
    return false;
}

struct slot_ref fleet_own_write(struct fleet *f, const struct own_record *record, struct waiter w)
{
    struct op *op = op_new(f, OP_OWN, NULL, w);
    struct slot_ref ticket = op->ticket;
    op->own =
        (struct own_record){arena_str(&op->arena, record->kind), arena_str(&op->arena, record->key),
                            arena_str(&op->arena, record->bytes)};
    op_begin(f, op);
    return ticket;
}
