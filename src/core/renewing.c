/* SPDX-License-Identifier: Apache-2.0 */
#include "core/renewing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/internal.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "kube/manifests.h"

#include <stdlib.h>

#define LIFE_S (90U * 24 * 60 * 60)
/* Pauses between two attempts, in heartbeats of 15 s, doubled each time: a minute to an hour. */
#define WAIT_FIRST_BEATS 4
#define WAIT_MAX_BEATS 240

/* The token of an account. */
struct renewing {
    TAILQ_ENTRY(renewing) entry;
    struct slot_ref slot;
    char *cluster;
    enum cluster_account account;
    uint32_t epoch;
    char *sealed;            /* the token that is renewed */
    struct renewal *renewal; /* NULL: none is under way */
    uint32_t attempts;       /* that have failed, one after the other */
    uint64_t due_beat;
    struct err err;
    bool is_wanted;
};

struct renewings {
    struct core *core;
    const struct renewal_port *port;
    struct slots slots;
    TAILQ_HEAD(, renewing) list;
};

static const char *const purposes[] = {"minter", "approver"};
static const char *const accounts[] = {MANIFESTS_MINTER, MANIFESTS_APPROVER};

/* --- The list -------------------------------------------------------------------------------- */

static struct renewing *find(const struct renewings *all, struct str cluster,
                             enum cluster_account account)
{
    struct renewing *r;
    TAILQ_FOREACH(r, &all->list, entry)
    {
        if (r->account == account && str_is(cluster, r->cluster))
            break;
    }
    return r;
}

static void drop(struct renewings *all, struct renewing *r)
{
    renewal_end(r->renewal);
    TAILQ_REMOVE(&all->list, r, entry);
    slots_remove(&all->slots, r->slot);
    free(r->cluster);
    free(r->sealed);
    free(r);
}

static struct renewing *add(struct renewings *all, struct str cluster, enum cluster_account account,
                            const struct cluster_record *record)
{
    struct renewing *r = MEM_NEW(struct renewing);
    struct str sealed = cluster_record_token(record, account)->sealed;
    r->slot = slots_put(&all->slots, r);
    r->cluster = mem_copy(cluster.p, cluster.n);
    r->account = account;
    r->epoch = record->epoch;
    r->sealed = mem_copy(sealed.p, sealed.n);
    TAILQ_INSERT_TAIL(&all->list, r, entry);
    return r;
}

static void look(struct renewings *all);

/* --- A renewal ------------------------------------------------------------------------------- */

static struct str purpose_of(const struct renewing *r, struct arena *a)
{
    return keys_cluster_purpose(str_from(r->cluster), str_from(purposes[r->account]), a);
}

static void change(const struct renewings *all, const struct renewing *r,
                   const struct cluster_token *token, struct str why)
{
    const struct cluster_change c = {
        .kind = CLUSTER_RENEW,
        .cluster = str_from(r->cluster),
        .cause = STR("cluster"),
        .peer = STR(""),
        .renew = {r->epoch, r->account, str_from(r->sealed), *token, why},
    };
    fleet_forget(all->core->fleet, fleet_cluster_change(all->core->fleet, &c, (struct waiter){0}));
}

static void fail(const struct renewings *all, struct renewing *r)
{
    uint64_t wait = r->attempts < 6 ? (uint64_t)WAIT_FIRST_BEATS << r->attempts : WAIT_MAX_BEATS;
    uint32_t random;
    random_bytes(&random, sizeof(random));
    r->attempts++;
    r->due_beat = fleet_beats(all->core->fleet) + wait / 2 + random % (wait / 2 + 1);
}

/* It is used once it is in the record. If it cannot be written, the former one is renewed again. */
static void take(const struct renewings *all, struct renewing *r)
{
    const struct renewal *renewal = r->renewal;
    struct arena a;
    if (!renewal->token.n) {
        r->err = renewal->err;
        fail(all, r);
        return;
    }
    arena_init(&a, 4096);
    a.secret = true;
    const struct cluster_token token = {
        .sealed = sealer_seal(all->core->sealer, purpose_of(r, &a), renewal->token, &a),
        .expires_wall_ms = renewal->end_wall_ms,
        .made_wall_ms = core_wall_ms(all->core),
    };
    change(all, r, &token, STR(""));
    arena_done(&a);
    r->err = (struct err){0};
    r->attempts = 0;
    r->due_beat = fleet_beats(all->core->fleet) + WAIT_FIRST_BEATS;
}

static void on_done(void *cls, struct slot_ref ref)
{
    struct renewings *all = cls;
    struct renewing *r = slots_find(&all->slots, ref);
    if (!r || !r->renewal || !r->renewal->done)
        return;
    struct renewal *done = r->renewal;
    take(all, r);
    r->renewal = NULL;
    renewal_end(done);
    look(all); /* it may be late */
}

static void begin(struct renewings *all, struct renewing *r, const struct cluster_record *record)
{
    struct str bearer;
    struct arena a;
    arena_init(&a, 4096);
    a.secret = true;
    if (!sealer_unseal(all->core->sealer, purpose_of(r, &a), str_from(r->sealed), &a, &bearer))
        bearer = STR("");
    const struct renewal_wish wish = {
        .endpoint = record->endpoint,
        .ca = record->ca,
        .account = str_from(accounts[r->account]),
        .bearer = bearer,
        .seconds = LIFE_S,
        .waiter = {{on_done, all}, r->slot},
    };
    if (renewal_begin(all->port, &wish, &r->renewal, &r->err) < 0)
        fail(all, r);
    arena_done(&a);
}

/* --- When ------------------------------------------------------------------------------------ */

/* Whether a part of its life is over. One that says nothing of its beginning, or whose times cannot
 * be, is renewed at once: the clock may have been another one. */
static bool is_past(const struct cluster_token *t, int64_t parts, int64_t wall_ms)
{
    int64_t life_ms = t->expires_wall_ms - t->made_wall_ms;
    if (!t->made_wall_ms || life_ms <= 0 || wall_ms < t->made_wall_ms)
        return true;
    return wall_ms - t->made_wall_ms >= life_ms / parts;
}

static void warn(const struct renewings *all, const struct renewing *r,
                 const struct cluster_token *t)
{
    char end[CLOCK_TEXT_SIZE];
    struct arena a;
    arena_init(&a, 1024);
    bool is_over = core_wall_ms(all->core) >= t->expires_wall_ms;
    struct str why = arena_printf(
        &a, "the token of %s %s %s%s%s: %s'cloudseed cluster adopt %s --kubeconfig FILE' %s",
        accounts[r->account], is_over ? "ended" : "ends", clock_text(t->expires_wall_ms, end),
        r->err.msg[0] ? " and cannot be renewed: " : " and was not renewed", r->err.msg,
        is_over ? "run " : "until then ", r->cluster,
        is_over ? "to make another" : "makes another");
    change(all, r, &(struct cluster_token){.sealed = STR("")}, why);
    arena_done(&a);
}

static void keep(struct renewings *all, struct str cluster, enum cluster_account account,
                 const struct cluster_record *record)
{
    const struct cluster_token *t = cluster_record_token(record, account);
    struct renewing *r = find(all, cluster, account);
    if (r && (r->epoch != record->epoch || !str_is(t->sealed, r->sealed))) {
        drop(all, r);
        r = NULL;
    }
    if (!r)
        r = add(all, cluster, account, record);
    r->is_wanted = true;
    bool is_due = fleet_beats(all->core->fleet) >= r->due_beat;
    if (!r->renewal && is_due && is_past(t, 3, core_wall_ms(all->core)))
        begin(all, r, record);
    if (!t->is_late && r->attempts && is_past(t, 2, core_wall_ms(all->core)))
        warn(all, r, t);
}

static void look(struct renewings *all)
{
    struct fleet *f = all->core->fleet;
    struct renewing *r, *next;
    struct cluster_record record;
    struct arena a;
    struct str name;
    TAILQ_FOREACH(r, &all->list, entry)
    r->is_wanted = false;
    arena_init(&a, 4096);
    for (uint32_t at = 0; fleet_cluster_at(f, &at, &name); arena_reset(&a)) {
        fleet_cluster(f, name, &a, &record);
        for (int i = 0; record.phase == CLUSTER_STANDING && i < CLUSTER_ACCOUNTS; i++) {
            if (cluster_record_token(&record, (enum cluster_account)i)->sealed.n)
                keep(all, name, (enum cluster_account)i, &record);
        }
    }
    arena_done(&a);
    for (r = TAILQ_FIRST(&all->list); r; r = next) {
        next = TAILQ_NEXT(r, entry);
        if (!r->is_wanted)
            drop(all, r);
    }
}

/* Also at each heartbeat. */
static void on_clusters(void *cls, struct slot_ref ref)
{
    struct renewings *all = cls;
    fleet_watch_clusters(all->core->fleet, (struct waiter){{on_clusters, all}, ref});
    look(all);
}

struct renewings *renewings_new(struct core *c)
{
    struct renewings *all = MEM_NEW(struct renewings);
    all->core = c;
    all->port = c->host.renewals;
    TAILQ_INIT(&all->list);
    if (all->port)
        on_clusters(all, (struct slot_ref){0, 0});
    return all;
}

void renewings_free(struct renewings *all)
{
    struct renewing *r;
    if (!all)
        return;
    if (all->port)
        fleet_unwatch_clusters(all->core->fleet, (struct waiter){{on_clusters, all}, {0, 0}});
    while ((r = TAILQ_FIRST(&all->list)))
        drop(all, r);
    slots_done(&all->slots);
    free(all);
}

const char *renewings_trouble(const struct renewings *all, struct str cluster,
                              enum cluster_account account)
{
    const struct renewing *r = find(all, cluster, account);
    return r && r->err.msg[0] ? r->err.msg : NULL;
}
