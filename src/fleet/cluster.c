/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/cluster.h"

#include "base/clock.h"
#include "crypto/cahash.h"
#include "fleet/fields.h"

#include <inttypes.h>

#define INIT_MS ((int64_t)15 * 60 * 1000)             /* an answer is good for so long … */
#define INIT_AGAIN_MS ((int64_t)60 * 1000)            /* … and given again until this is left */
#define CERTIFICATES_MS ((int64_t)2 * 60 * 60 * 1000) /* kubeadm's own */
#define CERTIFICATES_LEFT_MS ((int64_t)60 * 1000)     /* enough for a master to read them */
#define REQUESTS_MAX_BYTES 2048
#define CERTIFICATE_TOLD_MS ((int64_t)30 * 24 * 60 * 60 * 1000)
/* More than what agrees: a clock at the limit is not reported again and again. */
#define CLOCK_OFF_MS (2 * CLUSTER_CLOCK_RIGHT_MS)

/* --- Deciding -------------------------------------------------------------------------------- */

static const struct cluster_master *find_master(const struct cluster_change *c, struct str uid)
{
    for (uint32_t i = 0; i < c->ask.masters_n; i++) {
        if (str_eq(c->ask.masters[i].uid, uid))
            return &c->ask.masters[i];
    }
    return NULL;
}

static struct cluster_decision wait_for(const char *reason, struct str of, struct str detail)
{
    return (struct cluster_decision){
        .verdict = CLUSTER_DO_WAIT, .reason = reason, .of = of, .detail = detail};
}

static struct cluster_decision act(enum cluster_verdict verdict)
{
    return (struct cluster_decision){
        .verdict = verdict, .of = STR(""), .detail = STR(""), .certificate = STR("")};
}

static struct cluster_decision wait_for_cluster(const struct cluster_change *c, struct str master,
                                                struct arena *a)
{
    return wait_for("waits-for-master", master,
                    arena_printf(a, "waits for %.*s to bring up the cluster %.*s", STR_ARG(master),
                                 STR_ARG(c->cluster)));
}

static struct cluster_decision refuse_it(const char *reason, struct str detail)
{
    return (struct cluster_decision){
        .verdict = CLUSTER_DO_REFUSE, .reason = reason, .of = STR(""), .detail = detail};
}

static struct cluster_decision give_or_refuse_init(const struct cluster_change *c)
{
    return c->ask.unfit.n ? refuse_it("version", c->ask.unfit) : act(CLUSTER_DO_INIT);
}

/* A second control plane at one endpoint is worse than none. */
static struct cluster_decision give_first_init(const struct cluster_change *c, struct arena *a)
{
    struct str name = c->cluster;
    if (c->ask.unfit.n || c->ask.probe == CLUSTER_ABSENT)
        return give_or_refuse_init(c);
    if (c->ask.probe == CLUSTER_UNPROBED)
        return act(CLUSTER_DO_PROBE);
    return wait_for("waits-for-master", STR(""),
                    arena_printf(a,
                                 "something answers at %.*s, so the cluster %.*s may be there "
                                 "already: if it is, run 'cloudseed cluster adopt %.*s', if not "
                                 "end what answers there",
                                 STR_ARG(c->ask.endpoint), STR_ARG(name), STR_ARG(name)));
}

static struct cluster_decision before_init(const struct cluster_change *c, struct arena *a)
{
    const struct cluster_master *only = find_master(c, c->ask.only);
    if (c->ask.is_master && (!only || str_eq(only->uid, c->by.uid)))
        return give_first_init(c, a);
    if (only)
        return wait_for_cluster(c, only->name, a);
    if (c->ask.masters_n)
        return wait_for_cluster(c, c->ask.masters[0].name, a);
    return wait_for("waits-for-master", STR(""),
                    arena_printf(a,
                                 "the cluster %.*s has no master: declare one, with a role that "
                                 "has 'bootstrap: master'",
                                 STR_ARG(c->cluster)));
}

/* The lease does not pass on by itself: the holder may have made the cluster and be unable to
 * report it. */
static struct cluster_decision during_init(const struct cluster_record *r,
                                           const struct cluster_change *c, struct arena *a)
{
    struct str holder = r->holder.name, name = c->cluster;
    const struct cluster_master *m = find_master(c, r->holder.uid);
    if (c->ask.is_master && str_eq(c->by.uid, r->holder.uid))
        return give_or_refuse_init(c);
    if (c->ask.masters_n && !m)
        return wait_for("waits-for-master", holder,
                        arena_printf(a,
                                     "waits for %.*s, which began to bring up the cluster %.*s and "
                                     "is not a master of it any more: 'cloudseed cluster reset "
                                     "%.*s' lets another master begin",
                                     STR_ARG(holder), STR_ARG(name), STR_ARG(name)));
    if (m && m->state == STATE_FAILED)
        return wait_for("waits-for-master", holder,
                        arena_printf(a,
                                     "waits for %.*s to bring up the cluster %.*s, in which it has "
                                     "failed: see 'cloudseed node show %.*s' and arm it again, or "
                                     "let another master begin with 'cloudseed cluster reset %.*s'",
                                     STR_ARG(holder), STR_ARG(name), STR_ARG(holder),
                                     STR_ARG(name)));
    return wait_for_cluster(c, holder, a);
}

/* The same boot, or the same disk of the same generation: it knows what is done. An unknown disk is
 * another one. */
static bool is_same_disk(const struct cluster_boot *holder, const struct cluster_boot *by)
{
    return str_eq(holder->uid, by->uid) && holder->generation == by->generation &&
           (str_eq(holder->claim, by->claim) ||
            (by->machine.n && str_eq(holder->machine, by->machine)));
}

static bool has_living_master(const struct cluster_change *c)
{
    for (uint32_t i = 0; i < c->ask.masters_n; i++) {
        const struct cluster_master *m = &c->ask.masters[i];
        if (m->state == STATE_READY && !str_eq(m->uid, c->by.uid))
            return true;
    }
    return false;
}

static struct cluster_decision refuse_second_init(const struct cluster_change *c, struct arena *a)
{
    return refuse_it(
        "cluster-exists",
        arena_printf(
            a,
            "%.*s has made the cluster %.*s before, on another disk, and no other master of it is "
            "ready: restore etcd from a snapshot on this machine, or if the cluster is gone run "
            "'cloudseed cluster reset %.*s', then start cloudseed-join.service",
            STR_ARG(c->by.name), STR_ARG(c->cluster), STR_ARG(c->cluster)));
}

/* A further master reads the cluster's keys from what was uploaded, while it is there. More time
 * than there can be is left where the clock was set back: then nobody knows. */
static struct cluster_decision join_as_master(const struct cluster_record *r,
                                              const struct cluster_change *c, int64_t wall_ms,
                                              struct arena *a)
{
    int64_t left_ms = r->certificate.expires_wall_ms - wall_ms;
    struct cluster_decision d = act(CLUSTER_DO_JOIN);
    if (!r->certificate.sealed.n || left_ms < CERTIFICATES_LEFT_MS || left_ms > CERTIFICATES_MS)
        return wait_for(
            "waits-for-certificates", STR(""),
            arena_printf(a,
                         "%.*s keeps no certificates for further masters, which kubeadm deletes "
                         "after two hours: run 'cloudseed cluster certs %.*s', and on a running "
                         "master the command that it prints, 'kubeadm init phase upload-certs "
                         "--upload-certs …'",
                         STR_ARG(c->cluster), STR_ARG(c->cluster)));
    d.certificate = r->certificate.sealed;
    d.expires_wall_ms = r->certificate.expires_wall_ms;
    return d;
}

static struct str words_of_stuck(struct str name, struct str cluster, struct arena *a)
{
    return arena_printf(
        a,
        "%.*s has failed to join as a master of %.*s: start it again with 'cloudseed node arm "
        "%.*s'; or look for it with 'etcdctl member list' on a running master, remove it with "
        "'etcdctl member remove ID', and run 'cloudseed node reprovision %.*s'",
        STR_ARG(name), STR_ARG(cluster), STR_ARG(name), STR_ARG(name));
}

/* etcd takes one learner at a time, and one that is stuck blocks all that follow. */
static struct cluster_decision take_turn(const struct cluster_record *r,
                                         const struct cluster_change *c, int64_t wall_ms,
                                         struct arena *a)
{
    const struct cluster_boot *turn = &r->turn;
    const struct cluster_master *m = turn->uid.n ? find_master(c, turn->uid) : NULL;
    if (!m || str_eq(m->uid, c->by.uid) || m->state == STATE_READY ||
        m->generation != turn->generation)
        return join_as_master(r, c, wall_ms, a);
    struct cluster_decision d = wait_for("waits-for-turn", m->name, STR(""));
    d.is_stuck = m->state == STATE_FAILED || m->state == STATE_REGISTERED;
    if (d.is_stuck)
        d.detail = ARENA_JOIN(a, STR("waits for "), m->name, STR(", which"),
                              str_skip(words_of_stuck(m->name, c->cluster, a), m->name.n));
    else
        d.detail = arena_printf(
            a, "waits for %.*s to become Ready: the masters of %.*s join one at a time",
            STR_ARG(m->name), STR_ARG(c->cluster));
    return d;
}

static struct cluster_decision while_standing(const struct cluster_record *r,
                                              const struct cluster_change *c, int64_t wall_ms,
                                              struct arena *a)
{
    if (c->ask.has_joined)
        return act(CLUSTER_DO_NONE);
    if (!c->ask.is_master)
        return act(CLUSTER_DO_JOIN);
    if (is_same_disk(&r->holder, &c->by))
        return act(CLUSTER_DO_INIT);
    if (str_eq(r->holder.uid, c->by.uid) && !has_living_master(c))
        return refuse_second_init(c, a);
    return take_turn(r, c, wall_ms, a);
}

static struct cluster_decision while_unconfirmed(const struct cluster_change *c, struct arena *a)
{
    return wait_for(
        "waits-for-master", STR(""),
        arena_printf(a,
                     "the server's state comes from a backup, or lost what was written last, and "
                     "the cluster %.*s may exist or not: if it does, run 'cloudseed cluster adopt "
                     "%.*s', if not 'cloudseed cluster reset %.*s'",
                     STR_ARG(c->cluster), STR_ARG(c->cluster), STR_ARG(c->cluster)));
}

void cluster_decide(const struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                    struct arena *a, struct cluster_decision *ret)
{
    switch (r->phase) {
    case CLUSTER_NONE: *ret = before_init(c, a); break;
    case CLUSTER_INIT: *ret = during_init(r, c, a); break;
    case CLUSTER_STANDING: *ret = while_standing(r, c, wall_ms, a); break;
    case CLUSTER_UNCONFIRMED:
    case CLUSTER_PHASE_COUNT: *ret = while_unconfirmed(c, a); break;
    }
}

/* --- Applying -------------------------------------------------------------------------------- */

static void set_event(struct cluster_outcome *ret, const char *kind, const struct cluster_record *r,
                      const struct cluster_change *c, struct str detail, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("cluster"), value_str(c->cluster));
    fields_put(&m, STR("epoch"), value_int(r->epoch));
    fields_text(&m, STR("detail"), detail);
    ret->event = (struct event){kind, fields_value(&m, a)};
    ret->writes = true;
}

static bool is_same_boot(const struct cluster_boot *a, const struct cluster_boot *b)
{
    return str_eq(a->uid, b->uid) && a->generation == b->generation && str_eq(a->claim, b->claim) &&
           str_eq(a->machine, b->machine);
}

static void enter(struct cluster_record *r, enum cluster_phase phase, int64_t wall_ms)
{
    r->phase = phase;
    r->since_wall_ms = wall_ms;
}

/* One key for an epoch, so that the certificates of a repeated 'init' can still be read: after its
 * end they are gone, and so is the use of another key for a cluster that stands. */
static void keep_certificate_key(struct cluster_record *r, const struct cluster_change *c,
                                 int64_t wall_ms, struct cluster_outcome *ret)
{
    if (r->certificate.sealed.n && wall_ms < r->certificate.expires_wall_ms) {
        ret->decision.certificate = r->certificate.sealed;
        return;
    }
    ret->writes |= r->certificate.sealed.n > 0;
    r->certificate = (struct cluster_token){.sealed = STR("")};
    if (r->phase == CLUSTER_STANDING || !c->ask.certificate.n)
        return;
    r->certificate = (struct cluster_token){c->ask.certificate, wall_ms + CERTIFICATES_MS};
    ret->decision.certificate = r->certificate.sealed;
    ret->writes = true;
}

/* Another boot of the holder has the lease just so, which is no event. */
static void give_init(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                      struct arena *a, struct cluster_outcome *ret)
{
    int64_t left_ms = r->init_ends_wall_ms - wall_ms;
    bool is_repeat = is_same_boot(&r->holder, &c->by) && left_ms >= INIT_AGAIN_MS &&
                     left_ms <= INIT_MS; /* more: the clock was set back */
    ret->writes = !is_repeat;
    r->holder = c->by;
    if (!is_repeat)
        r->init_ends_wall_ms = wall_ms > 0 ? wall_ms + INIT_MS : INIT_MS;
    ret->decision.expires_wall_ms = r->init_ends_wall_ms;
    keep_certificate_key(r, c, wall_ms, ret);
    if (r->phase != CLUSTER_NONE)
        return;
    enter(r, CLUSTER_INIT, wall_ms);
    set_event(ret, "cluster-init", r, c, STR(""), a);
}

static void give_turn(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                      struct cluster_outcome *ret)
{
    bool is_next = !str_eq(r->turn.uid, c->by.uid) || r->turn.generation != c->by.generation;
    ret->writes = r->turn_stuck || !is_same_boot(&r->turn, &c->by);
    r->turn = c->by;
    r->turn_stuck = false;
    if (is_next)
        set_event(ret, "cluster-turn", r, c, STR(""), a);
}

static void apply_ask(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                      struct arena *a, struct cluster_outcome *ret)
{
    cluster_decide(r, c, wall_ms, a, &ret->decision);
    const struct cluster_decision *d = &ret->decision;
    if (d->verdict == CLUSTER_DO_REFUSE)
        ret->status = 403;
    else if (d->verdict == CLUSTER_DO_INIT)
        give_init(r, c, wall_ms, a, ret);
    else if (d->verdict == CLUSTER_DO_JOIN && c->ask.is_master)
        give_turn(r, c, a, ret);
    else if (d->is_stuck && !r->turn_stuck) {
        r->turn_stuck = true;
        set_event(ret, "cluster-stuck", r, c, d->detail, a);
    }
}

/* It is told when it fails: nobody else may ask for long. */
static void apply_stuck(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                        struct cluster_outcome *ret)
{
    if (r->phase != CLUSTER_STANDING || r->epoch != c->stuck_epoch || r->turn_stuck ||
        !str_eq(r->turn.uid, c->by.uid) || r->turn.generation != c->by.generation)
        return;
    r->turn_stuck = true;
    set_event(ret, "cluster-stuck", r, c, words_of_stuck(r->turn.name, c->cluster, a), a);
}

static void refuse_report(struct cluster_outcome *ret, const char *reason, struct str detail)
{
    ret->status = 403;
    ret->decision = refuse_it(reason, detail);
}

static bool has_hash(const struct str *list, uint32_t n, struct str hash)
{
    for (uint32_t i = 0; i < n; i++) {
        if (str_eq(list[i], hash))
            return true;
    }
    return false;
}

/* Whether nodes that trust the one trust the other, however it is written. */
static bool is_same_ca(struct str one, struct str other, struct arena *a)
{
    struct str ones[CAHASH_MAX], others[CAHASH_MAX];
    uint32_t n, others_n;
    struct err e;
    if (str_eq(one, other))
        return true;
    if (cahash_read(one, a, ones, &n, &e) < 0 || cahash_read(other, a, others, &others_n, &e) < 0)
        return false;
    bool same = n == others_n;
    for (uint32_t i = 0; same && i < n; i++)
        same = has_hash(others, others_n, ones[i]) && has_hash(ones, n, others[i]);
    return same;
}

/* It was reset while its master made it, and adopted: by what that has made, or by another. */
static void answer_adopted(const struct cluster_record *r, const struct cluster_change *c,
                           struct arena *a, struct cluster_outcome *ret)
{
    struct str by = c->by.name, name = c->cluster;
    if (is_same_ca(r->ca, c->report.ca, a))
        return; /* an admin has reported it */
    refuse_report(
        ret, "not-lease-holder",
        arena_printf(a,
                     "an admin has adopted the cluster %.*s, and %.*s has made another "
                     "one: if nobody uses that, run 'kubeadm reset' on this machine, then "
                     "start cloudseed-join.service; else keep it, and declare it as a "
                     "cluster of its own",
                     STR_ARG(name), STR_ARG(by)));
}

static void refuse_lease(const struct cluster_record *r, const struct cluster_change *c,
                         struct arena *a, struct cluster_outcome *ret)
{
    struct str by = c->by.name, name = c->cluster, holder = r->holder.name;
    if (!r->holder.uid.n || str_eq(r->holder.uid, c->by.uid))
        refuse_report(ret, "not-lease-holder",
                      arena_printf(a,
                                   "%.*s was not given 'init' for the cluster %.*s: run 'kubeadm "
                                   "reset' on this machine, then start cloudseed-join.service",
                                   STR_ARG(by), STR_ARG(name)));
    else
        refuse_report(ret, "not-lease-holder",
                      arena_printf(a,
                                   "%.*s makes the cluster %.*s, not %.*s: run 'kubeadm reset' on "
                                   "this machine; 'cloudseed cluster reset %.*s' lets another "
                                   "master begin",
                                   STR_ARG(holder), STR_ARG(name), STR_ARG(by), STR_ARG(name)));
}

/* Whether the boot was given 'init' in this epoch. */
static bool has_lease(const struct cluster_record *r, const struct cluster_boot *by)
{
    return (r->phase == CLUSTER_INIT || r->phase == CLUSTER_STANDING) &&
           str_eq(r->holder.uid, by->uid) && r->holder.generation == by->generation &&
           str_eq(r->holder.claim, by->claim);
}

static void take_report(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms)
{
    r->endpoint = c->report.endpoint;
    r->ca = c->report.ca;
    r->minter = c->report.minter;
    r->approver = c->report.approver;
    r->returning = false;
    r->minter.made_wall_ms = r->minter.sealed.n ? wall_ms : 0;
    r->approver.made_wall_ms = r->approver.sealed.n ? wall_ms : 0;
}

static void apply_report(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                         struct arena *a, struct cluster_outcome *ret)
{
    bool is_repeat = r->phase == CLUSTER_STANDING;
    if (is_repeat && !r->holder.uid.n) {
        answer_adopted(r, c, a, ret);
        return;
    }
    if (!has_lease(r, &c->by)) {
        refuse_lease(r, c, a, ret);
        return;
    }
    if (!str_eq(c->report.endpoint, c->report.declared)) {
        refuse_report(ret, "other-cluster",
                      arena_printf(a,
                                   "the cluster %.*s is declared with the endpoint %.*s, and %.*s "
                                   "reports %.*s: run 'kubeadm reset' on this machine, then start "
                                   "cloudseed-join.service",
                                   STR_ARG(c->cluster), STR_ARG(c->report.declared),
                                   STR_ARG(c->by.name), STR_ARG(c->report.endpoint)));
        return;
    }
    if (is_repeat && !(str_eq(r->ca, c->report.ca) && str_eq(r->endpoint, c->report.endpoint))) {
        refuse_report(ret, "other-cluster",
                      arena_printf(a,
                                   "the cluster %.*s was reported with another CA or endpoint: if "
                                   "it was made again, run 'cloudseed cluster reset %.*s', and "
                                   "'kubeadm reset' on this machine",
                                   STR_ARG(c->cluster), STR_ARG(c->cluster)));
        return;
    }
    take_report(r, c, wall_ms);
    if (!is_repeat)
        enter(r, CLUSTER_STANDING, wall_ms);
    set_event(ret, is_repeat ? "cluster-tokens" : "cluster-standing", r, c, STR(""), a);
}

/* The answer may come after the cluster was reset. */
static void apply_seen(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                       struct cluster_outcome *ret)
{
    if (r->phase != CLUSTER_STANDING || r->epoch != c->seen.epoch ||
        str_eq(r->version, c->seen.version))
        return;
    r->version = c->seen.version;
    set_event(ret, "cluster-version", r, c, ARENA_JOIN(a, STR("runs v"), r->version), a);
}

/* Of several API servers behind one endpoint each shows its own: one that ends before another that
 * was reported is renewed together with it. */
static void apply_certificate(struct cluster_record *r, const struct cluster_change *c,
                              int64_t wall_ms, struct arena *a, struct cluster_outcome *ret)
{
    char end[CLOCK_TEXT_SIZE];
    int64_t end_wall_ms = c->shown.end_wall_ms;
    if (r->phase != CLUSTER_STANDING || r->epoch != c->shown.epoch ||
        end_wall_ms <= r->told_end_wall_ms || end_wall_ms - wall_ms > CERTIFICATE_TOLD_MS)
        return;
    r->told_end_wall_ms = end_wall_ms;
    set_event(ret, "cluster-certificate", r, c,
              arena_printf(a,
                           "the certificate of an API server ends %s: run 'kubeadm certs renew "
                           "all' on each master, then restart its control plane",
                           clock_text(end_wall_ms, end)),
              a);
}

static void apply_clock(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                        struct cluster_outcome *ret)
{
    int64_t ahead_ms = c->clock.ahead_ms, off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    bool is_off = off_ms > (r->clock_is_off ? CLUSTER_CLOCK_RIGHT_MS : CLOCK_OFF_MS);
    if (r->phase != CLUSTER_STANDING || r->epoch != c->clock.epoch || is_off == r->clock_is_off)
        return;
    r->clock_is_off = is_off;
    set_event(ret, "cluster-clock", r, c,
              is_off ? arena_printf(a,
                                    "an API server's clock is %" PRId64 " s %s this server's: "
                                    "tokens end by it, so set both by NTP",
                                    off_ms / 1000, ahead_ms < 0 ? "behind" : "ahead of")
                     : STR("the API server's clock agrees with this server's again"),
              a);
}

/* The former token stays in the record until the next one is there. */
static void apply_renew(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                        struct cluster_outcome *ret)
{
    bool is_minter = c->renew.account == CLUSTER_MINTER;
    struct cluster_token *t = is_minter ? &r->minter : &r->approver;
    if (r->phase != CLUSTER_STANDING || r->epoch != c->renew.epoch ||
        !str_eq(t->sealed, c->renew.former))
        return;
    if (c->renew.token.sealed.n) {
        *t = c->renew.token;
        set_event(ret, "cluster-renewed", r, c,
                  is_minter ? STR("the minter's token") : STR("the approver's token"), a);
    } else if (!t->is_late) {
        t->is_late = true;
        set_event(ret, "cluster-late", r, c, c->renew.why, a);
    }
}

static void refuse_admin(struct cluster_outcome *ret, const char *reason, struct str detail)
{
    refuse_report(ret, reason, detail);
    ret->status = 409;
}

/* With another key than before: an admin has the former one's line, and may have run it already. */
static void apply_certs(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                        struct arena *a, struct cluster_outcome *ret)
{
    if (r->phase != CLUSTER_STANDING) {
        refuse_admin(ret, "phase",
                     arena_printf(a,
                                  "the cluster %.*s is in phase %s: there is nothing to upload "
                                  "before it was reported by the master that makes it, which "
                                  "uploads them itself",
                                  STR_ARG(c->cluster), cluster_phase_names[r->phase]));
        return;
    }
    r->certificate = (struct cluster_token){c->certificate, wall_ms + CERTIFICATES_MS};
    ret->decision = act(CLUSTER_DO_NONE);
    ret->decision.certificate = r->certificate.sealed;
    ret->decision.expires_wall_ms = r->certificate.expires_wall_ms;
    set_event(ret, "cluster-certs", r, c, STR(""), a);
}

/* What the former epoch was given is of no use in the next one. */
static bool begin_epoch(struct cluster_record *r, struct cluster_outcome *ret)
{
    uint32_t epoch = r->epoch;
    if (epoch == UINT32_MAX) {
        refuse_admin(ret, "epochs", STR("the cluster was reset too often: give it another name"));
        return false;
    }
    *r = (struct cluster_record){.epoch = epoch + 1};
    return true;
}

static void apply_reset(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                        struct arena *a, struct cluster_outcome *ret)
{
    if (!begin_epoch(r, ret))
        return;
    enter(r, CLUSTER_NONE, wall_ms);
    set_event(ret, "cluster-reset", r, c, STR(""), a);
}

static bool may_adopt(const struct cluster_record *r, const struct cluster_change *c, bool same_ca,
                      struct arena *a, struct cluster_outcome *ret)
{
    struct str name = c->cluster;
    if (!str_eq(c->report.endpoint, c->report.declared))
        refuse_admin(
            ret, "other-cluster",
            arena_printf(a, "the cluster %.*s is declared with the endpoint %.*s, not %.*s",
                         STR_ARG(name), STR_ARG(c->report.declared), STR_ARG(c->report.endpoint)));
    else if (r->phase == CLUSTER_INIT)
        refuse_admin(ret, "makes-cluster",
                     arena_printf(a,
                                  "%.*s makes the cluster %.*s and will report it: wait for that, "
                                  "or take the lease from it with 'cloudseed cluster reset %.*s'",
                                  STR_ARG(r->holder.name), STR_ARG(name), STR_ARG(name)));
    else if (r->phase == CLUSTER_STANDING && !same_ca && !c->report.replaces_ca)
        refuse_admin(ret, "other-cluster",
                     arena_printf(a,
                                  "the cluster %.*s is known with another CA: is this another "
                                  "cluster? If its CA was replaced, or it was made again, use "
                                  "--replace-ca",
                                  STR_ARG(name)));
    else
        return true;
    return false;
}

/* With another CA it is not the cluster that the lease was for. Without a lease nobody gets 'init',
 * and all masters join. */
static void apply_adopt(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                        struct arena *a, struct cluster_outcome *ret)
{
    bool same_ca = is_same_ca(r->ca, c->report.ca, a);
    if (!may_adopt(r, c, same_ca, a, ret))
        return;
    bool is_repeat = r->phase == CLUSTER_STANDING && same_ca;
    if (!same_ca && r->phase != CLUSTER_NONE && !begin_epoch(r, ret))
        return;
    take_report(r, c, wall_ms);
    if (!is_repeat)
        enter(r, CLUSTER_STANDING, wall_ms);
    set_event(ret, is_repeat ? "cluster-tokens" : "cluster-adopted", r, c, STR(""), a);
}

/* --- Approval -------------------------------------------------------------------------------- */

/* The account stays in the cluster until an admin deletes it. */
static void end_approver(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                         struct cluster_outcome *ret)
{
    r->approver = (struct cluster_token){.sealed = STR("")};
    r->returning = false;
    set_event(ret, "cluster-returned", r, c, STR("it approves certificates by itself"), a);
}

static void apply_binding(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                          struct cluster_outcome *ret)
{
    if (r->phase != CLUSTER_STANDING || r->epoch != c->binding.epoch || !r->approver.sealed.n ||
        r->autoapproves == c->binding.approves)
        return;
    r->autoapproves = c->binding.approves;
    if (r->autoapproves && r->returning)
        end_approver(r, c, a, ret);
    else if (r->autoapproves)
        set_event(ret, "cluster-autoapproves", r, c,
                  arena_printf(
                      a,
                      "it approves any node's name for any token, as after a kubeadm "
                      "upgrade: 'cloudseed cluster show %.*s' prints the command that stops this",
                      STR_ARG(c->cluster)),
                  a);
    else
        set_event(ret, "cluster-hardened", r, c, STR(""), a);
}

static void apply_harden(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                         struct cluster_outcome *ret)
{
    struct str name = c->cluster;
    if (r->phase != CLUSTER_STANDING || !r->approver.sealed.n) {
        refuse_admin(ret, "no-approver",
                     arena_printf(a,
                                  "this server approves nothing in the cluster %.*s: with its "
                                  "admin's kubeconfig, 'cloudseed cluster adopt %.*s --hardened' "
                                  "makes the account for it",
                                  STR_ARG(name), STR_ARG(name)));
    } else if (!c->harden && r->autoapproves) {
        end_approver(r, c, a, ret);
    } else if (r->returning == c->harden) {
        r->returning = !c->harden;
        set_event(ret, r->returning ? "cluster-returning" : "cluster-hardened", r, c, STR(""), a);
    }
}

static bool has_word(struct str words, struct str word)
{
    while (words.n) {
        if (str_eq(str_cut(&words, ' '), word))
            return true;
    }
    return false;
}

/* A server that starts sees all requests that are still pending. */
static void apply_request(struct cluster_record *r, const struct cluster_change *c, struct arena *a,
                          struct cluster_outcome *ret)
{
    struct str rest = c->request, name = str_cut(&rest, ':');
    if (has_word(r->told_requests, name))
        return;
    if (name.n <= REQUESTS_MAX_BYTES && !memchr(name.p, ' ', name.n))
        r->told_requests =
            r->told_requests.n ? ARENA_JOIN(a, r->told_requests, STR(" "), name) : name;
    while (r->told_requests.n > REQUESTS_MAX_BYTES)
        str_cut(&r->told_requests, ' ');
    set_event(ret, "cluster-request", r, c, c->request, a);
}

void cluster_apply(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                   struct arena *a, struct cluster_outcome *ret)
{
    *ret = (struct cluster_outcome){.status = 200};
    switch (c->kind) {
    case CLUSTER_ASK: apply_ask(r, c, wall_ms, a, ret); break;
    case CLUSTER_REPORT: apply_report(r, c, wall_ms, a, ret); break;
    case CLUSTER_SEEN: apply_seen(r, c, a, ret); break;
    case CLUSTER_CERTIFICATE: apply_certificate(r, c, wall_ms, a, ret); break;
    case CLUSTER_CLOCK: apply_clock(r, c, a, ret); break;
    case CLUSTER_RENEW: apply_renew(r, c, a, ret); break;
    case CLUSTER_CERTS: apply_certs(r, c, wall_ms, a, ret); break;
    case CLUSTER_RESET: apply_reset(r, c, wall_ms, a, ret); break;
    case CLUSTER_ADOPT: apply_adopt(r, c, wall_ms, a, ret); break;
    case CLUSTER_BINDING: apply_binding(r, c, a, ret); break;
    case CLUSTER_HARDEN: apply_harden(r, c, a, ret); break;
    case CLUSTER_STUCK: apply_stuck(r, c, a, ret); break;
    case CLUSTER_REQUEST: apply_request(r, c, a, ret); break;
    }
}
