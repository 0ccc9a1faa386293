/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/record_writer.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

struct record_writer_item {
    struct arena arena;
    struct own_record record;
    struct slot_ref ticket; /* generation 0: it has to be asked for anew */
};

static bool same(const struct own_record *a, const struct own_record *b)
{
    return str_eq(a->kind, b->kind) && str_eq(a->key, b->key);
}

/* Takes an earlier one of the same name out: it must not be written again over this one. */
static void drop(struct record_writer *k, uint32_t i)
{
    if (k->list[i].ticket.generation)
        fleet_forget(k->fleet, k->list[i].ticket);
    arena_done(&k->list[i].arena);
    k->list[i] = k->list[--k->n];
}

static void add(struct record_writer *k, const struct own_record *record)
{
    for (uint32_t i = 0; i < k->n; i++) {
        if (same(&k->list[i].record, record)) {
            drop(k, i);
            break;
        }
    }
    if (k->n == k->room) {
        k->room = k->room ? k->room * 2 : 4;
        k->list = mem_resize(k->list, k->room, sizeof(*k->list));
    }
    struct record_writer_item *item = &k->list[k->n++];
    arena_init(&item->arena, 1024);
    item->record = (struct own_record){arena_str(&item->arena, record->kind),
                                       arena_str(&item->arena, record->key),
                                       arena_str(&item->arena, record->bytes)};
    item->ticket = fleet_own_write(k->fleet, &item->record, (struct slot_ref){0});
}

void record_writer_write(struct record_writer *k, const struct sealed_cache *s)
{
    struct own_record record;
    for (uint32_t at = 0; sealed_cache_change_at(s, &at, &record);)
        add(k, &record);
}

static bool settle(struct record_writer *k, uint32_t i, const struct fleet_result *result,
                   struct err *ret_why)
{
    k->list[i].ticket = (struct slot_ref){0}; /* it is used up */
    if (result->answer == FLEET_DONE) {
        drop(k, i);
        return true;
    }
    err_set(ret_why, -EIO, "%s", result->reason);
    return false;
}

bool record_writer_on_store(struct record_writer *k, struct err *ret_why)
{
    bool good = true;
    for (uint32_t i = k->n; i-- > 0;) { /* backwards: the last one takes the place of a done one */
        struct record_writer_item *item = &k->list[i];
        struct fleet_result result;
        if (!item->ticket.generation && fleet_healthy(k->fleet, NULL))
            item->ticket = fleet_own_write(k->fleet, &item->record, (struct slot_ref){0});
        if (!item->ticket.generation)
            continue;
        fleet_take(k->fleet, item->ticket, &result);
        if (result.answer != FLEET_PENDING)
            good &= settle(k, i, &result, ret_why);
    }
    return good;
}

void record_writer_done(struct record_writer *k)
{
    while (k->n) {
        k->list[0].ticket = (struct slot_ref){0};
        drop(k, 0);
    }
    free(k->list);
}
