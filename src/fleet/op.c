/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "fleet/event.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define OP_ARENA_BYTES 4096
#define OP_MAGIC 0x4F706572U /* "Oper" */
#define OPS_MAX 20000        /* queued or under way; beyond it requests are refused as BUSY */
#define JSON_MAX_BYTES (256 * 1024)

struct op *op_new(struct fleet *f, enum op_kind kind, struct member *m, struct waiter w)
{
    struct op *op = MEM_NEW(struct op);
    op->magic = OP_MAGIC;
    arena_init(&op->arena, OP_ARENA_BYTES);
    op->kind = kind;
    op->member = m;
    op->queue = m ? &m->ops : NULL;
    op->waiter = w;
    op->ticket = slots_put(&f->ops, op);
    f->ops_n++;
    return op;
}

struct op *op_find(const struct fleet *f, struct slot_ref ticket)
{
    struct op *op = slots_find(&f->ops, ticket);
    assert(!op || op->magic == OP_MAGIC);
    return op;
}

void op_free(struct fleet *f, struct op *op)
{
    assert(op->magic == OP_MAGIC);
    op->magic = 0;
    if (op->notice)
        store_notice_free(f->store, op->notice);
    parsed_free(op->next);
    slots_remove(&f->ops, op->ticket);
    f->ops_n--;
    arena_done(&op->arena);
    free(op);
}

/* --- Ends ------------------------------------------------------------------------------------ */

void op_end(struct op *op, enum fleet_answer answer, int status, const char *reason)
{
    assert(op->magic == OP_MAGIC && op->phase != OP_DONE);
    op->phase = OP_DONE;
    op->result.answer = answer;
    op->result.status = status;
    op->result.reason = reason;
}

static void end_with(struct op *op, enum store_result result, const struct err *why)
{
    const char *reason = why->msg[0] ? arena_str(&op->arena, str_from(why->msg)).p : NULL;
    switch (result) {
    case STORE_OK: op_end(op, FLEET_DONE, 200, NULL); break;
    case STORE_CONFLICT: op_end(op, FLEET_CONFLICT, 409, "somebody else has changed it"); break;
    case STORE_FULL: op_end(op, FLEET_FULL, 503, reason ? reason : "the disk is full"); break;
    case STORE_UNAVAILABLE:
    case STORE_UNKNOWN:
        op_end(op, FLEET_UNAVAILABLE, 503, reason ? reason : "the state cannot be written");
        break;
    }
}

/* `r` is what the store returned: 0, and it will answer. */
static void submitted(struct op *op, int r)
{
    if (r == 0)
        op->phase = OP_COMMITTING;
    else if (r == -EBUSY)
        op_end(op, FLEET_BUSY, 503, "too much is being written: try again in a while");
    else if (r == -ESHUTDOWN)
        op_end(op, FLEET_UNAVAILABLE, 503, "shutting down");
    else if (op->kind == OP_READ)
        op_end(op, FLEET_DONE, 400, "no node and no kind of event has such a name");
    else
        op_end(op, FLEET_DONE, 413, "this is more than can be kept");
}

/* --- Carrying out ---------------------------------------------------------------------------- */

struct str op_json(struct op *op, struct value v)
{
    struct buf b;
    buf_init(&b, JSON_MAX_BYTES);
    json_write(&b, v, false);
    struct str text = arena_str(&op->arena, buf_view(&b));
    buf_done(&b);
    return text;
}

static uint64_t tag_of(const struct op *op)
{
    return (uint64_t)op->ticket.slot << 32 | op->ticket.generation;
}

void op_make_events(struct op *op, const struct event *events, uint32_t n)
{
    op->events = ARENA_ARRAY(&op->arena, struct store_event, n);
    op->events_n = n;
    for (uint32_t i = 0; i < n; i++)
        op->events[i] = (struct store_event){
            .at_ms = op->change.at.wall_ms,
            .node = op->member ? str_from(op->member->uid) : STR(""),
            .kind = str_from(events[i].kind),
            .bytes = op_json(op, event_value(&events[i], op->name, &op->change, &op->arena)),
        };
}

void op_commit(struct fleet *f, struct op *op, const struct store_write *writes, size_t n)
{
    const struct store_txn txn = {tag_of(op), writes, n, op->events, op->events_n, false};
    op->asked_ns = clock_boot_ns();
    submitted(op, store_commit(f->store, &txn));
}

static bool is_heard(enum change_kind kind)
{
    return kind == CHANGE_FETCH || kind == CHANGE_REPORT || kind == CHANGE_PHONE_HOME ||
           kind == CHANGE_CLAIM || kind == CHANGE_RESULT;
}

/* Other requests may have had their turn since the asker looked. */
static bool is_outdated(struct op *op)
{
    const struct member *m = op->member;
    const struct change *c = &op->change;
    if (m->deleted) /* else its state would outlast the node */
        op_end(op, FLEET_DONE, 404, "there is no such node");
    else if (c->as_seen && (c->seen_state != m->state.revision || c->seen_node != m->node.revision))
        op_end(op, FLEET_DONE, 412, "somebody else has changed this node since: look at it again");
    return op->phase == OP_DONE;
}

/* As it was called last; empty: no other node has that machine-id. */
static struct str name_of_twin(const struct fleet *f, const struct member *m, struct str machine,
                               struct arena *a)
{
    const struct member *twin = members_twin(f, m, machine);
    struct record r = {.name = STR("")};
    if (twin)
        member_record(twin, a, &r);
    return r.name;
}

static void run_change(struct fleet *f, struct op *op)
{
    struct member *m = op->member;
    struct record r;
    struct outcome out;
    if (is_outdated(op))
        return;
    f->host.now(f->host.cls, &op->change.at);
    if (op->change.kind == CHANGE_DEADLINE || op->change.kind == CHANGE_NODE_READY)
        op->change.silent_ms = op->change.at.boot_ms - m->heard_boot_ms;
    member_record(m, &op->arena, &r);
    op->change.handed = r.has_window && r.window.claim.n && !r.handed &&
                        (mint_was_given(m, &r, &op->arena) || clusters_made_by(f, m->uid, &r));
    if (op->change.kind == CHANGE_CLAIM)
        op->change.twin = name_of_twin(f, m, op->change.claim.machine, &op->arena);
    if (op->name.n)
        r.name = op->name;
    else
        op->name = arena_str(&op->arena, r.name);
    state_apply(&r, &op->change, &op->arena, &out);
    if (is_heard(op->change.kind) && out.status == 200) /* a refused peer may be anyone */
        m->heard_boot_ms = op->change.at.boot_ms;
    op->result.revision = m->state.revision;
    if (out.verdict == OUTCOME_SAME) {
        op_end(op, FLEET_DONE, out.status, out.reason);
        deadline_set(f, m, state_due(&r, &op->change.at, m->heard_boot_ms));
        return;
    }
    op->result.status = out.status;
    op->result.reason = out.reason;
    op->json = op_json(op, record_value(&r, &op->arena));
    op->next = parsed_new(m, &r);
    op_make_events(op, out.events, out.events_n);
    op->ends_mint = mint_is_over(m, &r, &op->arena);
    const struct store_write writes[] = {
        {STORE_PUT, KIND_STATE, str_from(m->uid), m->state.revision, op->json},
        {STORE_DELETE, KIND_MINT, str_from(m->uid), STORE_ANY, {NULL, 0}},
    };
    op_commit(f, op, writes, op->ends_mint ? 2 : 1);
}

static struct str tombstone(struct op *op)
{
    const struct value_pair pairs[] = {
        JSON_INT("v", 1),
        JSON_STR("name", op->name),
        JSON_INT("deleted_ms", op->change.at.wall_ms),
    };
    return op_json(op, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

/* Else another master could be given 'init', while this one still makes the cluster. */
static void refuse_removal(struct op *op, struct str cluster)
{
    struct str why = arena_printf(&op->arena,
                                  "%.*s has begun to make the cluster %.*s, or has made it: if the "
                                  "cluster is gone, run 'cloudseed cluster reset %.*s' first",
                                  STR_ARG(op->name), STR_ARG(cluster), STR_ARG(cluster));
    op_end(op, FLEET_DONE, 409, why.p);
}

static void run_define(struct fleet *f, struct op *op)
{
    struct str uid = str_from(op->member->uid);
    struct str led = op->json.n ? STR("") : clusters_led_by(f, uid);
    if (led.n) {
        refuse_removal(op, led);
        return;
    }
    f->host.now(f->host.cls, &op->change.at);
    op_make_events(op, &op->why, 1);
    const struct store_write put[] = {
        {STORE_PUT, KIND_NODE, uid, op->expected, op->json},
        {STORE_PUT, KIND_NAME, op->name, STORE_ABSENT, uid},
    };
    const struct store_write delete[] = {
        {STORE_DELETE, KIND_NODE, uid, op->expected, {NULL, 0}},
        {STORE_DELETE, KIND_NAME, op->name, STORE_ANY, {NULL, 0}},
        {STORE_DELETE, KIND_STATE, uid, STORE_ANY, {NULL, 0}},
        {STORE_DELETE, KIND_MINT, uid, STORE_ANY, {NULL, 0}},
        {STORE_PUT, KIND_TOMBSTONE, uid, STORE_ANY, tombstone(op)},
    };
    if (!op->json.n)
        op_commit(f, op, delete, 5);
    else
        op_commit(f, op, put, op->expected == STORE_ABSENT ? 2 : 1);
}

static void run_read(struct fleet *f, struct op *op)
{
    op->query.tag = tag_of(op);
    submitted(op, store_read(f->store, &op->query));
}

static void run_own(struct fleet *f, struct op *op)
{
    const struct store_write write = {op->own.bytes.n ? STORE_PUT : STORE_DELETE, op->own.kind,
                                      op->own.key, STORE_ANY, op->own.bytes};
    op_commit(f, op, &write, 1);
}

static void run_loss(struct fleet *f, struct op *op)
{
    op_make_events(op, &op->why, 1);
    run_own(f, op);
}

static void run(struct fleet *f, struct op *op)
{
    assert(op->magic == OP_MAGIC && op->phase == OP_QUEUED);
    op->phase = OP_RUNNING;
    switch (op->kind) {
    case OP_CHANGE: run_change(f, op); break;
    case OP_DEFINE: run_define(f, op); break;
    case OP_READ: run_read(f, op); break;
    case OP_BACKUP: submitted(op, store_backup(f->store, tag_of(op), op->path)); break;
    case OP_OWN: run_own(f, op); break;
    case OP_LOSS: run_loss(f, op); break;
    case OP_CLUSTER: cluster_run(f, op); break;
    case OP_MINT: mint_run(f, op); break;
    case OP_ACCESS: access_run(f, op); break;
    }
    assert(op->phase == OP_COMMITTING || op->phase == OP_DONE);
}

/* Wakes the asker, which may take the result at once: do not use `op` afterwards. */
static void settle(struct fleet *f, struct op *op)
{
    assert(op->magic == OP_MAGIC && op->phase == OP_DONE);
    if (op->queue)
        TAILQ_REMOVE(op->queue, op, entry);
    if (op->forgotten)
        op_free(f, op);
    else if (!f->stopped)
        waiter_wake(op->waiter);
}

/* Runs what is first in the queue until it has to wait for the store. */
static void go_on(struct fleet *f, struct ops *queue)
{
    struct op *op;
    while ((op = TAILQ_FIRST(queue)) && op->phase == OP_QUEUED) {
        run(f, op);
        if (op->phase == OP_DONE)
            settle(f, op);
    }
}

void op_begin(struct fleet *f, struct op *op)
{
    if (f->ops_n > OPS_MAX) {
        op->queue = NULL;
        op_end(op, FLEET_BUSY, 503, "too much is being written: try again in a while");
    } else if (op->queue) {
        TAILQ_INSERT_TAIL(op->queue, op, entry);
        go_on(f, op->queue);
        return;
    } else {
        run(f, op);
    }
    if (op->phase == OP_DONE)
        settle(f, op);
}

/* --- What the store says --------------------------------------------------------------------- */

static void wake_watchers(struct fleet *f)
{
    if (!f->stopped)
        waiters_wake(&f->watchers);
}

static void keep_own(struct fleet *f, struct op *op, uint64_t revision)
{
    const struct store_record record = {op->own.kind, op->own.key, op->own.bytes, revision};
    if (op->own.bytes.n)
        own_keep(f, &record);
    else
        own_drop(f, &record);
}

/* The store's note may follow now: what it said is in the record. */
static void keep_loss(struct fleet *f, struct op *op, uint64_t revision)
{
    const struct store_record record = {op->own.kind, op->own.key, op->own.bytes, revision};
    if (op->own.bytes.n)
        loss_keep(f, &record);
    else
        loss_drop(f);
    store_settle(f->store);
}

static void keep_definition(struct fleet *f, struct op *op, uint64_t revision)
{
    struct store_record record = {KIND_NODE, str_from(op->member->uid), op->json, revision};
    if (op->json.n) {
        member_keep(f, &record);
        return;
    }
    member_drop(f, &record);
    record.kind = KIND_STATE;
    member_drop(f, &record);
    record.kind = KIND_MINT;
    member_drop(f, &record);
}

static void keep_committed(struct fleet *f, struct op *op, const struct store_notice *n)
{
    op->result.revision = n->revision;
    if (op->kind == OP_OWN) {
        keep_own(f, op, n->revision);
        return;
    }
    if (op->kind == OP_LOSS) {
        keep_loss(f, op, n->revision);
    } else if (op->kind == OP_DEFINE) {
        keep_definition(f, op, n->revision);
    } else if (op->kind == OP_CLUSTER) {
        cluster_on_commit(f, op, n->revision);
    } else if (op->kind == OP_ACCESS) {
        access_on_commit(f, op, n->revision);
    } else if (op->kind == OP_MINT) {
        const struct store_record record = {KIND_MINT, str_from(op->member->uid), op->json,
                                            n->revision};
        member_keep(f, &record);
    } else {
        const struct store_record record = {KIND_STATE, str_from(op->member->uid), op->json,
                                            n->revision};
        member_commit(f, &record, op->next);
        op->next = NULL;
        if (op->ends_mint)
            mint_forget(f, op->member);
    }
    for (uint32_t i = 0; i < op->events_n; i++) {
        recent_add(f->recent, n->first_event + i, &op->events[i]);
        standing_count_event(f, op->events[i].kind);
    }
    wake_watchers(f);
}

/* A refusal may have been written down as an alarm: it stays a refusal. */
static void on_commit(struct fleet *f, struct op *op, const struct store_notice *n)
{
    if (n->result == STORE_CONFLICT && op->kind == OP_CLUSTER && cluster_run_again(op))
        return;
    bool has_status = op->kind == OP_CHANGE || op->kind == OP_CLUSTER || op->kind == OP_MINT;
    if (n->result == STORE_CONFLICT && has_status) {
        op_end(op, FLEET_UNAVAILABLE, 503, "the state is being read again: try again");
    } else if (n->result == STORE_OK && has_status) {
        op_end(op, FLEET_DONE, op->result.status, op->result.reason);
    } else {
        end_with(op, n->result, &n->err);
        if (n->result == STORE_CONFLICT && n->conflict == 1)
            op->result.reason = "another node has this name";
    }
    if (n->result == STORE_OK) {
        histogram_add(&f->commit_seconds, clock_boot_ns() - op->asked_ns);
        keep_committed(f, op, n);
    }
}

static void on_read(struct fleet *f, struct op *op, struct store_notice *n)
{
    end_with(op, n->result, &n->err);
    op->result.bytes = n->bytes;
    if (n->result == STORE_OK && n->about == STORE_READ)
        op->result.page = &n->page;
    if (!op->fills_recent)
        return;
    f->knows_recent = true; /* even if it could not be read */
    if (n->result == STORE_OK)
        recent_fill(f->recent, &n->page);
    wake_watchers(f);
}

/* The notice lives until the result was taken: a page points into it. */
static void on_answer(struct fleet *f, struct store_notice *n)
{
    if (n->about == STORE_COMMIT && audit_is_tag(n->tag)) {
        audit_on_notice(f, n);
        store_notice_free(f->store, n);
        return;
    }
    struct op *op =
        op_find(f, (struct slot_ref){(uint32_t)(n->tag >> 32), (uint32_t)(n->tag & UINT32_MAX)});
    if (!op) {
        store_notice_free(f->store, n);
        return;
    }
    assert(op->phase == OP_COMMITTING);
    struct ops *queue = op->queue;
    if (op->notice)
        store_notice_free(f->store, op->notice); /* it is carried out once more */
    op->notice = n;
    if (n->about == STORE_COMMIT)
        on_commit(f, op, n);
    else
        on_read(f, op, n);
    if (op->phase == OP_DONE)
        settle(f, op);
    if (queue)
        go_on(f, queue);
}

void op_on_notice(struct fleet *f, struct store_notice *n)
{
    switch (n->about) {
    case STORE_COMMIT:
    case STORE_READ:
    case STORE_BACKUP: on_answer(f, n); return;
    case STORE_CHANGED: member_keep(f, &n->record); break;
    case STORE_DELETED: member_drop(f, &n->record); break;
    case STORE_START_OVER: f->round++; break;
    case STORE_IN_STEP: members_sweep(f); break;
    case STORE_HEALTH: break;
    }
    store_notice_free(f->store, n);
}
