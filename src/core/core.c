/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/answer.h"
#include "core/internal.h"
#include "core/node_reports.h"
#include "core/problem.h"

#include <stdlib.h>

struct change call_change(struct exchange *x, const struct node *n, enum change_kind kind)
{
    char text[ADDRESS_TEXT_SIZE];
    struct str peer = str_from(address_text(x->in.peer, text));
    return (struct change){
        .kind = kind,
        .cause = STR("node"),
        .peer = arena_str(&x->arena, peer),
        .is_master = n->role->bootstrap == BOOTSTRAP_MASTER,
        .bootstraps = n->role->bootstrap != BOOTSTRAP_NONE,
        .lock_on_alarm = tree_site(snapshot_tree(x->snapshot))->alarms == ALARMS_LOCK,
    };
}

/* --- Waiting ---------------------------------------------------------------------------------- */

struct fleet_wait {
    struct fleet *fleet;
    struct slot_ref ticket;
    fleet_then *then;
    void *state;
};

/* The peer has left. What it asked for happens all the same. */
static void forget(struct exchange *x, void *state)
{
    const struct fleet_wait *w = state;
    (void)x;
    fleet_forget(w->fleet, w->ticket);
}

static enum exchange_verdict on_fleet(struct exchange *x, void *state)
{
    struct fleet_wait *w = state;
    struct fleet_result result;
    fleet_take(w->fleet, w->ticket, &x->arena, &result);
    if (result.answer == FLEET_PENDING)
        return exchange_wait(x, on_fleet, w);
    return w->then(x, w->state, &result);
}

enum exchange_verdict await_fleet(struct exchange *x, struct fleet *f, struct slot_ref ticket,
                                  fleet_then *then, void *state)
{
    struct fleet_wait *w = ARENA_NEW(&x->arena, struct fleet_wait);
    *w = (struct fleet_wait){f, ticket, then, state};
    exchange_at_end(x, forget, w);
    return on_fleet(x, w);
}

enum exchange_verdict core_await(struct core *c, struct exchange *x, exchange_next *next,
                                 void *state)
{
    waiters_add(&c->waiters, x->waiter);
    return exchange_wait(x, next, state);
}

void core_leave(struct core *c, struct exchange *x)
{
    waiters_remove(&c->waiters, x->waiter);
}

void core_wake_waiters(struct core *c)
{
    waiters_wake(&c->waiters);
}

/* --- The port --------------------------------------------------------------------------------- */

static void answer_readyz(const struct core *c, struct exchange *x)
{
    struct err why;
    if (c->draining)
        answer_line(x, 503, "shutting down");
    else if (!fleet_healthy(c->fleet, &why))
        answer_line(x, 503, arena_str(&x->arena, str_from(why.msg)).p);
    else
        answer_line(x, 200, "ready");
    x->out.retry_after_s = x->out.status == 503;
}

/* What a route is asked for with: the methods' names for Allow, and how much of a body it takes. */
struct takes {
    bool post;
    size_t body_max_bytes;
};

static struct takes takes(enum route_kind kind)
{
    switch (kind) {
    case ROUTE_REPORT: return (struct takes){true, REPORT_MAX_BYTES};
    case ROUTE_PHONE_HOME: return (struct takes){true, PHONE_HOME_MAX_BYTES};
    default: return (struct takes){false, 0};
    }
}

static void refuse_method(struct exchange *x, bool post)
{
    answer_refuse(x, 405,
                  post ? "only POST is answered here" : "only GET and HEAD are answered here");
    x->out.allow = post ? "POST" : "GET, HEAD";
}

static enum exchange_verdict on_step(struct exchange *x, void *state);

static void on_begin(void *cls, struct exchange *x)
{
    struct core *c = cls;
    struct call *call = ARENA_NEW(&x->arena, struct call);
    x->snapshot = snapshot_ref(c->snapshot);
    x->core = x->state = call;
    x->next = on_step;
    call->core = c;
    if (x->in.listener == LISTENER_ADMIN && str_starts(x->in.path, STR("/v1/"))) {
        admin_begin(x, call);
        return;
    }
    call->route = x->in.listener == LISTENER_TFTP ? route_parse_tftp(x->in.path)
                                                  : route_parse(x->in.path, &x->arena);
    struct takes t = takes(call->route.kind);
    bool reads = x->in.method == METHOD_GET || x->in.method == METHOD_HEAD;
    if (call->route.kind == ROUTE_NONE)
        answer_refuse(x, reads || x->in.method == METHOD_POST ? 404 : 405, call->route.reason);
    else if (t.post ? x->in.method != METHOD_POST : !reads)
        refuse_method(x, t.post);
    else
        x->body_max_bytes = t.body_max_bytes;
}

static enum exchange_verdict on_step(struct exchange *x, void *state)
{
    struct call *call = state;
    if (call->admin.kind != ADMIN_NONE)
        return admin_step(x, call);
    switch (call->route.kind) {
    case ROUTE_SEED:
    case ROUTE_EVIDENCE: boot_answer(x, call); break;
    case ROUTE_SCRIPT: script_answer(x, call); break;
    case ROUTE_REPORT:
    case ROUTE_PHONE_HOME: return node_reports_step(x, call);
    case ROUTE_ASSET:
        return asset_answer(x, call->core->host.assets, call->route.value, call->core->host.work);
    case ROUTE_HEALTHZ: answer_line(x, 200, "alive"); break;
    case ROUTE_READYZ: answer_readyz(call->core, x); break;
    case ROUTE_NONE: break; /* answered already */
    }
    return EXCHANGE_DONE;
}

static void on_refuse(void *cls, struct exchange *x, int status, const char *reason)
{
    (void)cls;
    if (x->in.listener == LISTENER_ADMIN && str_starts(x->in.path, STR("/v1/")))
        answer_problem(x, status, reason);
    else
        answer_refuse(x, status, reason);
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    snapshot_unref(x->snapshot);
    x->snapshot = NULL;
}

struct core *core_new(struct snapshot *first, struct fleet *fleet, const struct sealer *sealer,
                      const struct core_host *host)
{
    struct core *c = MEM_NEW(struct core);
    c->port =
        (struct exchange_port){.begin = on_begin, .end = on_end, .refuse = on_refuse, .cls = c};
    c->snapshot = first;
    c->fleet = fleet;
    c->discovered = discovered_new();
    c->sealer = sealer;
    c->host = *host;
    c->started_wall_ms = c->loaded_wall_ms = clock_wall_ms();
    faults_init(&c->reload_faults);
    return c;
}

void core_free(struct core *c)
{
    if (!c)
        return;
    core_stop_defining(c);
    snapshot_unref(c->snapshot);
    discovered_free(c->discovered);
    faults_done(&c->reload_faults);
    waiters_done(&c->waiters);
    free(c);
}

const struct exchange_port *core_port(const struct core *c)
{
    return &c->port;
}

void core_replace(struct core *c, struct snapshot *next)
{
    snapshot_unref(c->snapshot);
    c->snapshot = next;
    core_wake_waiters(c);
}

void core_reloaded(struct core *c, uint64_t number, uint64_t took_ms, bool ok,
                   const struct faults *faults)
{
    c->reloads = number;
    c->reload_ms = took_ms;
    c->reload_ok = ok;
    faults_done(&c->reload_faults);
    faults_init(&c->reload_faults);
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *f = &faults->list[i];
        if (!f->warning)
            fault_add(&c->reload_faults, f->at, "%s", f->msg);
    }
    if (ok)
        c->loaded_wall_ms = clock_wall_ms();
    core_wake_waiters(c);
}

void call_look_again(struct exchange *x, struct core *c)
{
    snapshot_unref(x->snapshot);
    x->snapshot = snapshot_ref(c->snapshot);
}

const struct snapshot *core_snapshot(const struct core *c)
{
    return c->snapshot;
}

struct snapshot *core_pin(struct core *c)
{
    return snapshot_ref(c->snapshot);
}

void core_set_draining(struct core *c)
{
    c->draining = true;
}
