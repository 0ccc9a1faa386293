/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster's nodes are to do, in each of its states; and its record as JSON, both ways. */
#include "lib/unit.h"

#include "base/fs.h"
#include "base/json.h"
#include "fleet/cluster.h"

#include <errno.h>
#include <stdlib.h>

#define ENDPOINT STR("https://api:6443")

static struct arena arena;
static struct cluster_record r;
static struct cluster_outcome out;
static struct cluster_master masters[3];
static struct str only;
static bool has_joined;
static struct str certificate, unfit;
static enum cluster_probe probe;
static int64_t now;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 65536);
    cluster_record_init(&r);
    for (unsigned i = 0; i < 3; i++) {
        struct str name = arena_printf(&arena, "m%u", i + 1);
        masters[i] = (struct cluster_master){name, name, STATE_REGISTERED, 1};
    }
    only = STR("");
    has_joined = false;
    unfit = STR("");
    certificate = STR("1:key");
    probe = CLUSTER_ABSENT;
    now = 4711;
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* "m1" asks, or "m1 2 c9 d9": generation, claim, disk; by default 1, its name and its name. */
static struct cluster_boot boot(const char *who)
{
    struct str rest = arena_str(&arena, str_from(who));
    struct str uid = str_cut(&rest, ' ');
    struct cluster_boot b = {uid, uid, 1, uid, uid};
    if (rest.p && rest.n) {
        b.generation = (uint32_t)(str_cut(&rest, ' ').p[0] - '0');
        b.claim = str_cut(&rest, ' ');
        b.machine = rest;
    }
    return b;
}

static struct cluster_outcome *apply(struct cluster_change c)
{
    c.cluster = STR("lab");
    cluster_apply(&r, &c, now, &arena, &out);
    return &out;
}

static struct cluster_outcome *ask(const char *who)
{
    return apply((struct cluster_change){
        .kind = CLUSTER_ASK,
        .by = boot(who),
        .ask = {who[0] == 'm', has_joined, masters, 3, only, certificate, unfit, probe,
                STR("api:6443")},
    });
}

static struct cluster_outcome *report_as(const char *who, struct str endpoint, struct str ca)
{
    return apply((struct cluster_change){
        .kind = CLUSTER_REPORT,
        .by = boot(who),
        .report = {endpoint, ENDPOINT, ca, {STR("1:aa"), 5000}, {STR(""), 0}, false},
    });
}

static struct cluster_outcome *report(const char *who)
{
    return report_as(who, ENDPOINT, STR("CA"));
}

static const char *answer(void);
static const char *event(void);

/* "200 EVENT" or "409 REASON". */
static void adopts(struct str endpoint, const char *ca, bool replaces, const char *want)
{
    apply((struct cluster_change){
        .kind = CLUSTER_ADOPT,
        .report = {endpoint, ENDPOINT, str_from(ca), {STR("1:bb"), 6000}, {STR(""), 0}, replaces},
    });
    const char *got = out.status == 200 ? arena_printf(&arena, "200 %s", event()).p : answer();
    if (strcmp(got, want) != 0)
        fail_msg("%s instead of %s", got, want);
}

static void reset(void)
{
    assert_int_equal(apply((struct cluster_change){.kind = CLUSTER_RESET})->status, 200);
}

/* "init", "join", "none", "REASON of NODE" or "403 REASON". */
static const char *answer(void)
{
    const struct cluster_decision *d = &out.decision;
    switch (d->verdict) {
    case CLUSTER_DO_INIT: return "init";
    case CLUSTER_DO_JOIN: return "join";
    case CLUSTER_DO_NONE: return "none";
    case CLUSTER_DO_PROBE: assert_false(out.writes); return "probe";
    case CLUSTER_DO_WAIT:
        assert_true(d->detail.n && d->detail.n <= 512 && out.status == 200);
        return arena_printf(&arena, "%s of %.*s", d->reason, STR_ARG(d->of)).p;
    case CLUSTER_DO_REFUSE:
        assert_true(d->detail.n && d->detail.n <= 512 && !out.writes);
        return arena_printf(&arena, "%d %s", out.status, d->reason).p;
    }
    return "";
}

static void asks(const char *who, const char *want)
{
    ask(who);
    if (strcmp(answer(), want) != 0)
        fail_msg("%s: %s instead of %s", who, answer(), want);
}

static void reports(const char *who, const char *want)
{
    report(who);
    if (strcmp(out.status == 200 ? "200" : answer(), want) != 0)
        fail_msg("%s: %s instead of %s", who, answer(), want);
}

static const char *event(void)
{
    return out.event.kind ? out.event.kind : "";
}

/* --- The order ------------------------------------------------------------------------------- */

/* Brings the cluster, made by m1, to each of its phases. */
static void enter(const char *phase)
{
    end(NULL);
    begin(NULL);
    if (strcmp(phase, "none") == 0)
        return;
    ask("m1");
    if (strcmp(phase, "init") == 0)
        return;
    reports("m1", "200");
    if (strcmp(phase, "unconfirmed") == 0)
        r.phase = CLUSTER_UNCONFIRMED;
    else
        assert_string_equal(phase, "standing");
}

static void every_phase(void **state)
{
    static const struct {
        const char *phase, *who, *want;
    } table[] = {
        {"none", "w1", "waits-for-master of m1"},
        {"none", "m1", "init"},
        {"none", "m3", "init"},
        {"init", "w1", "waits-for-master of m1"},
        {"init", "m1", "init"},
        {"init", "m1 1 later m1", "init"},
        {"init", "m1 2 later other", "init"},
        {"init", "m2", "waits-for-master of m1"},
        {"standing", "w1", "join"},
        {"standing", "m1", "init"},
        {"standing", "m1 1 later m1", "init"},
        {"standing", "m1 1 m1 other", "init"},
        {"standing", "m1 1 later other", "403 cluster-exists"},
        {"standing", "m1 2 later m1", "403 cluster-exists"},
        {"standing", "m2", "join"},
        {"unconfirmed", "w1", "waits-for-master of "},
        {"unconfirmed", "m1", "waits-for-master of "},
        {"unconfirmed", "m2", "waits-for-master of "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        enter(table[i].phase);
        asks(table[i].who, table[i].want);
    }
}

static void the_first_master_keeps_the_lease(void **state)
{
    (void)state;
    asks("m2", "init");
    assert_string_equal(event(), "cluster-init");
    assert_true(out.writes && r.phase == CLUSTER_INIT && r.since_wall_ms == 4711);
    asks("m2", "init");
    assert_false(out.writes);
    asks("m1", "waits-for-master of m2");
    assert_false(out.writes);
    asks("m2 1 later m2", "init");
    assert_true(out.writes);
    assert_string_equal(event(), "");
    assert_str(r.holder.claim, "later");
    masters[1].state = STATE_FAILED;
    asks("w1", "waits-for-master of m2");
    assert_contains(out.decision.detail.p, "cluster reset lab");
}

static void an_endpoint_that_answers(void **state)
{
    (void)state;
    probe = CLUSTER_UNPROBED;
    asks("w1", "waits-for-master of m1");
    asks("m1", "probe");
    probe = CLUSTER_ANSWERED;
    asks("m1", "waits-for-master of ");
    assert_false(out.writes);
    assert_contains(out.decision.detail.p, "something answers at api:6443");
    assert_contains(out.decision.detail.p, "run 'cloudseed cluster adopt lab'");
    probe = CLUSTER_ABSENT;
    asks("m1", "init");
    probe = CLUSTER_UNPROBED; /* it may be the holder's own from now on */
    asks("m1", "init");
    asks("m2", "waits-for-master of m1");
    reset();
    asks("m1", "probe");
    unfit = STR("its kubeadm is too old");
    asks("m1", "403 version");
}

static void init_is_the_same_until_it_is_nearly_over(void **state)
{
    (void)state;
    asks("m2", "init");
    assert_int_equal(out.decision.expires_wall_ms, 4711 + 15 * 60000);
    now = 4711 + 14 * 60000;
    asks("m2", "init");
    assert_int_equal(out.decision.expires_wall_ms, 4711 + 15 * 60000);
    assert_false(out.writes);
    now++;
    asks("m2", "init");
    assert_int_equal(out.decision.expires_wall_ms, now + 15 * 60000);
    assert_true(out.writes);
    assert_string_equal(event(), "");
    now = 0; /* the clock was set back */
    asks("m2", "init");
    assert_int_equal(out.decision.expires_wall_ms, 15 * 60000);
}

static void gets_key(const char *key)
{
    asks("m2", "init");
    assert_str_equal(out.decision.certificate, str_from(key));
    assert_str_equal(r.certificate.sealed, str_from(key));
}

/* Once the cluster stands, what it has uploaded can be read with no other key. */
static void the_certificate_key_lives_two_hours(void **state)
{
    (void)state;
    certificate = STR("");
    gets_key("");
    certificate = STR("1:aa");
    gets_key("1:aa");
    certificate = STR("1:bb");
    now += 2 * 60 * 60000 - 1;
    gets_key("1:aa");
    now++;
    gets_key("1:bb");
    reports("m2", "200");
    certificate = STR("1:cc");
    gets_key("1:bb");
    now += 2 * 60 * 60000;
    gets_key("");
    reset();
    gets_key("1:cc");
    reset();
    assert_int_equal(r.certificate.sealed.n, 0);
}

static void a_holder_that_was_removed_holds(void **state)
{
    (void)state;
    asks("m2", "init");
    masters[1].uid = STR("another");
    asks("m1", "waits-for-master of m2");
    assert_contains(out.decision.detail.p, "'cloudseed cluster reset lab' lets another");
}

static void an_endpoint_that_is_a_masters(void **state)
{
    (void)state;
    only = STR("m2");
    asks("m1", "waits-for-master of m2");
    asks("w1", "waits-for-master of m2");
    asks("m2", "init");
}

/* Nothing is written, so that another master, or this one with another kubeadm, can begin. */
static void a_kubeadm_that_cannot_make_it(void **state)
{
    (void)state;
    unfit = STR("kubeadm on m1 is v1.30.1");
    asks("m1", "403 version");
    assert_str(out.decision.detail, "kubeadm on m1 is v1.30.1");
    assert_true(r.phase == CLUSTER_NONE && !r.holder.uid.n);
    unfit = STR("");
    asks("m1", "init");
    unfit = STR("another");
    asks("m1", "403 version");
    asks("m2", "waits-for-master of m1");
    report("m1");
    asks("m1", "init"); /* it has run already */
    asks("m2", "join"); /* the live version decides */
}

static struct cluster_outcome *see(uint32_t epoch, const char *version)
{
    return apply((struct cluster_change){.kind = CLUSTER_SEEN, .seen = {epoch, str_from(version)}});
}

static void the_version_that_it_runs(void **state)
{
    (void)state;
    enter("init");
    assert_false(see(1, "1.29.15")->writes);
    report("m1");
    assert_true(see(1, "1.29.15")->writes);
    assert_string_equal(event(), "cluster-version");
    assert_str(r.version, "1.29.15");
    assert_false(see(1, "1.29.15")->writes);
    assert_false(see(2, "1.30.0")->writes); /* of another epoch */
    reports("m1", "200");
    assert_str(r.version, "1.29.15");
    assert_true(see(1, "1.30.0")->writes);
    reset();
    assert_int_equal(r.version.n, 0);
}

#define DAY_MS INT64_C(86400000)

static struct cluster_outcome *show_certificate(uint32_t epoch, int64_t end_wall_ms)
{
    return apply(
        (struct cluster_change){.kind = CLUSTER_CERTIFICATE, .shown = {epoch, end_wall_ms}});
}

static void a_certificate_that_ends(void **state)
{
    int64_t day = now + 30 * DAY_MS;
    (void)state;
    enter("init");
    assert_false(show_certificate(1, day)->writes);
    report("m1");
    assert_false(show_certificate(1, day + 1)->writes);
    assert_false(show_certificate(2, day)->writes);
    assert_true(show_certificate(1, day)->writes);
    assert_string_equal(event(), "cluster-certificate");
    assert_false(show_certificate(1, day)->writes);
    assert_false(show_certificate(1, day - DAY_MS)->writes); /* another master's */
    assert_false(show_certificate(1, now - DAY_MS)->writes);
    now += 365 * DAY_MS; /* it was renewed */
    assert_true(show_certificate(1, day + 365 * DAY_MS)->writes);
}

static struct cluster_outcome *show_clock(int64_t ahead_ms)
{
    return apply((struct cluster_change){.kind = CLUSTER_CLOCK, .clock = {1, ahead_ms}});
}

static void a_clock_that_is_off(void **state)
{
    (void)state;
    enter("init");
    assert_false(show_clock(90000)->writes);
    report("m1");
    assert_false(show_clock(-60000)->writes);
    assert_true(show_clock(-61000)->writes);
    assert_string_equal(event(), "cluster-clock");
    assert_false(show_clock(-31000)->writes);
    assert_true(show_clock(-30000)->writes);
    assert_string_equal(event(), "cluster-clock");
    assert_false(show_clock(0)->writes);
    assert_true(show_clock(61000)->writes);
}

static struct cluster_outcome *renew(uint32_t epoch, const char *former, const char *sealed)
{
    return apply((struct cluster_change){
        .kind = CLUSTER_RENEW,
        .renew = {epoch,
                  CLUSTER_MINTER,
                  str_from(former),
                  {.sealed = str_from(sealed), .expires_wall_ms = 9000, .made_wall_ms = 8000},
                  STR("why")}});
}

static void tokens_are_renewed(void **state)
{
    (void)state;
    enter("standing");
    assert_int_equal(r.minter.made_wall_ms, 4711);
    assert_int_equal(r.approver.made_wall_ms, 0);
    assert_false(renew(1, "1:bb", "1:cc")->writes); /* an admin was faster */
    assert_false(renew(2, "1:aa", "1:cc")->writes);
    assert_true(renew(1, "1:aa", "")->writes);
    assert_string_equal(event(), "cluster-late");
    assert_true(r.minter.is_late);
    assert_str(r.minter.sealed, "1:aa");
    assert_false(renew(1, "1:aa", "")->writes);
    assert_true(renew(1, "1:aa", "1:cc")->writes);
    assert_string_equal(event(), "cluster-renewed");
    assert_str(r.minter.sealed, "1:cc");
    assert_true(!r.minter.is_late && r.minter.expires_wall_ms == 9000);
}

static const char *sees_binding(uint32_t epoch, bool approves)
{
    bool writes =
        apply((struct cluster_change){.kind = CLUSTER_BINDING, .binding = {epoch, approves}})
            ->writes;
    return writes ? event() : "";
}

static const char *harden(bool on)
{
    apply((struct cluster_change){.kind = CLUSTER_HARDEN, .harden = on});
    return out.status == 200 ? out.writes ? event() : "" : out.decision.reason;
}

static void a_binding_that_comes_back_is_told_once(void **state)
{
    (void)state;
    enter("standing");
    assert_string_equal(sees_binding(1, true), ""); /* nobody of ours approves there */
    r.approver.sealed = STR("1:bb");
    assert_string_equal(sees_binding(2, true), ""); /* of another epoch */
    assert_string_equal(sees_binding(1, false), "");
    assert_string_equal(sees_binding(1, true), "cluster-autoapproves");
    assert_string_equal(sees_binding(1, true), "");
    assert_string_equal(sees_binding(1, false), "cluster-hardened");
    assert_str(r.approver.sealed, "1:bb");
}

/* Not before the cluster is seen to approve by itself: nobody would, meanwhile. */
static void approval_is_handed_back(void **state)
{
    (void)state;
    enter("init");
    assert_string_equal(harden(false), "no-approver");
    report("m1");
    assert_string_equal(harden(false), "no-approver");
    r.approver.sealed = STR("1:bb");
    assert_string_equal(harden(true), "");
    assert_string_equal(harden(false), "cluster-returning");
    assert_string_equal(harden(false), "");
    assert_str(r.approver.sealed, "1:bb");
    assert_string_equal(harden(true), "cluster-hardened");
    assert_string_equal(sees_binding(1, true), "cluster-autoapproves");
    assert_string_equal(harden(false), "cluster-returned"); /* it does already */
    assert_true(r.approver.sealed.n == 0 && !r.returning);
    r.approver.sealed = STR("1:bb");
    sees_binding(1, false);
    harden(false);
    assert_string_equal(sees_binding(1, true), "cluster-returned");
    assert_true(r.approver.sealed.n == 0 && !r.returning);
    assert_string_equal(harden(true), "no-approver");
}

static bool request(const char *name)
{
    struct str text = ARENA_JOIN(&arena, str_from(name), STR(": no node n is known"));
    return apply((struct cluster_change){.kind = CLUSTER_REQUEST, .request = text})->writes;
}

static void a_request_of_nobody_is_told_once(void **state)
{
    (void)state;
    enter("standing");
    assert_true(request("csr-1"));
    assert_string_equal(event(), "cluster-request");
    assert_true(request("csr-11"));
    assert_false(request("csr-1"));
    for (int i = 100; i < 1000; i++)
        assert_true(request(arena_printf(&arena, "csr-%d", i).p));
    assert_true(r.told_requests.n <= 2048);
    assert_false(request("csr-999"));
    assert_true(request("csr-1"));
}

static void a_cluster_without_masters(void **state)
{
    struct cluster_change c = {.kind = CLUSTER_ASK, .by = boot("w1")};
    (void)state;
    apply(c);
    assert_string_equal(answer(), "waits-for-master of ");
    assert_contains(out.decision.detail.p, "lab has no master");
}

static void it_is_reported_by_the_holder(void **state)
{
    (void)state;
    reports("m1", "403 not-lease-holder");
    ask("m1");
    reports("m2", "403 not-lease-holder");
    assert_contains(out.decision.detail.p, "m1 makes the cluster lab, not m2");
    reports("m1 1 later m1", "403 not-lease-holder");
    reports("m1 2 m1 m1", "403 not-lease-holder");
    report_as("m1", STR("https://other:6443"), STR("CA"));
    assert_string_equal(answer(), "403 other-cluster");
    assert_true(r.phase == CLUSTER_INIT);
    reports("m1", "200");
    assert_string_equal(event(), "cluster-standing");
    assert_true(r.phase == CLUSTER_STANDING);
    assert_str(r.ca, "CA");
}

static void a_repeat_replaces_only_tokens(void **state)
{
    (void)state;
    enter("standing");
    r.minter.sealed = STR("1:old");
    reports("m1", "200");
    assert_string_equal(event(), "cluster-tokens");
    assert_str(r.minter.sealed, "1:aa");
    report_as("m1", ENDPOINT, STR("CB"));
    assert_string_equal(answer(), "403 other-cluster");
    assert_str(r.ca, "CA");
}

static void a_reset_begins_another_epoch(void **state)
{
    (void)state;
    enter("init");
    reset();
    assert_string_equal(event(), "cluster-reset");
    assert_true(r.epoch == 2 && r.phase == CLUSTER_NONE && !r.holder.uid.n);
    reports("m1", "403 not-lease-holder");
    asks("m3", "init");
    reports("m1", "403 not-lease-holder");
    asks("m1", "waits-for-master of m3");
    enter("standing");
    asks("m2", "join");
    reset();
    assert_true(!r.ca.n && !r.endpoint.n && !r.minter.sealed.n && !r.turn.uid.n);
    r.epoch = UINT32_MAX;
    assert_int_equal(apply((struct cluster_change){.kind = CLUSTER_RESET})->status, 409);
    assert_false(out.writes);
}

static void certs(const char *key)
{
    apply((struct cluster_change){.kind = CLUSTER_CERTS, .certificate = str_from(key)});
}

static void a_cluster_that_runs_is_adopted(void **state)
{
    (void)state;
    adopts(STR("https://other:6443"), "CA", true, "409 other-cluster");
    adopts(ENDPOINT, "CA", false, "200 cluster-adopted");
    assert_true(r.phase == CLUSTER_STANDING && r.epoch == 1 && !r.holder.uid.n);
    assert_str(r.minter.sealed, "1:bb");
    asks("m1", "waits-for-certificates of "); /* no 'init', for nobody has made it */
    certs("1:key");
    asks("m1", "join");
    asks("m2", "waits-for-turn of m1");
    r.minter.sealed = STR("1:admin");
    reports("m1", "200"); /* an admin has reported what it made */
    assert_false(out.writes);
    assert_str(r.minter.sealed, "1:admin");
    report_as("m1", ENDPOINT, STR("OTHER"));
    assert_string_equal(answer(), "403 not-lease-holder");
    assert_contains(out.decision.detail.p, "m1 has made another one: if nobody uses that");
    r.minter.sealed = STR("1:old");
    adopts(ENDPOINT, "CA", false, "200 cluster-tokens");
    assert_str(r.minter.sealed, "1:bb");
    assert_str(r.turn.uid, "m1");
    enter("init");
    adopts(ENDPOINT, "CA", true, "409 makes-cluster");
    assert_contains(out.decision.detail.p, "m1 makes the cluster lab and will report it");
}

static void an_adoption_of_another_ca(void **state)
{
    (void)state;
    enter("standing");
    adopts(ENDPOINT, "CA", false, "200 cluster-tokens");
    assert_str(r.holder.uid, "m1");
    adopts(ENDPOINT, "CB", false, "409 other-cluster");
    assert_str(r.ca, "CA");
    adopts(ENDPOINT, "CB", true, "200 cluster-adopted");
    assert_true(r.epoch == 2 && !r.holder.uid.n && !r.turn.uid.n);
    assert_str(r.ca, "CB");
    certs("1:key");
    asks("m1", "join");
    enter("standing");
    r.epoch = UINT32_MAX;
    adopts(ENDPOINT, "CB", true, "409 epochs");
    assert_str(r.ca, "CA");
}

/* What the record says of it may be out of date, but not what the admin says. */
static void an_adoption_after_a_restore(void **state)
{
    (void)state;
    enter("unconfirmed");
    asks("m2", "waits-for-master of ");
    assert_contains(out.decision.detail.p, "cluster adopt lab");
    adopts(ENDPOINT, "CA", false, "200 cluster-adopted");
    assert_true(r.phase == CLUSTER_STANDING && r.epoch == 1);
    asks("m1 2 new new", "403 cluster-exists");
    enter("unconfirmed");
    adopts(ENDPOINT, "CB", false, "200 cluster-adopted");
    assert_true(r.epoch == 2 && !r.holder.uid.n);
    enter("init"); /* that was unfinished in the backup: by now somebody has made it */
    r.phase = CLUSTER_UNCONFIRMED;
    adopts(ENDPOINT, "CA", false, "200 cluster-adopted");
    certs("1:key");
    asks("m1", "join");
}

/* As the API server has it, as a file has it: what counts is which keys it has. */
static void the_same_ca_in_other_words(void **state)
{
    struct str report, pem, noted;
    struct value v;
    struct err e;
    char path[4096];
    (void)state;
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(path, sizeof(path), "%s/tests/golden/bootstrap/requests/cluster.json",
             source ? source : ".");
    assert_int_equal(fs_read(path, 65536, &arena, &report, &e), 0);
    assert_int_equal(json_read(report, &arena, &v, &e), 0);
    pem = value_get_text(v, STR("ca"));
    noted = ARENA_JOIN(&arena, STR("# the CA\n"), pem);
    adopts(ENDPOINT, pem.p, false, "200 cluster-adopted");
    adopts(ENDPOINT, noted.p, false, "200 cluster-tokens");
    adopts(ENDPOINT, "# the CA\n", false, "409 other-cluster");
}

static void a_holder_that_is_built_again(void **state)
{
    (void)state;
    enter("standing");
    asks("m1 2 new new", "403 cluster-exists");
    assert_contains(out.decision.detail.p, "restore etcd from a snapshot");
    asks("m1 1 new ", "403 cluster-exists"); /* it has not said which disk */
    masters[0].state = STATE_READY;          /* its own former life is none */
    asks("m1 2 new new", "403 cluster-exists");
    masters[2].state = STATE_READY;
    asks("m1 2 new new", "join");
    masters[0] = (struct cluster_master){STR("m1"), STR("m1"), STATE_JOINING, 2};
    assert_str(r.turn.uid, "m1");
    reports("m1 2 new new", "403 not-lease-holder");
    asks("m2", "waits-for-turn of m1");
}

static void masters_go_one_at_a_time(void **state)
{
    (void)state;
    enter("standing");
    asks("m3", "join");
    assert_string_equal(event(), "cluster-turn");
    masters[2].state = STATE_JOINING;
    asks("m3", "join");
    assert_false(out.writes);
    asks("m2", "waits-for-turn of m3");
    assert_str(out.decision.detail,
               "waits for m3 to become Ready: the masters of lab join one at a time");
    asks("w1", "join");
    masters[2].state = STATE_READY;
    asks("m2", "join");
    assert_str(r.turn.uid, "m2");
}

static void further_masters_get_the_certificate_key(void **state)
{
    (void)state;
    enter("standing");
    now += 1000;
    asks("m2", "join");
    assert_str(out.decision.certificate, "1:key");
    assert_int_equal(out.decision.expires_wall_ms, 4711 + 2 * 60 * 60000);
    asks("w1", "join");
    assert_int_equal(out.decision.certificate.n, 0);
}

/* Who waits for certificates takes no turn. */
static void without_certificates_masters_wait(void **state)
{
    (void)state;
    enter("standing");
    now += 2 * 60 * 60000 - 60 * 1000;
    asks("m2", "join");
    now++;
    asks("m2", "waits-for-certificates of ");
    asks("m3", "waits-for-turn of m2");
    masters[1].state = STATE_READY;
    asks("m3", "waits-for-certificates of ");
    assert_contains(out.decision.detail.p, "'kubeadm init phase upload-certs --upload-certs …'");
    assert_true(!out.writes && str_is(r.turn.uid, "m2"));
    asks("w1", "join");
    now = 4710; /* the clock was set back: nobody knows what is left */
    asks("m3", "waits-for-certificates of ");
}

static void an_admin_uploads_the_certificates_again(void **state)
{
    static const char *const early[] = {"none", "init", "unconfirmed"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        enter(early[i]);
        certs("1:new");
        assert_int_equal(out.status, 409);
        assert_contains(out.decision.detail.p, early[i]);
        assert_false(out.writes || str_is(r.certificate.sealed, "1:new"));
    }
    enter("standing");
    now += 3 * 60 * 60000;
    certs("1:new");
    assert_true(out.status == 200 && out.writes);
    assert_string_equal(event(), "cluster-certs");
    assert_str(out.decision.certificate, "1:new");
    assert_int_equal(out.decision.expires_wall_ms, now + 2 * 60 * 60000);
    now += 60 * 60000;
    asks("m2", "join");
    assert_str(out.decision.certificate, "1:new");
    certs("1:newer");
    asks("m2", "join");
    assert_str(out.decision.certificate, "1:newer");
}

static struct cluster_outcome *stick(uint32_t epoch, const char *who, uint32_t generation)
{
    struct cluster_change c = {.kind = CLUSTER_STUCK, .by = boot(who), .stuck_epoch = epoch};
    c.by.generation = generation;
    return apply(c);
}

static void one_that_failed_is_told_at_once(void **state)
{
    (void)state;
    enter("standing");
    asks("m3", "join");
    assert_false(stick(2, "m3", 1)->writes);
    assert_false(stick(1, "m2", 1)->writes);
    assert_false(stick(1, "m3", 2)->writes);
    assert_true(stick(1, "m3", 1)->writes);
    assert_string_equal(event(), "cluster-stuck");
    assert_false(stick(1, "m3", 1)->writes);
    masters[2].state = STATE_FAILED;
    asks("m2", "waits-for-turn of m3");
    assert_false(out.writes);
}

static void one_that_failed_holds_the_turn(void **state)
{
    (void)state;
    enter("standing");
    asks("m3", "join");
    masters[2].state = STATE_FAILED;
    asks("m2", "waits-for-turn of m3");
    assert_contains(out.decision.detail.p, "etcdctl member remove ID");
    assert_string_equal(event(), "cluster-stuck");
    assert_true(out.writes && r.turn_stuck);
    asks("m2", "waits-for-turn of m3");
    assert_false(out.writes);
    asks("m3 1 later m3", "join"); /* again */
    assert_true(!r.turn_stuck && !out.event.kind);
    masters[2].state = STATE_REGISTERED; /* its window has ended */
    asks("m2", "waits-for-turn of m3");
    assert_string_equal(event(), "cluster-stuck");
    masters[2].generation = 2; /* an admin has seen to it */
    asks("m2", "join");
    asks("m3 2 new new", "waits-for-turn of m2");
    masters[1].uid = STR("another"); /* m2 was removed */
    asks("m3 2 new new", "join");
}

static void a_member_has_nothing_to_run(void **state)
{
    (void)state;
    enter("standing");
    has_joined = true;
    asks("w1", "none");
    asks("m1", "none");
    assert_false(out.writes);
}

/* --- The record ------------------------------------------------------------------------------ */

static const char *json_of(const struct cluster_record *rec)
{
    struct buf b;
    buf_init(&b, 65536);
    assert_true(json_write(&b, cluster_record_value(rec, &arena), false));
    const char *text = arena_str(&arena, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

/* docs/formats/fleet.md shows this one. */
static void the_golden_record(void **state)
{
    struct cluster_record rec, copy;
    struct str text;
    struct err e;
    char path[4096];
    (void)state;
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(path, sizeof(path), "%s/tests/golden/fleet/cluster.json", source ? source : ".");
    assert_int_equal(fs_read(path, 65536, &arena, &text, &e), 0);
    if (cluster_record_read(text, &arena, &rec, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(json_of(&rec), arena_str(&arena, str_trim(text)).p);
    cluster_record_copy(&rec, &arena, &copy);
    assert_string_equal(json_of(&copy), json_of(&rec));
    assert_true(rec.phase == CLUSTER_STANDING && rec.epoch == 3 && rec.turn_stuck);
    assert_str(rec.holder.machine, "5ca43106e415435c8a605bda74a399da");
    assert_int_equal(rec.minter.expires_wall_ms, 1803118271000);
    assert_int_equal(rec.certificate.expires_wall_ms, 1795351168000);
    assert_int_equal(rec.init_ends_wall_ms, 1795344868000);
    assert_str(rec.turn.name, "k8s-master-2");
    assert_true(rec.autoapproves && rec.returning && rec.clock_is_off);
    assert_int_equal(rec.told_end_wall_ms, 1797935968000);
}

static void a_new_record_is_short(void **state)
{
    (void)state;
    assert_string_equal(json_of(&r), "{\"v\":1,\"phase\":\"none\",\"since_ms\":0,\"epoch\":1}");
}

static void refused(const char *json, const char *why)
{
    struct cluster_record rec = {.epoch = 4711};
    struct err e;
    assert_int_equal(cluster_record_read(str_from(json), &arena, &rec, &e), -EINVAL);
    assert_contains(e.msg, why);
    assert_int_equal(rec.epoch, 4711);
}

static void what_we_never_wrote_is_refused(void **state)
{
    (void)state;
    refused("{", "line 1");
    refused("[]", "'phase'");
    refused("{\"v\":2,\"phase\":\"none\"}", "'v'");
    refused("{\"v\":1,\"phase\":\"gone\"}", "'phase'");
    refused("{\"v\":1,\"phase\":\"none\",\"epoch\":0}", "'epoch'");
    refused("{\"v\":1,\"phase\":\"init\"}", "'holder'");
    refused("{\"v\":1,\"phase\":\"none\",\"turn\":{}}", "'turn'");
    refused("{\"v\":1,\"phase\":\"none\",\"minter\":{\"sealed\":1}}", "'sealed'");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(every_phase), TEST(the_first_master_keeps_the_lease), TEST(an_endpoint_that_answers),
          TEST(init_is_the_same_until_it_is_nearly_over), TEST(the_certificate_key_lives_two_hours),
          TEST(a_holder_that_was_removed_holds), TEST(an_endpoint_that_is_a_masters),
          TEST(a_cluster_without_masters), TEST(a_kubeadm_that_cannot_make_it),
          TEST(the_version_that_it_runs), TEST(a_certificate_that_ends), TEST(a_clock_that_is_off),
          TEST(tokens_are_renewed), TEST(a_binding_that_comes_back_is_told_once),
          TEST(approval_is_handed_back), TEST(a_request_of_nobody_is_told_once),
          TEST(it_is_reported_by_the_holder), TEST(a_repeat_replaces_only_tokens),
          TEST(a_reset_begins_another_epoch), TEST(a_cluster_that_runs_is_adopted),
          TEST(an_adoption_of_another_ca), TEST(an_adoption_after_a_restore),
          TEST(the_same_ca_in_other_words), TEST(a_holder_that_is_built_again),
          TEST(masters_go_one_at_a_time), TEST(further_masters_get_the_certificate_key),
          TEST(without_certificates_masters_wait), TEST(an_admin_uploads_the_certificates_again),
          TEST(one_that_failed_is_told_at_once), TEST(one_that_failed_holds_the_turn),
          TEST(a_member_has_nothing_to_run), TEST(the_golden_record), TEST(a_new_record_is_short),
          TEST(what_we_never_wrote_is_refused))
