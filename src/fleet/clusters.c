/* SPDX-License-Identifier: Apache-2.0 */
/* The clusters' records, and what is asked of them: one request of a cluster at a time. */
#include "fleet/internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define CLUSTER_ARENA_BYTES 2048
/* What is decided again because somebody else has changed the record meanwhile. */
#define TRIES_MAX 8

struct cluster {
    char *name;
    struct kept kept;
    struct arena arena; /* of the record */
    struct cluster_record record;
    struct ops ops; /* the first one is under way */
};

bool clusters_are(struct str kind)
{
    return str_eq(kind, KIND_CLUSTER);
}

static struct cluster *find(const struct fleet *f, struct str name)
{
    for (uint32_t i = 0; i < f->clusters_n; i++) {
        if (str_is(name, f->clusters[i]->name))
            return f->clusters[i];
    }
    return NULL;
}

struct cluster *cluster_get(struct fleet *f, struct str name)
{
    struct cluster *c = find(f, name);
    if (c)
        return c;
    f->clusters = mem_grow(f->clusters, f->clusters_n, &f->clusters_room, sizeof(struct cluster *));
    c = MEM_NEW(struct cluster);
    c->name = mem_copy(name.p, name.n);
    arena_init(&c->arena, CLUSTER_ARENA_BYTES);
    cluster_record_init(&c->record);
    TAILQ_INIT(&c->ops);
    f->clusters[f->clusters_n++] = c;
    return c;
}

void clusters_done(struct fleet *f)
{
    for (uint32_t i = 0; i < f->clusters_n; i++) {
        arena_done(&f->clusters[i]->arena);
        kept_unset(&f->clusters[i]->kept);
        free(f->clusters[i]->name);
        free(f->clusters[i]);
    }
    free(f->clusters);
    waiters_done(&f->cluster_watchers);
}

/* --- What the store has ---------------------------------------------------------------------- */

void clusters_wake(struct fleet *f)
{
    if (!f->stopped)
        waiters_wake(&f->cluster_watchers);
}

/* A record that cannot be read may be that of a cluster that stands. */
static void look(struct fleet *f, struct cluster *c)
{
    uint32_t epoch = c->record.epoch;
    arena_reset(&c->arena);
    if (!c->kept.bytes)
        cluster_record_init(&c->record);
    else if (cluster_record_read((struct str){c->kept.bytes, c->kept.n}, &c->arena, &c->record,
                                 NULL) < 0) {
        cluster_record_init(&c->record);
        c->record.phase = CLUSTER_UNCONFIRMED;
    }
    if (c->record.epoch != epoch || c->record.phase != CLUSTER_STANDING)
        mints_on_epoch(f, c);
    clusters_wake(f);
}

void cluster_keep(struct fleet *f, const struct store_record *record)
{
    struct cluster *c = cluster_get(f, record->key);
    kept_set(&c->kept, record, f->round);
    look(f, c);
}

static void drop(struct fleet *f, struct cluster *c)
{
    kept_unset(&c->kept);
    look(f, c);
}

void cluster_drop(struct fleet *f, const struct store_record *record)
{
    drop(f, cluster_get(f, record->key));
}

void clusters_sweep(struct fleet *f)
{
    for (uint32_t i = 0; i < f->clusters_n; i++) {
        struct cluster *c = f->clusters[i];
        if (c->kept.bytes && c->kept.round != f->round)
            drop(f, c);
    }
}

void clusters_on_state(struct fleet *f, const struct member *m)
{
    struct str uid = str_from(m->uid);
    for (uint32_t i = 0; i < f->clusters_n; i++) {
        const struct cluster_record *r = &f->clusters[i]->record;
        if (str_eq(r->turn.uid, uid) || str_eq(r->holder.uid, uid)) {
            clusters_wake(f);
            return;
        }
    }
}

/* The record that holds for the cluster. Where commits were lost, one of its record may have been
 * among them, unless it was written since. */
static void current(const struct fleet *f, struct str name, struct cluster_record *ret)
{
    const struct cluster *c = find(f, name);
    if (!c || !c->kept.bytes)
        c = find(f, CLUSTER_ANY);
    cluster_record_init(ret);
    if (c && c->kept.bytes)
        *ret = c->record;
    if (f->has_loss && !(c && c->kept.revision > f->loss.found))
        ret->phase = CLUSTER_UNCONFIRMED;
}

/* --- Requests -------------------------------------------------------------------------------- */

/* How far those are that the question is about. */
static void fill_in(const struct fleet *f, struct cluster_change *c, struct arena *a)
{
    if (c->kind != CLUSTER_ASK)
        return;
    struct cluster_master *masters = ARENA_ARRAY(a, struct cluster_master, c->ask.masters_n);
    const struct member *m = member_find(f, c->by.uid);
    struct record r;
    member_record(m, a, &r);
    c->ask.has_joined = r.joined && member_is_claimed(m, c->by.claim, a);
    for (uint32_t i = 0; i < c->ask.masters_n; i++) {
        struct fleet_view view = fleet_look(f, c->ask.masters[i].uid);
        masters[i] = c->ask.masters[i];
        masters[i].state = view.state;
        masters[i].generation = view.generation;
    }
    c->ask.masters = masters;
}

void fleet_cluster_look(const struct fleet *f, const struct cluster_change *ask, struct arena *a,
                        struct cluster_decision *ret)
{
    struct cluster_record r;
    struct cluster_change c = *ask;
    assert(c.kind == CLUSTER_ASK);
    current(f, c.cluster, &r);
    fill_in(f, &c, a);
    struct moment at;
    f->host.now(f->host.cls, &at);
    cluster_decide(&r, &c, at.wall_ms, a, ret);
    ret->of = arena_str(a, ret->of);
    ret->certificate = arena_str(a, ret->certificate);
}

bool fleet_cluster(const struct fleet *f, struct str name, struct arena *a,
                   struct cluster_record *ret)
{
    struct cluster_record r;
    const struct cluster *c = find(f, name);
    current(f, name, &r);
    cluster_record_copy(&r, a, ret);
    return c && c->kept.bytes;
}

bool fleet_cluster_at(const struct fleet *f, uint32_t *at, struct str *ret_name)
{
    for (; *at < f->clusters_n; ++*at) {
        const struct cluster *c = f->clusters[*at];
        if (!c->kept.bytes || str_is(CLUSTER_ANY, c->name))
            continue;
        *ret_name = str_from(c->name);
        ++*at;
        return true;
    }
    return false;
}

struct str clusters_led_by(const struct fleet *f, struct str uid)
{
    for (uint32_t i = 0; i < f->clusters_n; i++) {
        const struct cluster *c = f->clusters[i];
        const struct op *op = TAILQ_FIRST(&c->ops);
        if (str_eq(c->record.holder.uid, uid) ||
            (op && op->phase == OP_COMMITTING && str_eq(op->cluster_next.holder.uid, uid)))
            return str_from(c->name);
    }
    return STR("");
}

bool clusters_made_by(const struct fleet *f, const char *uid, const struct record *r)
{
    for (uint32_t i = 0; i < f->clusters_n; i++) {
        const struct cluster_record *c = &f->clusters[i]->record;
        if (c->phase == CLUSTER_STANDING && str_is(c->holder.uid, uid) &&
            str_eq(c->holder.claim, r->window.claim))
            return true;
    }
    return false;
}

static void copy_boot(struct cluster_boot *b, struct arena *a)
{
    b->uid = arena_str(a, b->uid);
    b->name = arena_str(a, b->name);
    b->claim = arena_str(a, b->claim);
    b->machine = arena_str(a, b->machine);
}

static void copy_ask(struct cluster_change *c, struct arena *a)
{
    struct cluster_master *masters = ARENA_ARRAY(a, struct cluster_master, c->ask.masters_n);
    for (uint32_t i = 0; i < c->ask.masters_n; i++) {
        masters[i].uid = arena_str(a, c->ask.masters[i].uid);
        masters[i].name = arena_str(a, c->ask.masters[i].name);
    }
    c->ask.masters = masters;
    c->ask.only = arena_str(a, c->ask.only);
    c->ask.certificate = arena_str(a, c->ask.certificate);
    c->ask.endpoint = arena_str(a, c->ask.endpoint);
    c->ask.unfit = arena_str(a, c->ask.unfit);
}

static void copy_report(struct cluster_change *c, struct arena *a)
{
    c->report.endpoint = arena_str(a, c->report.endpoint);
    c->report.declared = arena_str(a, c->report.declared);
    c->report.ca = arena_str(a, c->report.ca);
    c->report.minter.sealed = arena_str(a, c->report.minter.sealed);
    c->report.approver.sealed = arena_str(a, c->report.approver.sealed);
}

static void copy_renew(struct cluster_change *c, struct arena *a)
{
    c->renew.former = arena_str(a, c->renew.former);
    c->renew.token.sealed = arena_str(a, c->renew.token.sealed);
    c->renew.why = arena_str(a, c->renew.why);
}

struct slot_ref fleet_cluster_change(struct fleet *f, const struct cluster_change *c,
                                     struct waiter w)
{
    bool by_node = c->by.uid.n > 0;
    struct op *op = op_new(f, OP_CLUSTER, by_node ? member_get(f, c->by.uid) : NULL, w);
    struct slot_ref ticket = op->ticket;
    struct arena *a = &op->arena;
    op->cluster = cluster_get(f, c->cluster);
    op->queue = &op->cluster->ops;
    op->cluster_change = *c;
    op->cluster_change.cluster = arena_str(a, c->cluster);
    op->change.cause = arena_str(a, c->cause);
    op->change.peer = arena_str(a, c->peer);
    op->name = STR(""); /* it belongs to no node */
    if (by_node) {
        copy_boot(&op->cluster_change.by, a);
        op->name = op->cluster_change.by.name;
    }
    if (c->kind == CLUSTER_ASK)
        copy_ask(&op->cluster_change, a);
    else if (c->kind == CLUSTER_REPORT || c->kind == CLUSTER_ADOPT)
        copy_report(&op->cluster_change, a);
    else if (c->kind == CLUSTER_RENEW)
        copy_renew(&op->cluster_change, a);
    else if (c->kind == CLUSTER_SEEN)
        op->cluster_change.seen.version = arena_str(a, c->seen.version);
    else if (c->kind == CLUSTER_CERTS)
        op->cluster_change.certificate = arena_str(a, c->certificate);
    else if (c->kind == CLUSTER_REQUEST)
        op->cluster_change.request = arena_str(a, c->request);
    op_begin(f, op);
    return ticket;
}

/* --- Carrying out ---------------------------------------------------------------------------- */

/* A boot that asks may have lost its window since it came. */
static bool is_superseded(struct op *op)
{
    const struct cluster_change *c = &op->cluster_change;
    return c->kind == CLUSTER_ASK && !member_is_claimed(op->member, c->by.claim, &op->arena);
}

void cluster_run(struct fleet *f, struct op *op)
{
    struct arena *a = &op->arena;
    struct cluster_change c = op->cluster_change;
    struct cluster_outcome out;
    struct cluster_record r;
    if (op->member && op->member->deleted) {
        op_end(op, FLEET_DONE, 404, "there is no such node");
        return;
    }
    if (is_superseded(op)) {
        op_end(op, FLEET_DONE, 409, OP_SUPERSEDED);
        return;
    }
    f->host.now(f->host.cls, &op->change.at);
    current(f, c.cluster, &r);
    cluster_record_copy(&r, a, &op->cluster_next); /* the record may change before the commit */
    fill_in(f, &c, a);
    cluster_apply(&op->cluster_next, &c, op->change.at.wall_ms, a, &out);
    op->result.decision = ARENA_NEW(a, struct cluster_decision);
    *op->result.decision = out.decision;
    op->result.revision = op->cluster->kept.revision;
    if (!out.writes) {
        op_end(op, FLEET_DONE, out.status, NULL);
        return;
    }
    op->result.status = out.status;
    op->json = op_json(op, cluster_record_value(&op->cluster_next, a));
    op_make_events(op, &out.event, out.event.kind ? 1 : 0);
    const struct store_write writes[] = {
        {STORE_PUT, KIND_CLUSTER, c.cluster, op->cluster->kept.revision, op->json},
        /* The node is not removed meanwhile, and the window of one that asks not closed. */
        {STORE_CHECK, KIND_NODE, c.by.uid, op->member ? op->member->node.revision : STORE_ABSENT,
         STR("")},
        {STORE_CHECK, KIND_STATE, c.by.uid, op->member ? op->member->state.revision : STORE_ABSENT,
         STR("")},
    };
    op_commit(f, op, writes, !op->member ? 1 : c.kind == CLUSTER_ASK ? 3 : 2);
}

/* Others have changed what was decided by: with what is known now it is decided again. */
bool cluster_run_again(struct op *op)
{
    if (++op->tries >= TRIES_MAX)
        return false;
    op->phase = OP_QUEUED;
    return true;
}

void cluster_on_commit(struct fleet *f, struct op *op, uint64_t revision)
{
    const struct store_record record = {KIND_CLUSTER, str_from(op->cluster->name), op->json,
                                        revision};
    cluster_keep(f, &record);
}

/* --- What others see ------------------------------------------------------------------------- */

void fleet_watch_clusters(struct fleet *f, struct waiter w)
{
    waiters_add(&f->cluster_watchers, w);
}

void fleet_unwatch_clusters(struct fleet *f, struct waiter w)
{
    waiters_remove(&f->cluster_watchers, w);
}
