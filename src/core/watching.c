/* SPDX-License-Identifier: Apache-2.0 */
#include "core/watching.h"

#include "base/mem.h"
#include "core/approving.h"
#include "core/internal.h"
#include "crypto/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX_BYTES 256

struct watching {
    TAILQ_ENTRY(watching) entry;
    struct slot_ref slot;
    struct arena arena; /* of what follows */
    struct str name, endpoint, ca;
    uint32_t epoch;
    struct str minter, approver; /* their tokens, sealed; empty: none */
    struct nodewatch *nodes;     /* NULL: for the reason in `err` */
    struct approver *approves;   /* NULL: it does not, or for the reason in `approver_err` */
    struct approving_quota quota;
    struct err err, approver_err;
    bool is_wanted, was_in_step;
    struct waiters waiters; /* exchanges */
};

/* A change that the fleet writes. */
struct telling {
    struct slot_ref slot, ticket, watching;
    bool is_asked;
};

struct watchings {
    struct core *core;
    const struct nodewatch_port *port;
    const struct approver_port *approver_port;
    struct slots slots, tellings;
    TAILQ_HEAD(, watching) list;
    bool must_scan; /* something could not be written */
};

/* Requests that wait for what has happened meanwhile; and news that could not be written. */
static void judge_again(struct watchings *all, struct watching *w)
{
    if (!w->approves)
        return;
    approver_look(w->approves);
    approving_take(all->core, w->name, w->epoch, w->approves, &w->quota);
}

/* --- What the fleet is told ------------------------------------------------------------------ */

static void take(struct watchings *all, struct telling *r)
{
    struct fleet_result result;
    struct arena a;
    arena_init(&a, 1024);
    fleet_take(all->core->fleet, r->ticket, &a, &result);
    arena_done(&a);
    if (result.answer == FLEET_PENDING)
        return;
    struct watching *w = slots_find(&all->slots, r->watching);
    all->must_scan |= result.answer != FLEET_DONE;
    slots_remove(&all->tellings, r->slot);
    free(r);
    if (w)
        judge_again(all, w); /* a node that is ready now may have asked before */
}

/* It may come from within the call that asks. */
static void on_written(void *cls, struct slot_ref ref)
{
    struct watchings *all = cls;
    struct telling *r = slots_find(&all->tellings, ref);
    if (r && r->is_asked)
        take(all, r);
}

static void tell(struct watchings *all, const struct watching *w, const struct node *n, bool ready,
                 struct str why)
{
    struct telling *r = MEM_NEW(struct telling);
    struct change c = {
        .kind = ready ? CHANGE_NODE_READY : CHANGE_NODE_AWAY,
        .cause = STR("cluster"),
        .peer = STR(""),
        .is_master = n->role->bootstrap == BOOTSTRAP_MASTER,
        .bootstraps = true,
    };
    if (!ready)
        c.away = why.n ? str_head(why, REASON_MAX_BYTES) : STR("the cluster has no such node");
    r->watching = w->slot;
    r->slot = slots_put(&all->tellings, r);
    r->ticket = fleet_change(all->core->fleet, n->uid, n->name, &c,
                             (struct waiter){{on_written, all}, r->slot});
    r->is_asked = true;
    take(all, r);
}

static bool is_member(const struct watching *w, const struct node *n)
{
    return n && n->cluster && n->role->bootstrap != BOOTSTRAP_NONE &&
           str_eq(n->cluster->name, w->name);
}

/* NULL: the cluster does not have it. */
static void compare(struct watchings *all, const struct watching *w, const struct node *n,
                    const struct nodewatch_node *seen)
{
    struct fleet_view view = fleet_look(all->core->fleet, n->uid);
    bool ready = seen && seen->ready;
    bool counts =
        view.state == STATE_JOINING || view.state == STATE_FAILED || view.state == STATE_READY;
    if (counts && ready != view.seen)
        tell(all, w, n, ready, seen ? seen->reason : STR(""));
}

static void look_up(struct watchings *all, const struct watching *w, const struct node *n)
{
    struct nodewatch_node seen;
    if (is_member(w, n) && w->nodes && w->nodes->in_step)
        compare(all, w, n, nodewatch_find(w->nodes, n->name, &seen) ? &seen : NULL);
}

static void scan_tree(struct watchings *all, const struct watching *w, const struct tree *t)
{
    for (uint32_t i = 0; t && i < tree_node_count(t); i++)
        look_up(all, w, tree_node(t, i));
}

static void scan(struct watchings *all, const struct watching *w)
{
    scan_tree(all, w, snapshot_tree(all->core->snapshot));
    scan_tree(all, w, snapshot_registered(all->core->snapshot));
}

static void on_news(void *cls, struct slot_ref ref)
{
    struct watchings *all = cls;
    struct watching *w = slots_find(&all->slots, ref);
    struct nodewatch_node seen;
    if (!w)
        return;
    while (nodewatch_next(w->nodes, &seen)) {
        const struct node *n = snapshot_find_name(all->core->snapshot, seen.name);
        if (is_member(w, n))
            compare(all, w, n, seen.present ? &seen : NULL);
    }
    judge_again(all, w); /* another address may have been asked for before it was seen */
    if (w->nodes->in_step && !w->was_in_step) {
        w->was_in_step = true;
        scan(all, w); /* what went while nobody looked */
    }
    waiters_wake(&w->waiters);
}

/* --- Which are followed ---------------------------------------------------------------------- */

static struct watching *find(const struct watchings *all, struct str cluster)
{
    struct watching *w;
    TAILQ_FOREACH(w, &all->list, entry)
    {
        if (str_eq(w->name, cluster))
            break;
    }
    return w;
}

/* Exchanges that wait for it look again, and find none or another one. */
static void drop(struct watchings *all, struct watching *w)
{
    struct waiters waiters = w->waiters;
    nodewatch_end(w->nodes);
    approver_end(w->approves);
    TAILQ_REMOVE(&all->list, w, entry);
    slots_remove(&all->slots, w->slot);
    arena_done(&w->arena);
    free(w);
    waiters_wake(&waiters);
    waiters_done(&waiters);
}

/* Empty, for the reason in `e`, where the account's token cannot be read. */
static struct str unseal(const struct watchings *all, const struct watching *w, const char *account,
                         struct str sealed, struct arena *a, struct err *e)
{
    struct str purpose = keys_cluster_purpose(w->name, str_from(account), a), bearer;
    if (sealer_unseal(all->core->sealer, purpose, sealed, a, &bearer))
        return bearer;
    err_set(e, -EINVAL, "the %s's token of the cluster %.*s cannot be read with this server's key",
            account, STR_ARG(w->name));
    return STR("");
}

static void follow_nodes(struct watchings *all, struct watching *w, struct arena *a)
{
    const struct nodewatch_target t = {
        .endpoint = w->endpoint,
        .ca = w->ca,
        .bearer = unseal(all, w, "minter", w->minter, a, &w->err),
        .waiter = {{on_news, all}, w->slot},
    };
    if (t.bearer.n && w->nodes)
        nodewatch_set_bearer(w->nodes, t.bearer);
    else if (t.bearer.n)
        nodewatch_begin(all->port, &t, &w->nodes, &w->err);
}

static void on_approver(void *cls, struct slot_ref ref)
{
    struct watchings *all = cls;
    struct watching *w = slots_find(&all->slots, ref);
    if (w)
        approving_take(all->core, w->name, w->epoch, w->approves, &w->quota);
}

static bool look_up_for_approver(void *cls, struct slot_ref ref, struct str name, struct arena *a,
                                 struct approver_node *ret)
{
    struct watchings *all = cls;
    const struct watching *w = slots_find(&all->slots, ref);
    return w && approving_look_up(all->core, w->name, name, a, ret);
}

static void approve(struct watchings *all, struct watching *w, struct arena *a)
{
    const struct approver_target t = {
        .endpoint = w->endpoint,
        .ca = w->ca,
        .bearer = unseal(all, w, "approver", w->approver, a, &w->approver_err),
        .waiter = {{on_approver, all}, w->slot},
        .look_up = look_up_for_approver,
        .cls = all,
    };
    if (t.bearer.n && w->approves)
        approver_set_bearer(w->approves, t.bearer);
    else if (t.bearer.n)
        approver_begin(all->approver_port, &t, &w->approves, &w->approver_err);
}

static void end_approver(struct watching *w)
{
    approver_end(w->approves);
    w->approves = NULL;
    w->approver_err = (struct err){0};
}

/* With the tokens that the accounts have now. */
static void use_tokens(struct watchings *all, struct watching *w, const struct cluster_record *r)
{
    struct arena a;
    bool other_minter = !str_eq(w->minter, r->minter.sealed);
    bool other_approver = !str_eq(w->approver, r->approver.sealed) && all->approver_port;
    arena_init(&a, 4096);
    a.secret = true;
    if (other_minter) {
        w->minter = arena_str(&w->arena, r->minter.sealed);
        follow_nodes(all, w, &a);
    }
    if (other_approver) {
        w->approver = arena_str(&w->arena, r->approver.sealed);
        if (w->approver.n)
            approve(all, w, &a);
        else
            end_approver(w);
    }
    arena_done(&a);
}

static struct watching *follow(struct watchings *all, struct str name,
                               const struct cluster_record *r)
{
    struct watching *w = MEM_NEW(struct watching);
    arena_init(&w->arena, 4096);
    w->slot = slots_put(&all->slots, w);
    w->name = arena_str(&w->arena, name);
    w->endpoint = arena_str(&w->arena, r->endpoint);
    w->ca = arena_str(&w->arena, r->ca);
    w->minter = w->approver = STR("");
    w->epoch = r->epoch;
    TAILQ_INSERT_TAIL(&all->list, w, entry);
    return w;
}

static void keep(struct watchings *all, struct str name, const struct cluster_record *r)
{
    struct watching *w = find(all, name);
    bool is_same =
        w && w->epoch == r->epoch && str_eq(w->endpoint, r->endpoint) && str_eq(w->ca, r->ca);
    if (w && !is_same)
        drop(all, w);
    if (!is_same)
        w = follow(all, name, r);
    w->is_wanted = true;
    use_tokens(all, w, r);
}

static void look_at_clusters(struct watchings *all)
{
    const struct core *c = all->core;
    struct watching *w, *next;
    struct cluster_record r;
    struct arena a;
    struct str name;
    TAILQ_FOREACH(w, &all->list, entry)
    w->is_wanted = false;
    arena_init(&a, 4096);
    for (uint32_t at = 0; fleet_cluster_at(c->fleet, &at, &name); arena_reset(&a)) {
        fleet_cluster(c->fleet, name, &a, &r);
        if (r.phase == CLUSTER_STANDING && r.minter.sealed.n &&
            tree_find_cluster(snapshot_tree(c->snapshot), name))
            keep(all, name, &r);
    }
    arena_done(&a);
    for (w = TAILQ_FIRST(&all->list); w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (!w->is_wanted)
            drop(all, w);
    }
}

/* Also at each heartbeat. */
static void on_clusters(void *cls, struct slot_ref ref)
{
    struct watchings *all = cls;
    struct watching *w;
    fleet_watch_clusters(all->core->fleet, (struct waiter){{on_clusters, all}, ref});
    look_at_clusters(all);
    TAILQ_FOREACH(w, &all->list, entry)
    {
        if (all->must_scan)
            scan(all, w);
        judge_again(all, w);
    }
    all->must_scan = false;
}

void watchings_look(struct watchings *all)
{
    struct watching *w;
    if (!all || !all->port)
        return;
    look_at_clusters(all);
    TAILQ_FOREACH(w, &all->list, entry)
    {
        scan(all, w);
        judge_again(all, w);
    }
}

void watchings_look_at(struct watchings *all, const struct node *n)
{
    struct watching *w = n->cluster ? find(all, n->cluster->name) : NULL;
    if (!w)
        return;
    look_up(all, w, n);
    judge_again(all, w);
}

struct watchings *watchings_new(struct core *c)
{
    struct watchings *all = MEM_NEW(struct watchings);
    all->core = c;
    all->port = c->host.nodes;
    all->approver_port = c->host.approver;
    TAILQ_INIT(&all->list);
    if (all->port)
        on_clusters(all, (struct slot_ref){0, 0});
    return all;
}

void watchings_free(struct watchings *all)
{
    struct watching *w;
    if (!all)
        return;
    if (all->port)
        fleet_unwatch_clusters(all->core->fleet, (struct waiter){{on_clusters, all}, {0, 0}});
    while ((w = TAILQ_FIRST(&all->list)))
        drop(all, w);
    for (uint32_t i = 0; i < all->tellings.n; i++) {
        struct telling *r = slots_at(&all->tellings, i);
        if (r)
            fleet_forget(all->core->fleet, r->ticket);
        free(r);
    }
    slots_done(&all->tellings);
    slots_done(&all->slots);
    free(all);
}

/* --- What others see ------------------------------------------------------------------------- */

bool watchings_find(const struct watchings *all, const struct node *n, struct nodewatch_node *ret)
{
    const struct watching *w = n->cluster ? find(all, n->cluster->name) : NULL;
    return w && w->nodes && nodewatch_find(w->nodes, n->name, ret);
}

const char *watchings_trouble(const struct watchings *all, struct str cluster)
{
    const struct watching *w = find(all, cluster);
    if (!w)
        return NULL;
    const struct err *e = w->nodes ? &w->nodes->err : &w->err;
    return e->msg[0] ? e->msg : NULL;
}

const struct approver *watchings_approver(const struct watchings *all, struct str cluster,
                                          const char **ret_trouble)
{
    const struct watching *w = find(all, cluster);
    const struct err *e = w && w->approves ? &w->approves->err : w ? &w->approver_err : NULL;
    *ret_trouble = e && e->msg[0] ? e->msg : NULL;
    return w ? w->approves : NULL;
}

/* --- A request ------------------------------------------------------------------------------- */

struct clearing {
    struct watchings *all;
    const struct node *node;
    uint64_t began; /* in heartbeats */
    unsigned beats;
    watching_then *then;
    void *state;
};

static void leave(struct exchange *x, void *state)
{
    struct clearing *c = state;
    struct watching *w = find(c->all, c->node->cluster->name);
    fleet_unwatch_clusters(c->all->core->fleet, x->waiter);
    if (w)
        waiters_remove(&w->waiters, x->waiter);
}

static enum watching_end state_of(const struct watching *w, const struct node *n)
{
    struct nodewatch_node seen;
    if (!w || !w->nodes || !w->nodes->in_step)
        return WATCHING_UNKNOWN;
    return nodewatch_find(w->nodes, n->name, &seen) && seen.ready ? WATCHING_READY : WATCHING_CLEAR;
}

static enum exchange_verdict look(struct exchange *x, void *state)
{
    struct clearing *c = state;
    struct core *core = c->all->core;
    struct watching *w = find(c->all, c->node->cluster->name);
    enum watching_end end = state_of(w, c->node);
    leave(x, c);
    bool is_over = core->draining || fleet_beats(core->fleet) - c->began >= c->beats;
    if (end == WATCHING_CLEAR || is_over) {
        const char *why = watchings_trouble(c->all, c->node->cluster->name);
        why = why ? why : "the API server has not listed its nodes yet";
        return c->then(x, c->state, end, arena_str(&x->arena, str_from(why)));
    }
    if (w)
        waiters_add(&w->waiters, x->waiter);
    fleet_watch_clusters(core->fleet, x->waiter); /* heartbeats */
    return exchange_hold(x, look, c);
}

enum exchange_verdict watching_await_clear(struct exchange *x, struct watchings *all,
                                           const struct node *n, unsigned beats,
                                           watching_then *then, void *state)
{
    struct clearing *c = ARENA_NEW(&x->arena, struct clearing);
    if (!all->port)
        return then(x, state, WATCHING_CLEAR, STR(""));
    *c = (struct clearing){all, n, fleet_beats(all->core->fleet), beats, then, state};
    exchange_at_end(x, leave, c);
    return look(x, c);
}
