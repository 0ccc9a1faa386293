/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/mem.h"
#include "model/node.h"

#include <stdlib.h>

#define RECORD_ARENA_BYTES 4096

static struct str uid_of(const void *members, uint32_t i)
{
    const struct member *const *list = members;
    return str_from(list[i]->uid);
}

static struct str window_key_of(const void *members, uint32_t i)
{
    const struct member *const *list = members;
    return str_from(list[i]->window_key);
}

struct member *member_find(const struct fleet *f, struct str uid)
{
    uint32_t i = map_find(&f->by_uid, uid_of, f->members, uid);
    return i == MAP_NONE ? NULL : f->members[i];
}

struct member *member_get(struct fleet *f, struct str uid)
{
    struct member *m = member_find(f, uid);
    if (m)
        return m;
    f->members = mem_grow(f->members, f->members_n, &f->members_room, sizeof(struct member *));
    struct moment now;
    f->host.now(f->host.cls, &now);
    m = mem_zalloc(1, sizeof(*m));
    m->view.generation = NODE_FIRST_GENERATION;
    m->heard_boot_ms = now.boot_ms; /* whoever was heard of before we were there has his time */
    m->uid = mem_copy(uid.p, uid.n);
    m->heap_at = MAP_NONE;
    TAILQ_INIT(&m->ops);
    f->members[f->members_n] = m;
    map_put(&f->by_uid, uid_of, f->members, f->members_n++);
    return m;
}

static void member_free(struct member *m)
{
    free(m->uid);
    free(m->state.bytes);
    free(m->node.bytes);
    free(m->window_key);
    free(m);
}

void members_done(struct fleet *f)
{
    for (uint32_t i = 0; i < f->members_n; i++)
        member_free(f->members[i]);
    free(f->members);
    map_done(&f->by_uid);
    map_done(&f->by_window);
}

/* What nobody can read any more counts as never written: a node that was forgotten can be armed. */
void member_record(const struct member *m, struct arena *a, struct record *ret)
{
    if (!m || !m->state.bytes ||
        record_read((struct str){m->state.bytes, m->state.n}, a, ret, NULL) < 0)
        record_init(ret);
}

/* --- Windows -------------------------------------------------------------------------------- */

static void set_window_key(struct fleet *f, struct member *m, struct str key)
{
    if (str_eq(key, str_from(m->window_key ? m->window_key : "")))
        return;
    free(m->window_key);
    m->window_key = key.n ? mem_copy(key.p, key.n) : NULL;
    f->windows_changed = true;
}

/* Windows open and close now and then, and are asked for far more often. */
struct member *members_by_window(struct fleet *f, struct str key)
{
    if (f->windows_changed) {
        map_done(&f->by_window);
        f->by_window = (struct map){0};
        for (uint32_t i = 0; i < f->members_n; i++) {
            if (f->members[i]->window_key)
                map_put(&f->by_window, window_key_of, f->members, i);
        }
        f->windows_changed = false;
    }
    uint32_t i = map_find(&f->by_window, window_key_of, f->members, key);
    return i == MAP_NONE ? NULL : f->members[i];
}

/* --- What the store has ---------------------------------------------------------------------- */

static void look_at_state(struct fleet *f, struct member *m)
{
    struct str key = {"", 0};
    struct moment now;
    struct record r;
    struct arena a;
    arena_init(&a, RECORD_ARENA_BYTES);
    member_record(m, &a, &r);
    f->host.now(f->host.cls, &now);
    struct str sealed = r.has_window ? r.window.window_key : r.boot.window_key;
    if (sealed.n && !f->host.unseal(f->host.cls, str_from(m->uid), sealed, &a, &key))
        key = (struct str){"", 0};
    set_window_key(f, m, key);
    m->view = (struct fleet_view){r.state, r.locked, r.generation,
                                  str_from(r.has_window && m->window_key ? m->window_key : "")};
    deadline_set(f, m, state_due(&r, &now, m->heard_boot_ms));
    arena_done(&a);
}

void kept_set(struct kept *k, const struct store_record *record, uint32_t round)
{
    free(k->bytes);
    k->bytes = mem_alloc(record->bytes.n + 1);
    memcpy(k->bytes, record->bytes.p, record->bytes.n);
    k->bytes[record->bytes.n] = '\0';
    k->n = record->bytes.n;
    k->revision = record->revision;
    k->round = round;
}

void kept_unset(struct kept *k)
{
    free(k->bytes);
    *k = (struct kept){0};
}

void member_keep(struct fleet *f, const struct store_record *record)
{
    if (str_eq(record->kind, KIND_STATE)) {
        struct member *m = member_get(f, record->key);
        kept_set(&m->state, record, f->round);
        look_at_state(f, m);
    } else if (str_eq(record->kind, KIND_NODE)) {
        struct member *m = member_get(f, record->key);
        kept_set(&m->node, record, f->round);
        m->deleted = false;
        f->definitions_version++;
    } else if (own_is(record->kind)) {
        own_keep(f, record);
    }
}

static void drop_state(struct fleet *f, struct member *m)
{
    kept_unset(&m->state);
    look_at_state(f, m);
}

static void drop_node(struct fleet *f, struct member *m)
{
    kept_unset(&m->node);
    m->deleted = true;
    f->definitions_version++;
}

void member_drop(struct fleet *f, const struct store_record *record)
{
    struct member *m = member_find(f, record->key);
    if (m && str_eq(record->kind, KIND_STATE))
        drop_state(f, m);
    else if (m && str_eq(record->kind, KIND_NODE))
        drop_node(f, m);
    else if (own_is(record->kind))
        own_drop(f, record);
}

void members_sweep(struct fleet *f)
{
    for (uint32_t i = 0; i < f->members_n; i++) {
        struct member *m = f->members[i];
        if (m->state.bytes && m->state.round != f->round)
            drop_state(f, m);
        if (m->node.bytes && m->node.round != f->round)
            drop_node(f, m);
    }
    own_sweep(f);
}
