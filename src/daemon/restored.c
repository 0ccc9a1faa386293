/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/restored.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/node.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 * 1024)
#define JSON_MAX_BYTES ((size_t)256 * 1024)
#define KIND_STATE STR("state")
#define KIND_NODE STR("node")

void restored_init(struct restored *r)
{
    *r = (struct restored){.at = {clock_wall_ms(), clock_boot_ms(), STR("")}};
    arena_init(&r->arena, ARENA_BYTES);
}

void restored_done(struct restored *r)
{
    arena_done(&r->arena);
    free(r->nodes);
    free(r->txns);
    map_done(&r->by_uid);
    map_done(&r->names_now);
    map_done(&r->names_before);
}

static struct str uid_of(const void *nodes, uint32_t i)
{
    return ((const struct restored_node *)nodes)[i].uid;
}

static struct str name_of(const void *nodes, uint32_t i)
{
    return ((const struct restored_node *)nodes)[i].name;
}

static struct restored_node *node(struct restored *r, struct str uid)
{
    uint32_t i = map_find(&r->by_uid, uid_of, r->nodes, uid);
    if (i != MAP_NONE)
        return &r->nodes[i];
    r->nodes = mem_grow(r->nodes, r->n, &r->room, sizeof(*r->nodes));
    r->nodes[r->n] = (struct restored_node){.uid = arena_str(&r->arena, uid)};
    r->nodes[r->n].name = r->nodes[r->n].uid;
    map_put(&r->by_uid, uid_of, r->nodes, r->n);
    return &r->nodes[r->n++];
}

/* --- Reading --------------------------------------------------------------------------------- */

static void note_definition(struct restored *r, const struct store_record *record,
                            struct restored_node *n, struct restored_side *side)
{
    struct value v;
    struct arena a;
    arena_init(&a, 4096);
    side->epoch = 1; /* one that cannot be read is a node all the same */
    if (json_read(record->bytes, &a, &v, NULL) == 0 && v.kind == VALUE_MAP) {
        struct value name = value_get(v, STR("name")), epoch = value_get(v, STR("key_epoch"));
        if (name.kind == VALUE_STR)
            n->name = arena_str(&r->arena, value_text(name));
        if (epoch.kind == VALUE_INT && epoch.i > 0 && epoch.i <= UINT32_MAX)
            side->epoch = (uint32_t)epoch.i;
    }
    arena_done(&a);
}

void restored_before(struct restored *r, const struct store_record *record)
{
    struct record state;
    struct arena a;
    if (str_eq(record->kind, KIND_NODE)) {
        struct restored_node *n = node(r, record->key);
        note_definition(r, record, n, &n->before);
    }
    if (!str_eq(record->kind, KIND_STATE))
        return;
    arena_init(&a, 4096);
    if (record_read(record->bytes, &a, &state, NULL) == 0)
        node(r, record->key)->before.generation = state.generation;
    arena_done(&a);
}

/* --- What it must not bring back ------------------------------------------------------------- */

static struct str json_of(struct restored *r, struct value v)
{
    struct buf b;
    buf_init(&b, JSON_MAX_BYTES);
    json_write(&b, v, false);
    struct str text = arena_str(&r->arena, buf_view(&b));
    buf_done(&b);
    return text;
}

static void add_txn(struct restored *r, struct str uid, uint64_t revision,
                    const struct record *next, const struct change *c, const struct outcome *out)
{
    struct arena *a = &r->arena;
    struct store_write *write = ARENA_NEW(a, struct store_write);
    struct store_event *events = ARENA_ARRAY(a, struct store_event, out->events_n);
    *write = (struct store_write){STORE_PUT, KIND_STATE, uid, revision,
                                  json_of(r, record_value(next, a))};
    for (uint32_t i = 0; i < out->events_n; i++)
        events[i] = (struct store_event){
            .at_ms = r->at.wall_ms,
            .node = uid,
            .kind = arena_str(a, str_from(out->events[i].kind)),
            .bytes = json_of(r, event_value(&out->events[i], next->name, c, a)),
        };
    r->txns = mem_grow(r->txns, r->txns_n, &r->txns_room, sizeof(*r->txns));
    r->txns[r->txns_n++] = (struct store_txn){
        .writes = write, .n_writes = 1, .events = events, .n_events = out->events_n};
}

/* The generation does not go back: cloud-init would take the machine for a new one, and build it
 * again at its next boot. */
static void restore_node(struct restored *r, const struct restored_node *n, uint64_t revision,
                         struct record *state)
{
    const struct change c = {.kind = CHANGE_RESTORE,
                             .at = r->at,
                             .cause = STR("restore"),
                             .peer = STR(""),
                             .generation = n->before.generation};
    struct outcome out;
    bool had_key = state->has_window || state->boot.window_key.n;
    state_apply(state, &c, &r->arena, &out);
    r->closed += had_key;
    if (out.verdict == OUTCOME_WRITE)
        add_txn(r, n->uid, revision, state, &c, &out);
}

void restored_now(struct restored *r, const struct store_record *record)
{
    struct record state;
    struct arena a;
    if (str_eq(record->kind, KIND_NODE)) {
        struct restored_node *n = node(r, record->key);
        note_definition(r, record, n, &n->now);
    }
    if (!str_eq(record->kind, KIND_STATE))
        return;
    arena_init(&a, 4096);
    if (record_read(record->bytes, &a, &state, NULL) == 0) {
        struct restored_node *n = node(r, record->key);
        n->now.generation = state.generation;
        restore_node(r, n, record->revision, &state);
    }
    arena_done(&a);
}

static bool is_registered(const struct restored_node *n)
{
    return n->now.epoch || n->before.epoch;
}

/* Nodes that had not been heard of when the backup was made. */
void restored_settle(struct restored *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        const struct restored_node *n = &r->nodes[i];
        struct record state;
        if (n->now.epoch)
            map_put(&r->names_now, name_of, r->nodes, i);
        if (n->before.epoch)
            map_put(&r->names_before, name_of, r->nodes, i);
        if (n->now.generation || n->before.generation <= NODE_FIRST_GENERATION ||
            (is_registered(n) && !n->now.epoch))
            continue;
        record_init(&state);
        state.name = n->name;
        restore_node(r, n, STORE_ABSENT, &state);
    }
}

/* --- What differs ---------------------------------------------------------------------------- */

static bool has_name(const struct restored *r, const struct map *names, struct str name)
{
    return map_find(names, name_of, r->nodes, name) != MAP_NONE;
}

static void print_key(const struct restored_node *n)
{
    uint32_t now = n->now.epoch, before = n->before.epoch;
    printf("  %.*s: key epoch %u instead of %u: a key that was given up opens its data again; run",
           STR_ARG(n->name), now, before);
    if (before > now + 1)
        printf(" %u times, until it has its last key", before - now);
    printf(": cloudseed node rekey %.*s\n", STR_ARG(n->name));
}

static void print_node(const struct restored *r, const struct restored_node *n)
{
    if (n->now.epoch && n->before.epoch && n->now.epoch != n->before.epoch)
        print_key(n);
    else if (n->now.epoch && !n->before.epoch && has_name(r, &r->names_before, n->name))
        printf("  %.*s: has uid and key of a removed node of this name; run: cloudseed node rekey "
               "%.*s, and give its machine the new URL\n",
               STR_ARG(n->name), STR_ARG(n->name));
    else if (n->now.epoch && !n->before.epoch)
        printf("  %.*s: was removed and exists again, with its key; run: cloudseed node rm %.*s\n",
               STR_ARG(n->name), STR_ARG(n->name));
    else if (!n->now.epoch && n->before.epoch && !has_name(r, &r->names_now, n->name))
        printf("  %.*s: is lost, with its key: it is not in the backup; run: cloudseed node add "
               "%.*s, and give its machine the new URL\n",
               STR_ARG(n->name), STR_ARG(n->name));
}

static bool differs(const struct restored_node *n)
{
    return n->now.epoch != n->before.epoch;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp((*(const struct restored_node *const *)a)->name,
                   (*(const struct restored_node *const *)b)->name);
}

void restored_print(const struct restored *r)
{
    uint32_t different = 0;
    printf("closed %u build windows: cloudseed node arm opens one again\n", r->closed);
    if (!r->replaces)
        return;
    const struct restored_node **list = MEM_ARRAY(const struct restored_node *, r->n);
    for (uint32_t i = 0; i < r->n; i++) {
        if (differs(&r->nodes[i]))
            list[different++] = &r->nodes[i];
    }
    qsort(list, different, sizeof(*list), by_name);
    printf(different ? "registered nodes that differ from the replaced state:\n"
                     : "all registered nodes have the keys that they had in the replaced state\n");
    for (uint32_t i = 0; i < different; i++)
        print_node(r, list[i]);
    if (different)
        printf("nodes of the seed tree have the keys of their key_epoch in its files\n");
    free(list);
}
