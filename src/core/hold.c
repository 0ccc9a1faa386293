/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that ask before their turn: held until their cluster changes, without a thread or a poll.
 */
#include "core/internal.h"

/* A node has one at most, and so many have one at the same time; the others ask again. */
#define HELD_MAX 2048
/* So many that were let go are on their way to the store at the same time. A thousand of them would
 * keep the loop for a good while, and the cluster's API server waiting. */
#define PASSING_MAX 32

struct hold {
    TAILQ_ENTRY(hold) entry, ready;
    struct core *core;
    const struct cluster_change *ask;
    hold_then *then;
    void *state;
    struct waiter waiter;
    uint64_t began; /* in heartbeats */
    bool is_listed, is_superseded;
    bool is_ready, is_passing; /* it waits for others to pass; it passes */
};

static void leave(struct hold *h)
{
    if (h->is_ready)
        TAILQ_REMOVE(&h->core->ready, h, ready);
    h->is_ready = false;
    if (!h->is_listed)
        return;
    TAILQ_REMOVE(&h->core->held, h, entry);
    h->core->held_n--;
    h->is_listed = false;
}

static void wake_next(struct core *c)
{
    struct hold *next = TAILQ_FIRST(&c->ready);
    if (!next || c->passing >= PASSING_MAX)
        return;
    TAILQ_REMOVE(&c->ready, next, ready);
    next->is_ready = false;
    waiter_wake(next->waiter);
}

void hold_passed(struct hold *h)
{
    if (!h || !h->is_passing)
        return;
    h->is_passing = false;
    h->core->passing--;
    wake_next(h->core);
}

static void on_end(struct exchange *x, void *state)
{
    struct hold *h = state;
    leave(h);
    hold_passed(h);
    wake_next(h->core); /* it may have been woken in vain */
    fleet_unwatch_clusters(h->core->fleet, x->waiter);
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

/* It looks again when others have passed. */
static void make_ready(struct hold *h)
{
    if (!h->is_ready)
        TAILQ_INSERT_TAIL(&h->core->ready, h, ready);
    h->is_ready = true;
}

static enum exchange_verdict pass(struct exchange *x, struct hold *h)
{
    if (h->is_ready)
        TAILQ_REMOVE(&h->core->ready, h, ready);
    h->is_ready = false;
    h->is_passing = true;
    h->core->passing++;
    return h->then(x, h->state, HOLD_CHANGED);
}

static enum exchange_verdict on_woken(struct exchange *x, void *state)
{
    struct hold *h = state;
    struct fleet *f = h->core->fleet;
    struct cluster_decision d;
    if (h->is_superseded)
        return h->then(x, h->state, HOLD_SUPERSEDED);
    if (h->core->draining || fleet_beats(f) - h->began >= h->core->host.held_beats) {
        leave(h);
        return h->then(x, h->state, HOLD_OVER);
    }
    if (h->core->passing >= PASSING_MAX) {
        make_ready(h);
    } else {
        fleet_cluster_look(f, h->ask, &x->arena, &d);
        if (d.verdict != CLUSTER_DO_WAIT)
            return pass(x, h);
        wake_next(h->core);
    }
    fleet_unwatch_clusters(f, x->waiter); /* woken by something else, it is still listed */
    fleet_watch_clusters(f, x->waiter);
    return exchange_wait(x, on_woken, h);
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
        TAILQ_INSERT_TAIL(&c->held, h, entry);
        c->held_n++;
        h->is_listed = true;
    }
    return on_woken(x, h);
}
