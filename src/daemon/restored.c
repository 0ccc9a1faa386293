/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/restored.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "fleet/event.h"
#include "model/node.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 * 1024)
#define JSON_MAX_BYTES ((size_t)256 * 1024)
#define KIND_STATE STR("state")
#define KIND_NODE STR("node")
#define KIND_CLUSTER STR("cluster")
#define KIND_ACCESS STR("access")

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
    free(r->clusters);
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

static struct restored_cluster *cluster(struct restored *r, struct str name)
{
    for (uint32_t i = 0; i < r->clusters_n; i++) {
        if (str_eq(r->clusters[i].name, name))
            return &r->clusters[i];
    }
    r->clusters = mem_grow(r->clusters, r->clusters_n, &r->clusters_room, sizeof(*r->clusters));
    r->clusters[r->clusters_n] =
        (struct restored_cluster){arena_str(&r->arena, name), CLUSTER_FIRST_EPOCH, false};
    return &r->clusters[r->clusters_n++];
}

/* Reads the record; one that cannot be read counts as unconfirmed by itself. */
static struct restored_cluster *note_cluster(struct restored *r, const struct store_record *record,
                                             struct cluster_record *ret)
{
    struct restored_cluster *c = cluster(r, record->key);
    if (cluster_record_read(record->bytes, &r->arena, ret, NULL) < 0)
        cluster_record_init(ret);
    if (c->epoch < ret->epoch)
        c->epoch = ret->epoch;
    return c;
}

void restored_before(struct restored *r, const struct store_record *record)
{
    struct record state;
    struct arena a;
    if (str_eq(record->kind, KIND_NODE)) {
        struct restored_node *n = node(r, record->key);
        note_definition(r, record, n, &n->before);
    }
    if (str_eq(record->kind, KIND_CLUSTER)) {
        struct cluster_record was;
        note_cluster(r, record, &was);
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

static void add_txn(struct restored *r, const struct store_write *write,
                    const struct store_event *events, size_t n)
{
    struct store_write *copy = ARENA_NEW(&r->arena, struct store_write);
    *copy = *write;
    r->txns = mem_grow(r->txns, r->txns_n, &r->txns_room, sizeof(*r->txns));
    r->txns[r->txns_n++] =
        (struct store_txn){.writes = copy, .n_writes = 1, .events = events, .n_events = n};
}

static struct store_event event_of(struct restored *r, struct str uid, struct str name,
                                   const struct event *e, const struct change *c)
{
    return (struct store_event){
        .at_ms = r->at.wall_ms,
        .node = uid,
        .kind = arena_str(&r->arena, str_from(e->kind)),
        .bytes = json_of(r, event_value(e, name, c, &r->arena)),
    };
}

static void put_node(struct restored *r, struct str uid, uint64_t revision,
                     const struct record *next, const struct change *c, const struct outcome *out)
{
    struct store_event *events = ARENA_ARRAY(&r->arena, struct store_event, out->events_n);
    for (uint32_t i = 0; i < out->events_n; i++)
        events[i] = event_of(r, uid, next->name, &out->events[i], c);
    add_txn(r,
            &(const struct store_write){STORE_PUT, KIND_STATE, uid, revision,
                                        json_of(r, record_value(next, &r->arena))},
            events, out->events_n);
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
        put_node(r, n->uid, revision, state, &c, &out);
}

/* It may have been revoked since the backup. */
static void revoke_token(struct restored *r, const struct store_record *record)
{
    const struct change c = {.cause = STR("restore"), .peer = STR("")};
    struct store_event *event = ARENA_NEW(&r->arena, struct store_event);
    struct access_token t = {.access = ACCESS_VIEWER};
    access_token_read(record->bytes, &r->arena, &t, NULL);
    t.name = arena_str(&r->arena, record->key);
    const struct event e = access_event("token-revoked", &t, &r->arena);
    *event = event_of(r, STR(""), STR(""), &e, &c);
    add_txn(r, &(const struct store_write){STORE_DELETE, KIND_ACCESS, t.name, STORE_ANY, {NULL, 0}},
            event, 1);
    r->revoked++;
}

/* --- Clusters -------------------------------------------------------------------------------- */

/* Since the backup it may have been made, or reset and made by another master. */
static void put_cluster(struct restored *r, struct restored_cluster *known, uint64_t revision,
                        struct cluster_record *next)
{
    const struct change c = {.cause = STR("restore"), .peer = STR("")};
    const struct value_pair data[] = {JSON_STR("cluster", known->name),
                                      JSON_INT("epoch", known->epoch)};
    const struct event e = {"cluster-unconfirmed", value_map(data, 2)};
    bool is_any = str_eq(known->name, CLUSTER_ANY);
    struct store_event *event = ARENA_NEW(&r->arena, struct store_event);
    next->phase = CLUSTER_UNCONFIRMED;
    next->since_wall_ms = r->at.wall_ms;
    next->epoch = known->epoch;
    known->is_written = true;
    *event = event_of(r, STR(""), STR(""), &e, &c);
    add_txn(r,
            &(const struct store_write){STORE_PUT, KIND_CLUSTER, known->name, revision,
                                        json_of(r, cluster_record_value(next, &r->arena))},
            event, is_any ? 0 : 1);
}

static void settle_clusters(struct restored *r)
{
    cluster(r, CLUSTER_ANY);
    for (uint32_t i = 0; i < r->clusters_n; i++) {
        struct cluster_record next;
        cluster_record_init(&next);
        if (!r->clusters[i].is_written)
            put_cluster(r, &r->clusters[i], STORE_ABSENT, &next);
    }
}

void restored_now(struct restored *r, const struct store_record *record)
{
    struct record state;
    struct arena a;
    if (str_eq(record->kind, KIND_NODE)) {
        struct restored_node *n = node(r, record->key);
        note_definition(r, record, n, &n->now);
    }
    if (str_eq(record->kind, KIND_CLUSTER)) {
        struct cluster_record next;
        struct restored_cluster *c = note_cluster(r, record, &next);
        put_cluster(r, c, record->revision, &next);
    }
    if (str_eq(record->kind, KIND_ACCESS))
        revoke_token(r, record);
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
    settle_clusters(r);
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
    printf("all clusters are unconfirmed, and no node makes or joins one: if one is gone, or never "
           "was, run: cloudseed cluster reset NAME\n");
    if (r->revoked)
        printf("revoked %u token%s of admins: cloudseed token create makes another\n", r->revoked,
               r->revoked == 1 ? "" : "s");
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
