/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/mem.h"
#include "model/node.h"

#include <stdlib.h>

#define RECORD_ARENA_BYTES 4096
#define PARSED_ARENA_BYTES 1024
/* Nodes whose records are kept read: a few KiB each. Of more, those used longest ago are read
 * again when they are needed. */
#define PARSED_MAX 4096

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

static struct str machine_of(const void *members, uint32_t i)
{
    const struct member *const *list = members;
    return str_from(list[i]->machine ? list[i]->machine : "");
}

struct member *member_find(const struct fleet *f, struct str uid)
{
    uint32_t i = map_find(&f->by_uid, uid_of, f->members, uid);
    return i == MAP_NONE ? NULL : f->members[i];
}

struct member *member_get(struct fleet *f, struct str uid)
{
    struct member *m = member_find(f, uid);
    struct moment now;
    if (m)
        return m;
    f->members = mem_grow(f->members, f->members_n, &f->members_room, sizeof(struct member *));
    f->host.now(f->host.cls, &now);
    m = MEM_NEW(struct member);
    m->view.generation = NODE_FIRST_GENERATION;
    m->heard_boot_ms = now.boot_ms; /* after a restart of the server, deadlines begin again */
    m->uid = mem_copy(uid.p, uid.n);
    m->heap_at = MAP_NONE;
    TAILQ_INIT(&m->ops);
    f->members[f->members_n] = m;
    map_put(&f->by_uid, uid_of, f->members, f->members_n++);
    return m;
}

static void member_free(struct member *m)
{
    parsed_free(m->parsed);
    free(m->uid);
    free(m->state.bytes);
    free(m->node.bytes);
    free(m->mint.bytes);
    free(m->window_key);
    free(m->machine);
    free(m);
}

void members_done(struct fleet *f)
{
    for (uint32_t i = 0; i < f->members_n; i++)
        member_free(f->members[i]);
    free(f->members);
    map_done(&f->by_uid);
    map_done(&f->by_window);
    map_done(&f->by_machine);
}

/* --- Records that were read already ---------------------------------------------------------- */

struct parsed *parsed_new(struct member *m, const struct record *r)
{
    struct parsed *p = MEM_NEW(struct parsed);
    p->member = m;
    arena_init(&p->arena, PARSED_ARENA_BYTES);
    record_copy(r, &p->arena, &p->record);
    return p;
}

void parsed_free(struct parsed *p)
{
    if (!p)
        return;
    arena_done(&p->arena);
    free(p);
}

static void forget_parsed(struct fleet *f, struct member *m)
{
    if (!m->parsed)
        return;
    TAILQ_REMOVE(&f->parsed, m->parsed, entry);
    f->parsed_n--;
    parsed_free(m->parsed);
    m->parsed = NULL;
}

/* A node that is being built reports every second, all others hardly ever: for them the text is
 * enough. */
static void keep_parsed(struct fleet *f, struct member *m, struct parsed *p)
{
    const struct record *r = &p->record;
    forget_parsed(f, m);
    if (!r->has_window && !(r->has_boot && !r->boot.finished)) {
        parsed_free(p);
        return;
    }
    m->parsed = p;
    TAILQ_INSERT_HEAD(&f->parsed, p, entry);
    if (++f->parsed_n > PARSED_MAX)
        forget_parsed(f, TAILQ_LAST(&f->parsed, parsed_list)->member);
}

/* A record that cannot be read counts as never written: the node can be armed again. */
void member_record(const struct member *m, struct arena *a, struct record *ret)
{
    if (m && m->parsed)
        *ret = m->parsed->record;
    else if (!m || !m->state.bytes ||
             record_read((struct str){m->state.bytes, m->state.n}, a, ret, NULL) < 0)
        record_init(ret);
}

bool member_is_claimed(const struct member *m, struct str claim, struct arena *a)
{
    struct record r;
    member_record(m, a, &r);
    return r.has_window && str_eq(r.window.claim, claim);
}

/* --- Windows --------------------------------------------------------------------------------- */

static void set_window_key(struct fleet *f, struct member *m, struct str key)
{
    if (str_eq(key, str_from(m->window_key ? m->window_key : "")))
        return;
    free(m->window_key);
    m->window_key = key.n ? mem_copy(key.p, key.n) : NULL;
    f->windows_changed = true;
}

/* The map is made again when it is asked for after a change: windows open and close rarely, and are
 * asked for far more often. */
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

/* --- Machines -------------------------------------------------------------------------------- */

/* Of two members with one machine the map has the first. */
static void set_machine(struct fleet *f, struct member *m, struct str machine)
{
    if (str_eq(machine, str_from(m->machine ? m->machine : "")))
        return;
    free(m->machine);
    m->machine = machine.n ? mem_copy(machine.p, machine.n) : NULL;
    if (m->machine)
        map_put(&f->by_machine, machine_of, f->members,
                map_find(&f->by_uid, uid_of, f->members, str_from(m->uid)));
}

const struct member *members_twin(const struct fleet *f, const struct member *m, struct str machine)
{
    uint32_t i = machine.n ? map_find(&f->by_machine, machine_of, f->members, machine) : MAP_NONE;
    return i == MAP_NONE || f->members[i] == m ? NULL : f->members[i];
}

/* --- What the store has ---------------------------------------------------------------------- */

static struct str sealed_key(const struct record *r)
{
    return r->has_window ? r->window.window_key : r->boot.window_key;
}

/* Everything that is known of the record without reading it. */
static void look_at_record(struct fleet *f, struct member *m, const struct record *r)
{
    struct moment now;
    bool may_begin = r->state == STATE_ARMED || (r->state == STATE_FAILED && r->has_window);
    bool is_other = r->state != m->view.state || r->generation != m->view.generation;
    f->host.now(f->host.cls, &now);
    m->view = (struct fleet_view){
        .state = r->state,
        .locked = r->locked,
        .seen = r->seen,
        .installer = r->installer,
        .awaited = may_begin || r->state == STATE_INSTALLING || record_awaits_disk(r),
        .generation = r->generation,
        .window_key = str_from(r->has_window && m->window_key ? m->window_key : "")};
    standing_set(f, m, r);
    set_machine(f, m, r->machine);
    deadline_set(f, m, state_due(r, &now, m->heard_boot_ms));
    if (is_other)
        clusters_on_state(f, m);
}

static void unseal_window_key(struct fleet *f, struct member *m, struct str sealed, struct arena *a)
{
    struct str key = {"", 0};
    if (sealed.n && !f->host.unseal(f->host.cls, str_from(m->uid), sealed, a, &key))
        key = (struct str){"", 0};
    set_window_key(f, m, key);
}

/* After `state` came from the store. */
static void look_at_state(struct fleet *f, struct member *m)
{
    struct record r;
    struct arena a;
    forget_parsed(f, m);
    arena_init(&a, RECORD_ARENA_BYTES);
    member_record(m, &a, &r);
    unseal_window_key(f, m, sealed_key(&r), &a);
    look_at_record(f, m, &r);
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
    } else if (str_eq(record->kind, KIND_MINT)) {
        kept_set(&member_get(f, record->key)->mint, record, f->round);
    } else if (own_is(record->kind)) {
        own_keep(f, record);
    } else if (clusters_are(record->kind)) {
        cluster_keep(f, record);
    } else if (loss_is(record->kind)) {
        loss_keep(f, record);
    } else if (access_is(record->kind)) {
        access_keep(f, record);
    }
}

void member_commit(struct fleet *f, const struct store_record *record, struct parsed *next)
{
    struct member *m = next->member;
    struct str sealed = sealed_key(&next->record);
    bool same_key = m->parsed && str_eq(sealed, sealed_key(&m->parsed->record));
    kept_set(&m->state, record, f->round);
    if (!same_key) {
        struct arena a;
        arena_init(&a, RECORD_ARENA_BYTES);
        unseal_window_key(f, m, sealed, &a);
        arena_done(&a);
    }
    look_at_record(f, m, &next->record);
    keep_parsed(f, m, next);
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
    else if (m && str_eq(record->kind, KIND_MINT))
        mint_forget(f, m);
    else if (own_is(record->kind))
        own_drop(f, record);
    else if (clusters_are(record->kind))
        cluster_drop(f, record);
    else if (loss_is(record->kind))
        loss_drop(f);
    else if (access_is(record->kind))
        access_drop(f, record);
}

void members_sweep(struct fleet *f)
{
    for (uint32_t i = 0; i < f->members_n; i++) {
        struct member *m = f->members[i];
        if (m->state.bytes && m->state.round != f->round)
            drop_state(f, m);
        if (m->node.bytes && m->node.round != f->round)
            drop_node(f, m);
        if (m->mint.bytes && m->mint.round != f->round)
            mint_forget(f, m);
    }
    own_sweep(f);
    clusters_sweep(f);
    loss_sweep(f);
    access_sweep(f);
}

/* --- What others see ------------------------------------------------------------------------- */

bool fleet_record(const struct fleet *f, struct str uid, struct arena *a, struct record *ret,
                  uint64_t *ret_revision)
{
    const struct member *m = member_find(f, uid);
    if (m && m->parsed)
        record_copy(&m->parsed->record, a, ret);
    else
        member_record(m, a, ret);
    *ret_revision = m ? m->state.revision : STORE_ABSENT;
    return m && m->state.bytes;
}

struct fleet_view fleet_look(const struct fleet *f, struct str uid)
{
    const struct member *m = member_find(f, uid);
    return m ? m->view : (struct fleet_view){.generation = NODE_FIRST_GENERATION};
}

/* A window that has just run out is still found until its deadline has been handled. */
struct str fleet_find_window(struct fleet *f, struct str window_key)
{
    const struct member *m = members_by_window(f, window_key);
    return m ? str_from(m->uid) : (struct str){"", 0};
}

static struct fleet_definition definition_of(const struct member *m)
{
    return (struct fleet_definition){
        str_from(m->uid), {m->node.bytes, m->node.n}, m->node.revision};
}

static bool has_window(const struct member *m, struct str pin)
{
    struct record r;
    struct arena a;
    if (!m->state.bytes || !memmem(m->state.bytes, m->state.n, pin.p, pin.n))
        return false; /* what costs more, reading the record, only if it may be there */
    arena_init(&a, RECORD_ARENA_BYTES);
    member_record(m, &a, &r);
    bool has = r.has_window && str_eq(r.window.pin, pin);
    arena_done(&a);
    return has;
}

uint32_t fleet_count_windows(const struct fleet *f, struct str pin, uint32_t max)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->members_n && n < max; i++)
        n += has_window(f->members[i], pin);
    return n;
}

bool fleet_definition(const struct fleet *f, struct str uid, struct fleet_definition *ret)
{
    const struct member *m = member_find(f, uid);
    if (!m || !m->node.bytes)
        return false;
    *ret = definition_of(m);
    return true;
}

bool fleet_definition_at(const struct fleet *f, uint32_t *at, struct fleet_definition *ret)
{
    for (; *at < f->members_n; ++*at) {
        const struct member *m = f->members[*at];
        if (!m->node.bytes)
            continue;
        *ret = definition_of(m);
        ++*at;
        return true;
    }
    return false;
}

uint64_t fleet_definitions_version(const struct fleet *f)
{
    return f->definitions_version;
}
