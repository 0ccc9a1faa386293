/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/mem.h"
#include "model/node.h"

#include <stdlib.h>

/* When a deadline is tried again whose change could not be written. */
#define DEADLINE_RETRY_MS 60000

static int on_record(void *cls, const struct store_record *record, struct err *e)
{
    (void)e;
    member_keep(cls, record);
    return 0;
}

int fleet_open(struct store *s, const struct fleet_host *host, struct fleet **ret, struct err *e)
{
    struct fleet *f = MEM_NEW(struct fleet);
    f->store = s;
    f->host = *host;
    f->recent = recent_new();
    f->audit = audit_new();
    TAILQ_INIT(&f->parsed);
    standings_init(f);
    int r = store_load(s, on_record, f, &f->revision, e);
    if (r < 0)
        fleet_close(f);
    else
        *ret = f;
    return r;
}

/* A client that follows the events gets what it missed while the server restarted. */
static void read_recent(struct fleet *f)
{
    struct op *op = op_new(f, OP_READ, NULL, (struct waiter){0});
    op->query = (struct store_query){.newest_first = true, .limit = STORE_PAGE_MAX};
    op->fills_recent = true;
    op->forgotten = true;
    op_begin(f, op);
}

int fleet_start(struct fleet *f, void (*on_store)(void *cls), void *cls, struct alarm alarm,
                struct err *e)
{
    f->alarm = alarm;
    int r = store_start(f->store, on_store, cls, e);
    if (r < 0)
        return r;
    store_watch(f->store, f->revision);
    loss_begin(f);
    read_recent(f);
    fleet_on_alarm(f); /* also sets the alarm */
    return 0;
}

void fleet_stop(struct fleet *f)
{
    audit_finish(f);
    store_stop(f->store);
    fleet_on_store(f);
    f->stopped = true;
}

void fleet_close(struct fleet *f)
{
    if (!f)
        return;
    fleet_stop(f);
    for (uint32_t i = 0; i < f->ops.n; i++) {
        struct op *op = slots_at(&f->ops, i);
        if (op)
            op_free(f, op);
    }
    store_close(f->store);
    slots_done(&f->ops);
    members_done(f);
    clusters_done(f);
    mints_done(f);
    own_done(f);
    access_done(f);
    recent_free(f->recent);
    standings_done(f);
    audit_free(f->audit);
    free(f->heap);
    waiters_done(&f->watchers);
    free(f);
}

/* --- Requests -------------------------------------------------------------------------------- */

static struct slot_ref begin(struct fleet *f, struct op *op)
{
    struct slot_ref ticket = op->ticket;
    op_begin(f, op);
    return ticket;
}

static void copy_host_keys(struct phone_home *p, struct arena *a)
{
    for (uint32_t i = 0; i < p->host_keys_n; i++) {
        p->host_keys[i].kind = arena_str(a, p->host_keys[i].kind);
        p->host_keys[i].key = arena_str(a, p->host_keys[i].key);
    }
}

static void copy_claim(struct claim *c, struct arena *a)
{
    c->join_key = arena_str(a, c->join_key);
    c->digest = arena_str(a, c->digest);
    c->uuid = arena_str(a, c->uuid);
    c->machine = arena_str(a, c->machine);
}

static void copy_what(struct change *c, struct arena *a)
{
    switch (c->kind) {
    case CHANGE_ARM:
    case CHANGE_REPROVISION:
        c->arm.join_key = arena_str(a, c->arm.join_key);
        c->arm.window_key = arena_str(a, c->arm.window_key);
        c->arm.pin = arena_str(a, c->arm.pin);
        break;
    case CHANGE_VM:
    case CHANGE_VM_BURIED:
        c->vm.endpoint = arena_str(a, c->vm.endpoint);
        c->vm.host = arena_str(a, c->vm.host);
        break;
    case CHANGE_FETCH:
        c->fetch.file = arena_str(a, c->fetch.file);
        c->fetch.evidence = arena_str(a, c->fetch.evidence);
        c->fetch.placeholder_uuid = arena_str(a, c->fetch.placeholder_uuid);
        break;
    case CHANGE_MISMATCH: c->mismatch = arena_str(a, c->mismatch); break;
    case CHANGE_REPORT:
        c->report.name = arena_str(a, c->report.name);
        c->report.description = arena_str(a, c->report.description);
        c->report.type = arena_str(a, c->report.type);
        break;
    case CHANGE_PHONE_HOME:
        c->phone_home.hostname = arena_str(a, c->phone_home.hostname);
        c->phone_home.fqdn = arena_str(a, c->phone_home.fqdn);
        c->phone_home.instance_id = arena_str(a, c->phone_home.instance_id);
        copy_host_keys(&c->phone_home, a);
        break;
    case CHANGE_CLAIM: copy_claim(&c->claim, a); break;
    case CHANGE_CERTIFICATE: c->certificate.why = arena_str(a, c->certificate.why); break;
    case CHANGE_NODE_AWAY: c->away = arena_str(a, c->away); break;
    case CHANGE_UNRENDERED: c->unrendered = arena_str(a, c->unrendered); break;
    case CHANGE_WAITS: c->waits = arena_str(a, c->waits); break;
    case CHANGE_RESULT:
        copy_claim(&c->result.by, a);
        c->result.stage = arena_str(a, c->result.stage);
        c->result.reason = arena_str(a, c->result.reason);
        c->result.log = arena_str(a, c->result.log);
        break;
    default: break;
    }
}

static void copy_change(struct op *op, struct str name, const struct change *c)
{
    op->name = arena_str(&op->arena, name);
    op->change = *c;
    op->change.cause = arena_str(&op->arena, c->cause);
    op->change.peer = arena_str(&op->arena, c->peer);
    copy_what(&op->change, &op->arena);
}

struct slot_ref fleet_change(struct fleet *f, struct str uid, struct str name,
                             const struct change *c, struct waiter w)
{
    struct op *op = op_new(f, OP_CHANGE, member_get(f, uid), w);
    copy_change(op, name, c);
    return begin(f, op);
}

void fleet_seen(const struct fleet *f, struct str uid, struct change *c)
{
    const struct member *m = member_find(f, uid);
    c->as_seen = true;
    c->seen_state = m ? m->state.revision : STORE_ABSENT;
    c->seen_node = m ? m->node.revision : STORE_ABSENT;
}

struct slot_ref fleet_define(struct fleet *f, struct str uid, struct str name, uint64_t expected,
                             struct str json, const struct event *why, const struct change *by,
                             struct waiter w)
{
    struct op *op = op_new(f, OP_DEFINE, member_get(f, uid), w);
    copy_change(op, name, by);
    op->expected = expected;
    op->json = arena_str(&op->arena, json);
    op->why = (struct event){why->kind, value_copy(&op->arena, why->data)};
    return begin(f, op);
}

struct slot_ref fleet_events(struct fleet *f, const struct store_query *q, struct waiter w)
{
    struct op *op = op_new(f, OP_READ, NULL, w);
    op->query = *q;
    op->query.node = arena_str(&op->arena, q->node);
    op->query.kind = arena_str(&op->arena, q->kind);
    op->query.who = arena_str(&op->arena, q->who);
    return begin(f, op);
}

struct slot_ref fleet_backup(struct fleet *f, const char *path, struct waiter w)
{
    struct op *op = op_new(f, OP_BACKUP, NULL, w);
    op->path = arena_str(&op->arena, str_from(path)).p;
    return begin(f, op);
}

static struct str copy_text(struct str s, struct arena *a)
{
    return s.n ? arena_str(a, s) : STR("");
}

static const struct store_page *copy_page(const struct store_page *from, struct arena *a)
{
    struct store_page *page = ARENA_NEW(a, struct store_page);
    struct store_entry *entries = ARENA_ARRAY(a, struct store_entry, from->n);
    for (size_t i = 0; i < from->n; i++) {
        entries[i] = from->entries[i];
        entries[i].event.node = copy_text(entries[i].event.node, a);
        entries[i].event.kind = copy_text(entries[i].event.kind, a);
        entries[i].event.bytes = copy_text(entries[i].event.bytes, a);
        entries[i].event.who = copy_text(entries[i].event.who, a);
    }
    *page = *from;
    page->entries = entries;
    return page;
}

static struct cluster_decision *copy_decision(const struct cluster_decision *from, struct arena *a)
{
    struct cluster_decision *d = ARENA_NEW(a, struct cluster_decision);
    *d = *from;
    d->of = copy_text(d->of, a);
    d->detail = copy_text(d->detail, a);
    d->certificate = copy_text(d->certificate, a);
    return d;
}

void fleet_take(struct fleet *f, struct slot_ref ticket, struct arena *a, struct fleet_result *ret)
{
    struct op *op = op_find(f, ticket);
    *ret = (struct fleet_result){.answer = FLEET_UNAVAILABLE, .status = 503, .reason = "gone"};
    if (!op)
        return;
    if (op->phase != OP_DONE) {
        *ret = (struct fleet_result){.answer = FLEET_PENDING};
        return;
    }
    *ret = op->result;
    if (ret->reason)
        ret->reason = arena_str(a, str_from(ret->reason)).p;
    if (ret->page)
        ret->page = copy_page(ret->page, a);
    if (ret->decision)
        ret->decision = copy_decision(ret->decision, a);
    op_free(f, op);
}

void fleet_forget(struct fleet *f, struct slot_ref ticket)
{
    struct op *op = op_find(f, ticket);
    if (!op)
        return;
    op->forgotten = true;
    op->waiter = (struct waiter){0};
    if (op->phase == OP_DONE)
        op_free(f, op);
}

/* --- The newest events ----------------------------------------------------------------------- */

const struct store_entry *fleet_next_event(const struct fleet *f, uint64_t after)
{
    return recent_next(f->recent, after);
}

bool fleet_newest_event(const struct fleet *f, uint64_t *ret)
{
    *ret = recent_newest(f->recent);
    return f->knows_recent;
}

void fleet_rouse(struct fleet *f)
{
    f->beats++;
    if (!f->stopped)
        waiters_wake(&f->watchers);
    clusters_wake(f);
}

uint64_t fleet_beats(const struct fleet *f)
{
    return f->beats;
}

void fleet_stats(const struct fleet *f, struct store_stats *ret)
{
    store_stats(f->store, ret);
}

void fleet_watch(struct fleet *f, struct waiter w)
{
    waiters_add(&f->watchers, w);
}

void fleet_unwatch(struct fleet *f, struct waiter w)
{
    waiters_remove(&f->watchers, w);
}

/* --- The loop's part ------------------------------------------------------------------------- */

void fleet_on_store(struct fleet *f)
{
    struct store_notice *n;
    while ((n = store_take(f->store)))
        op_on_notice(f, n);
}

/* Each member that is due gets one change, which sets its next deadline. */
void fleet_on_alarm(struct fleet *f)
{
    struct member *m;
    struct moment now;
    f->host.now(f->host.cls, &now);
    while ((m = deadline_first(f)) && m->due_boot_ms <= now.boot_ms) {
        const struct change c = {.kind = CHANGE_DEADLINE, .cause = STR("deadline")};
        deadline_set(f, m, now.boot_ms + DEADLINE_RETRY_MS);
        struct op *op = op_new(f, OP_CHANGE, m, (struct waiter){0});
        copy_change(op, (struct str){"", 0}, &c);
        op->forgotten = true;
        op_begin(f, op);
    }
    if (audit_due(f) <= now.boot_ms)
        audit_write(f);
    alarm_set(f);
}

bool fleet_healthy(const struct fleet *f, struct err *ret_why)
{
    return store_health(f->store, ret_why) == STORE_OK;
}
