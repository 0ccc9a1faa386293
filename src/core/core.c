/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/answer.h"
#include "core/auditing.h"
#include "core/identify.h"
#include "core/internal.h"
#include "core/sheets.h"
#include "core/turns.h"

#include <stdlib.h>

/* Installers fetch a whole system, and most report nothing while they unpack it. */
#define INSTALL_MINUTES 60
#define BOOT_MINUTES 15

static uint64_t boot_ms(const struct role *r)
{
    uint32_t minutes = role_installs(r) ? INSTALL_MINUTES : BOOT_MINUTES;
    return (uint64_t)(r->boot_minutes ? r->boot_minutes : minutes) * 60 * 1000;
}

struct change request_change(struct exchange *x, const struct node *n, enum change_kind kind)
{
    char text[ADDRESS_TEXT_SIZE];
    struct str peer = str_from(address_text(x->in.peer, text));
    return (struct change){
        .kind = kind,
        .cause = STR("node"),
        .peer = arena_str(&x->arena, peer),
        .is_master = n->role->bootstrap == BOOTSTRAP_MASTER,
        .bootstraps = n->role->bootstrap != BOOTSTRAP_NONE,
        .installs = role_installs(n->role),
        .boot_ms = boot_ms(n->role),
    };
}

int64_t core_wall_ms(const struct core *c)
{
    return c->host.wall_ms ? c->host.wall_ms() : clock_wall_ms();
}

/* --- Waiting --------------------------------------------------------------------------------- */

struct fleet_wait {
    struct fleet *fleet;
    struct slot_ref ticket;
    fleet_then *then;
    void *state;
};

/* The exchange ended first. What it asked for happens all the same. */
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

/* --- Health and refusals --------------------------------------------------------------------- */

enum exchange_verdict health_alive(struct exchange *x, struct request_ctx *rq)
{
    (void)rq;
    answer_line(x, 200, "alive");
    return EXCHANGE_DONE;
}

const char *core_unready(const struct core *c, struct arena *a)
{
    struct fleet_loss loss;
    struct err why;
    if (c->draining)
        return "shutting down";
    if (!fleet_healthy(c->fleet, &why))
        return arena_str(a, str_from(why.msg)).p;
    if (!fleet_lost(c->fleet, &loss))
        return NULL;
    return arena_printf(a,
                        "the state is older than it was: it was found at revision %llu, after "
                        "%llu; restore a backup, or: cloudseed server acknowledge",
                        (unsigned long long)loss.found, (unsigned long long)loss.noted)
        .p;
}

enum exchange_verdict health_ready(struct exchange *x, struct request_ctx *rq)
{
    const char *reason = core_unready(rq->core, &x->arena);
    answer_line(x, reason ? 503 : 200, reason ? reason : "ready");
    x->out.retry_after_s = reason != NULL;
    return EXCHANGE_DONE;
}

static bool is_api(const struct exchange *x)
{
    return route_is_api(x->in.listener, x->in.path);
}

static void on_refuse(void *cls, struct exchange *x, int status, const char *reason)
{
    (void)cls;
    if (is_api(x))
        answer_problem(x, status, reason);
    else if (x->in.listener == LISTENER_NODE && bootstrap_is_path(x->in.path))
        bootstrap_refuse(x, status, reason);
    else
        answer_refuse(x, status, reason);
}

static void refuse_method(struct core *c, struct exchange *x, unsigned methods)
{
    const char *names = route_method_names(methods, &x->arena);
    const char *reason = "only GET and HEAD are answered here";
    if (is_api(x))
        reason = arena_printf(&x->arena, "here %s can be asked for", names).p;
    else if (methods != METHODS_READ)
        reason = arena_printf(&x->arena, "only %s is answered here", names).p;
    on_refuse(c, x, 405, reason);
    x->out.allow = names;
}

/* False after a refusal. */
static bool identify_node(struct exchange *x, struct request_ctx *rq)
{
    enum identity wanted = rq->route->identity;
    if (rq->path.file != SEED_FILE_COUNT)
        x->out.file = str_from(seed_file_names[rq->path.file]);
    else
        x->out.file = rq->path.document;
    if (wanted == IDENTITY_EVIDENCE)
        x->out.evidence = rq->path.value;
    struct identified who =
        identify(x->snapshot, rq->core->fleet, wanted, &rq->path, x->in.query, &x->arena);
    if (who.node) {
        x->out.node = who.node->name;
        rq->node = who.node;
        rq->view = who.view;
        if (wanted == IDENTITY_EVIDENCE)
            refused_forget(rq->core->refused, who.node->uid);
        return true;
    }
    rq->suspect = who.suspect;
    on_refuse(rq->core, x, who.status, who.reason);
    if (who.suspect && who.mismatch.n)
        boot_tell_mismatch(x, rq, who.suspect, who.mismatch);
    else if (who.suspect)
        refused_note(rq->core->refused, who.suspect->uid, who.is_locked ? "locked" : "not armed",
                     clock_wall_ms());
    if (who.suspect && !who.mismatch.n)
        boot_tell_fleet(x, rq, who.suspect, rq->path.evidence, STR(""));
    return false;
}

/* --- The port -------------------------------------------------------------------------------- */

static bool wants_node(const struct route *r)
{
    return r->identity != IDENTITY_NONE && r->identity != IDENTITY_ADMIN &&
           r->identity != IDENTITY_SESSION;
}

/* No body is read of a peer that knows no key. */
static bool wants_body_of_node(const struct route *r)
{
    return r->body_max_bytes && wants_node(r);
}

/* The first step, once the request is whole. */
static enum exchange_verdict answer(struct exchange *x, void *state)
{
    struct request_ctx *rq = state;
    x->out.event = rq->route->event;
    if (wants_node(rq->route) && !identify_node(x, rq))
        return EXCHANGE_DONE;
    return rq->route->answer(x, rq);
}

/* A page of another site that has its name point to 127.0.0.1 would be the same origin as ours to
 * the browser. */
static bool is_loopback(struct str host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; host.p && i < sizeof(names) / sizeof(names[0]); i++) {
        struct str name = str_from(names[i]);
        if (str_eq_nocase(str_head(host, name.n), name) &&
            (host.n == name.n || host.p[name.n] == ':'))
            return true;
    }
    return false;
}

/* False after a refusal. Where admins are answered from elsewhere, a node's key by itself opens
 * nothing. */
static bool admit(const struct core *c, struct exchange *x, const struct route *r)
{
    if (r->identity == IDENTITY_SESSION)
        return guard_admit_session(c->guard, x);
    if (r->identity == IDENTITY_ADMIN ||
        (x->in.listener == LISTENER_ADMIN && r->identity != IDENTITY_NONE))
        return guard_admit(c->guard, x, r->access);
    return true;
}

static void on_begin(void *cls, struct exchange *x)
{
    struct core *c = cls;
    struct request_ctx *rq = ARENA_NEW(&x->arena, struct request_ctx);
    x->in.path = route_usual_path(x->in.path, &x->arena);
    struct route_match found = route_find(x->in.listener, x->in.method, x->in.path, &x->arena);
    *rq = (struct request_ctx){.core = c, .route = found.route, .path = found.path};
    c->exchanges++;
    x->core = rq;
    x->snapshot = snapshot_ref(c->snapshot);
    auditing_begin(x, rq);
    if (x->in.listener == LISTENER_PAGE && !is_loopback(x->in.host)) {
        on_refuse(c, x, 403, "the page is at 127.0.0.1 or localhost, not under another name");
    } else if (!found.route && found.methods) {
        refuse_method(c, x, found.methods);
    } else if (!found.route) {
        on_refuse(c, x, 404, found.reason);
    } else if (admit(c, x, found.route)) {
        if (wants_body_of_node(found.route) && !identify_node(x, rq))
            return;
        x->body_max_bytes = found.route->body_max_bytes;
        x->is_secret |= found.route->identity == IDENTITY_JOIN_KEY;
        x->next = answer;
        x->state = rq;
    }
}

static void on_end(void *cls, struct exchange *x)
{
    struct core *c = cls;
    const struct request_ctx *rq = x->core;
    metrics_note(c->metrics, x, rq->route);
    c->exchanges--;
    auditing_note(x, x->core);
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
    c->refused = refused_new();
    c->guard = guard_new(c);
    c->page = page_new();
    c->census = census_new(fleet, first);
    c->metrics = metrics_new();
    c->sheets = sheets_new();
    c->sealer = sealer;
    c->host = *host;
    c->started_wall_ms = c->loaded_wall_ms = clock_wall_ms();
    faults_init(&c->reload_faults);
    TAILQ_INIT(&c->held);
    c->passing_max = 1;
    c->mintings = mintings_new(fleet, sealer, host->mint);
    c->watchings = watchings_new(c);
    c->renewings = renewings_new(c);
    c->checkups = checkups_new(c);
    c->tracing = tracing_new(c);
    turns_start(c);
    ca_forget(c);
    return c;
}

void core_free(struct core *c)
{
    if (!c)
        return;
    core_end_clusters(c);
    holds_end(c);
    turns_stop(c);
    definitions_stop(c);
    census_free(c->census);
    snapshot_unref(c->snapshot);
    discovered_free(c->discovered);
    refused_free(c->refused);
    guard_free(c->guard);
    page_free(c->page);
    metrics_free(c->metrics);
    sheets_free(c->sheets);
    faults_done(&c->reload_faults);
    arena_done(&c->tls_arena);
    waiters_done(&c->waiters);
    free(c);
}

const struct exchange_port *core_port(const struct core *c)
{
    return &c->port;
}

void core_replace(struct core *c, struct snapshot *next)
{
    census_replace(c->census, next);
    snapshot_unref(c->snapshot);
    c->snapshot = next;
    core_wake_waiters(c);
    watchings_look(c->watchings);
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

void request_look_again(struct exchange *x, struct core *c)
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

void core_on_beat(struct core *c)
{
    fleet_rouse(c->fleet);
    guard_look(c->guard);
}

void core_set_draining(struct core *c)
{
    c->draining = true;
    mintings_drain(c->mintings);
    fleet_rouse(c->fleet); /* those that are held are let go */
}

void core_end_clusters(struct core *c)
{
    mintings_free(c->mintings);
    watchings_free(c->watchings);
    renewings_free(c->renewings);
    checkups_free(c->checkups);
    tracing_free(c->tracing);
    c->tracing = NULL;
    c->checkups = NULL;
    c->renewings = NULL;
    c->mintings = NULL;
    c->watchings = NULL;
}
