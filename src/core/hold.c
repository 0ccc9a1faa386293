/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that ask before their turn: held until their cluster changes, without a thread or a poll.
 * One watcher looks for all of them, and wakes only those that have something to do: to wake a
 * thousand so that they queue keeps the loop for longer than to let the first one go. */
#include "core/internal.h"

/* A node has one at most, and so many have one at the same time; the others ask again. */
#define HELD_MAX 2048
/* So many that were let go are on their way to the store at the same time. A thousand of them would
 * keep the loop for a good while, and the cluster's API server waiting. */
#define PASSING_MAX 32

struct hold {
    TAILQ_ENTRY(hold) entry;
    struct core *core;
    const struct cluster_change *ask;
    hold_then *then;
    void *state;
    struct waiter waiter;
    uint64_t began; /* in heartbeats */
    bool is_listed, is_superseded;
    bool is_waiting; /* else it was let go … */
    bool is_passing; /* … and is not in the store yet */
};

static void watch(struct core *c);

static bool is_over(const struct hold *h)
{
    const struct core *c = h->core;
    return c->draining || fleet_beats(c->fleet) - h->began >= c->host.held_beats;
}

static bool must_wait(const struct hold *h, struct arena *a)
{
    struct cluster_decision d;
    fleet_cluster_look(h->core->fleet, h->ask, a, &d);
    return d.verdict == CLUSTER_DO_WAIT;
}

static void let_go(struct hold *h)
{
    h->is_waiting = false;
    h->is_passing = true;
    h->core->passing++;
}

static void leave(struct hold *h)
{
    struct core *c = h->core;
    if (!h->is_listed)
        return;
    if (c->held_next == h)
        c->held_next = TAILQ_NEXT(h, entry);
    TAILQ_REMOVE(&c->held, h, entry);
    c->held_n--;
    h->is_listed = h->is_waiting = false;
}

/* Those from `held_next` on were not looked at since their cluster changed. */
static void let_next_go(struct core *c)
{
    struct hold *h;
    struct arena a;
    if (!c->held_next)
        return;
    arena_init(&a, 1024);
    while ((h = c->held_next) && c->passing < c->passing_max) {
        c->held_next = TAILQ_NEXT(h, entry);
        arena_reset(&a);
        if (!h->is_waiting || must_wait(h, &a))
            continue;
        let_go(h);
        waiter_wake(h->waiter);
    }
    arena_done(&a);
}

/* Also at each heartbeat. */
static void on_clusters(void *cls, struct slot_ref ref)
{
    struct core *c = cls;
    struct hold *h;
    (void)ref;
    c->holds_watch = false;
    if (!c->held_n)
        return;
    watch(c);
    TAILQ_FOREACH(h, &c->held, entry)
    {
        if (h->is_waiting && is_over(h))
            waiter_wake(h->waiter);
    }
    c->held_next = TAILQ_FIRST(&c->held);
    if (c->passing == 0)
        c->passing_max = 1; /* the cluster hears of the first before the others keep the loop */
    let_next_go(c);
}

static struct waiter waiter_of(struct core *c)
{
    return (struct waiter){{on_clusters, c}, {0, 0}};
}

static void watch(struct core *c)
{
    if (!c->holds_watch)
        fleet_watch_clusters(c->fleet, waiter_of(c));
    c->holds_watch = true;
}

void holds_end(struct core *c)
{
    fleet_unwatch_clusters(c->fleet, waiter_of(c));
}

void hold_passed(struct hold *h)
{
    if (!h || !h->is_passing)
        return;
    h->is_passing = false;
    h->core->passing--;
    h->core->passing_max = PASSING_MAX;
    let_next_go(h->core);
}

static void on_end(struct exchange *x, void *state)
{
    struct hold *h = state;
    (void)x;
    leave(h);
    hold_passed(h);
}

static void supersede(struct core *c, struct str uid)
{
    struct hold *h;
    TAILQ_FOREACH(h, &c->held, entry)
    {
        if (!str_eq(h->ask->by.uid, uid))
            continue;
        leave(h);
        h->is_superseded = true;
        waiter_wake(h->waiter);
        return;
    }
}

static enum exchange_verdict on_woken(struct exchange *x, void *state)
{
    struct hold *h = state;
    if (h->is_superseded)
        return h->then(x, h->state, HOLD_SUPERSEDED);
    if (h->is_passing)
        return h->then(x, h->state, HOLD_CHANGED);
    if (!is_over(h))
        return exchange_hold(x, on_woken, h);
    leave(h);
    return h->then(x, h->state, HOLD_OVER);
}

uint32_t hold_count(const struct core *c, struct str cluster)
{
    const struct hold *h;
    uint32_t n = 0;
    TAILQ_FOREACH(h, &c->held, entry)
    n += str_eq(h->ask->cluster, cluster);
    return n;
}

struct hold *hold_new(struct exchange *x, struct core *c, const struct cluster_change *ask,
                      hold_then *then, void *state)
{
    struct hold *h = ARENA_NEW(&x->arena, struct hold);
    *h = (struct hold){.core = c, .ask = ask, .then = then, .state = state, .waiter = x->waiter};
    h->began = fleet_beats(c->fleet);
    exchange_at_end(x, on_end, h);
    return h;
}

/* Behind those that wait, and not looked at since. */
static void enlist(struct hold *h)
{
    struct core *c = h->core;
    leave(h);
    TAILQ_INSERT_TAIL(&c->held, h, entry);
    c->held_n++;
    h->is_listed = h->is_waiting = true;
    if (!c->held_next)
        c->held_next = h;
    watch(c);
}

enum exchange_verdict hold_wait(struct exchange *x, struct hold *h)
{
    struct core *c = h->core;
    hold_passed(h);
    if (h->is_superseded)
        return h->then(x, h->state, HOLD_SUPERSEDED);
    if (!h->is_listed) {
        supersede(c, h->ask->by.uid);
        if (c->held_n >= HELD_MAX)
            return h->then(x, h->state, HOLD_OVER);
    }
    if (is_over(h)) {
        leave(h);
        return h->then(x, h->state, HOLD_OVER);
    }
    enlist(h);
    let_next_go(c); /* its cluster may have changed since it was told to wait */
    return on_woken(x, h);
}
