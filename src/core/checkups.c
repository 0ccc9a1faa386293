/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checkups.h"

#include "base/mem.h"
#include "core/internal.h"
#include "crypto/keys.h"

#include <stdlib.h>

/* Until the next one, in heartbeats of 15 s. */
#define HOUR_BEATS 240
#define FAILED_BEATS 20
#define OFF_BEATS 4 /* while its clock is off */
/* Of several API servers behind one endpoint, one may be off: so many agree before all do. */
#define AGREEING_MIN 3

/* A cluster that stands. */
struct patient {
    TAILQ_ENTRY(patient) entry;
    struct slot_ref slot;
    char *cluster;
    uint32_t epoch;
    struct checkup *checkup; /* NULL: none is under way */
    uint64_t due_beat;
    int64_t certificate_end_ms, ahead_ms;
    uint32_t agreeing; /* checkups, one after the other, with our clock */
    bool is_wanted;
};

struct checkups {
    struct core *core;
    const struct checkup_port *port;
    struct slots slots;
    TAILQ_HEAD(, patient) list;
};

static struct patient *find(const struct checkups *all, struct str cluster)
{
    struct patient *p;
    TAILQ_FOREACH(p, &all->list, entry)
    {
        if (str_is(cluster, p->cluster))
            break;
    }
    return p;
}

static void drop(struct checkups *all, struct patient *p)
{
    checkup_end(p->checkup);
    TAILQ_REMOVE(&all->list, p, entry);
    slots_remove(&all->slots, p->slot);
    free(p->cluster);
    free(p);
}

static struct patient *add(struct checkups *all, struct str cluster, uint32_t epoch,
                           uint64_t due_beat)
{
    struct patient *p = MEM_NEW(struct patient);
    p->slot = slots_put(&all->slots, p);
    p->cluster = mem_copy(cluster.p, cluster.n);
    p->epoch = epoch;
    p->due_beat = due_beat;
    TAILQ_INSERT_TAIL(&all->list, p, entry);
    return p;
}

/* --- What was seen --------------------------------------------------------------------------- */

/* It is decided there whether that is news. */
static void tell(const struct checkups *all, struct cluster_change c)
{
    struct fleet *f = all->core->fleet;
    c.cause = STR("cluster");
    c.peer = STR("");
    fleet_forget(f, fleet_cluster_change(f, &c, (struct waiter){0}));
}

static void take_clock(const struct checkups *all, struct patient *p, int64_t ahead_ms)
{
    struct cluster_change c = {.kind = CLUSTER_CLOCK, .cluster = str_from(p->cluster)};
    bool agrees = ahead_ms <= CLUSTER_CLOCK_RIGHT_MS && ahead_ms >= -CLUSTER_CLOCK_RIGHT_MS;
    p->agreeing = agrees ? p->agreeing + 1 : 0;
    p->ahead_ms = agrees ? 0 : ahead_ms;
    c.clock.epoch = p->epoch;
    c.clock.ahead_ms = ahead_ms;
    if (!agrees || p->agreeing >= AGREEING_MIN)
        tell(all, c);
}

static void take_certificate(const struct checkups *all, struct patient *p, int64_t end_ms)
{
    struct cluster_change c = {.kind = CLUSTER_CERTIFICATE, .cluster = str_from(p->cluster)};
    p->certificate_end_ms = end_ms;
    c.shown.epoch = p->epoch;
    c.shown.end_wall_ms = end_ms;
    tell(all, c);
}

static void take_version(const struct checkups *all, const struct patient *p,
                         struct kubeversion version)
{
    char text[KUBEVERSION_TEXT_SIZE];
    struct cluster_change c = {.kind = CLUSTER_SEEN, .cluster = str_from(p->cluster)};
    c.seen.epoch = p->epoch;
    c.seen.version = str_from(kubeversion_text(version, text));
    tell(all, c);
}

/* An API server that does not answer is told of by those that need it. */
static void take(const struct checkups *all, struct patient *p)
{
    const struct checkup *c = p->checkup;
    bool failed = !c->version.major;
    if (c->certificate_end_wall_ms)
        take_certificate(all, p, c->certificate_end_wall_ms);
    if (c->clock_known)
        take_clock(all, p, c->ahead_ms);
    if (!failed)
        take_version(all, p, c->version);
    uint64_t beats = failed ? FAILED_BEATS : p->agreeing < AGREEING_MIN ? OFF_BEATS : HOUR_BEATS;
    p->due_beat = fleet_beats(all->core->fleet) + beats;
}

static void on_done(void *cls, struct slot_ref ref)
{
    struct checkups *all = cls;
    struct patient *p = slots_find(&all->slots, ref);
    if (!p || !p->checkup || !p->checkup->done)
        return;
    take(all, p);
    checkup_end(p->checkup);
    p->checkup = NULL;
}

/* --- When ------------------------------------------------------------------------------------ */

static void begin(struct checkups *all, struct patient *p, const struct cluster_record *r)
{
    struct str bearer;
    struct arena a;
    struct err e;
    arena_init(&a, 4096);
    a.secret = true;
    struct str purpose = keys_cluster_purpose(str_from(p->cluster), STR("minter"), &a);
    if (!sealer_unseal(all->core->sealer, purpose, r->minter.sealed, &a, &bearer))
        bearer = STR("");
    const struct checkup_target t = {
        .endpoint = r->endpoint,
        .ca = r->ca,
        .bearer = bearer,
        .waiter = {{on_done, all}, p->slot},
    };
    if (checkup_begin(all->port, &t, &p->checkup, &e) < 0)
        p->due_beat = fleet_beats(all->core->fleet) + FAILED_BEATS;
    arena_done(&a);
}

/* One that stands from now on has nodes to mint for first. */
static void keep(struct checkups *all, struct str cluster, const struct cluster_record *r,
                 uint64_t first_beat)
{
    struct patient *p = find(all, cluster);
    if (p && p->epoch != r->epoch) {
        drop(all, p);
        p = NULL;
    }
    if (!p)
        p = add(all, cluster, r->epoch, first_beat);
    p->is_wanted = true;
    if (!p->checkup && fleet_beats(all->core->fleet) >= p->due_beat)
        begin(all, p, r);
}

static void look(struct checkups *all, uint64_t first_beat)
{
    struct fleet *f = all->core->fleet;
    struct patient *p, *next;
    struct cluster_record r;
    struct arena a;
    struct str name;
    TAILQ_FOREACH(p, &all->list, entry)
    p->is_wanted = false;
    arena_init(&a, 4096);
    for (uint32_t at = 0; fleet_cluster_at(f, &at, &name); arena_reset(&a)) {
        fleet_cluster(f, name, &a, &r);
        if (r.phase == CLUSTER_STANDING && r.minter.sealed.n)
            keep(all, name, &r, first_beat);
    }
    arena_done(&a);
    for (p = TAILQ_FIRST(&all->list); p; p = next) {
        next = TAILQ_NEXT(p, entry);
        if (!p->is_wanted)
            drop(all, p);
    }
}

/* Also at each heartbeat. */
static void on_clusters(void *cls, struct slot_ref ref)
{
    struct checkups *all = cls;
    fleet_watch_clusters(all->core->fleet, (struct waiter){{on_clusters, all}, ref});
    look(all, fleet_beats(all->core->fleet) + 1);
}

struct checkups *checkups_new(struct core *c)
{
    struct checkups *all = MEM_NEW(struct checkups);
    all->core = c;
    all->port = c->host.checkups;
    TAILQ_INIT(&all->list);
    if (!all->port)
        return all;
    look(all, 0);
    fleet_watch_clusters(c->fleet, (struct waiter){{on_clusters, all}, {0, 0}});
    return all;
}

void checkups_free(struct checkups *all)
{
    struct patient *p;
    if (!all)
        return;
    if (all->port)
        fleet_unwatch_clusters(all->core->fleet, (struct waiter){{on_clusters, all}, {0, 0}});
    while ((p = TAILQ_FIRST(&all->list)))
        drop(all, p);
    slots_done(&all->slots);
    free(all);
}

/* --- What others see ------------------------------------------------------------------------- */

int64_t checkups_certificate_end_ms(const struct checkups *all, struct str cluster)
{
    const struct patient *p = find(all, cluster);
    return p ? p->certificate_end_ms : 0;
}

int64_t checkups_ahead_ms(const struct checkups *all, struct str cluster)
{
    const struct patient *p = find(all, cluster);
    return p ? p->ahead_ms : 0;
}
