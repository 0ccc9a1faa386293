/* SPDX-License-Identifier: Apache-2.0 */
/* The clusters' tokens, renewed by a port of the test's while months pass. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "core/internal.h"
#include "crypto/keys.h"

#include <errno.h>

#define DAY_MS INT64_C(86400000)
#define START_MS INT64_C(1795343968000) /* openfleet's */

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct sealer *sealer;
static struct arena texts;
static int64_t wall_ms;

static struct {
    struct renewal_port port;
    struct renewal *renewal; /* that began last, and has not ended */
    struct renewal_wish wish;
    int refuses; /* of renewal_begin */
    unsigned begun, ended;
} cluster;

static int on_begin(void *cls, const struct renewal_wish *wish, struct renewal **ret, struct err *e)
{
    (void)cls;
    if (cluster.refuses)
        return err_set(e, cluster.refuses, "refused");
    cluster.renewal = calloc(1, sizeof(*cluster.renewal));
    cluster.renewal->port = &cluster.port;
    cluster.wish = *wish;
    cluster.wish.bearer = arena_str(&texts, wish->bearer);
    cluster.wish.account = arena_str(&texts, wish->account);
    cluster.wish.endpoint = arena_str(&texts, wish->endpoint);
    cluster.begun++;
    *ret = cluster.renewal;
    return 0;
}

static void on_end(struct renewal *r)
{
    if (r == cluster.renewal)
        cluster.renewal = NULL;
    cluster.ended++;
    free(r);
}

static int64_t now(void)
{
    return wall_ms;
}

static int start(void **state)
{
    const struct core_host host = {.renewals = &cluster.port, .wall_ms = now};
    struct err e;
    (void)state;
    memset(&cluster, 0, sizeof(cluster));
    cluster.port = (struct renewal_port){on_begin, on_end, NULL};
    wall_ms = START_MS;
    arena_init(&texts, 16384);
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://site:1\n");
    assert_int_equal(sealer_new(tmptree_path(&files, "sealing.key"), &sealer, &e), 0);
    fleet = openfleet_start();
    core = core_new(snapshot_new(tmptree_load(&files), &secrets), fleet, sealer, &host);
    return 0;
}

static int end(void **state)
{
    (void)state;
    core_free(core);
    fleet_close(fleet);
    assert_int_equal(cluster.begun, cluster.ended);
    sealer_free(sealer);
    arena_done(&texts);
    tmptree_done(&files);
    return 0;
}

static struct cluster_token sealed(const char *account, const char *token, int64_t days)
{
    struct str purpose = keys_cluster_purpose(STR("lab"), str_from(account), &texts);
    return (struct cluster_token){.sealed = sealer_seal(sealer, purpose, str_from(token), &texts),
                                  .expires_wall_ms = START_MS + days * DAY_MS};
}

/* A cluster with tokens for so many days, 0: without that account. */
static void stand(int64_t minter, int64_t approver)
{
    const struct cluster_token none = {.sealed = STR("")};
    const struct cluster_change adopt = {
        .kind = CLUSTER_ADOPT,
        .cluster = STR("lab"),
        .cause = STR("uid 0"),
        .peer = STR(""),
        .report = {.endpoint = STR("https://k:6443"),
                   .declared = STR("https://k:6443"),
                   .ca = STR("CA"),
                   .minter = minter ? sealed("minter", "first.minter", minter) : none,
                   .approver = approver ? sealed("approver", "first.approver", approver) : none},
    };
    fleet_forget(fleet, fleet_cluster_change(fleet, &adopt, (struct waiter){0}));
    fleet_on_store(fleet);
}

static void at(int64_t days)
{
    wall_ms = START_MS + days * DAY_MS;
    fleet_rouse(fleet);
    fleet_on_store(fleet);
}

static void finish(const char *token, int64_t days, const char *why)
{
    struct renewal *r = cluster.renewal;
    r->done = true;
    r->token = str_from(token);
    r->end_wall_ms = wall_ms + days * DAY_MS;
    if (*why)
        err_set(&r->err, -EPROTO, "%s", why);
    waiter_wake(cluster.wish.waiter);
}

static struct cluster_record record(void)
{
    struct cluster_record r;
    fleet_cluster(fleet, STR("lab"), &texts, &r);
    return r;
}

static const char *bearer(const char *account)
{
    struct cluster_record r = record();
    struct str text, purpose = keys_cluster_purpose(STR("lab"), str_from(account), &texts);
    const struct cluster_token *t = strcmp(account, "minter") == 0 ? &r.minter : &r.approver;
    assert_true(sealer_unseal(sealer, purpose, t->sealed, &texts, &text));
    return text.p;
}

/* The detail of the newest event, which must be of that kind. */
static const char *event(const char *kind)
{
    const struct store_entry *e, *last = NULL;
    for (uint64_t after = 0; (e = fleet_next_event(fleet, after)); after = e->id)
        last = e;
    assert_non_null(last);
    assert_str_equal(last->event.kind, str_from(kind));
    return arena_str(&texts, last->event.bytes).p;
}

static void at_a_third_of_its_life(void **state)
{
    (void)state;
    stand(90, 0);
    at(29);
    assert_int_equal(cluster.begun, 0);
    at(30);
    assert_int_equal(cluster.begun, 1);
    assert_str(cluster.wish.bearer, "first.minter");
    assert_str(cluster.wish.account, "cloudseed-minter");
    assert_str(cluster.wish.endpoint, "https://k:6443");
    assert_int_equal(cluster.wish.seconds, 90 * 86400);
    at(31); /* it is under way */
    assert_int_equal(cluster.begun, 1);
    finish("second.minter", 30, "");                       /* the API server gives less */
    assert_string_equal(bearer("minter"), "first.minter"); /* it is not written yet */
    fleet_on_store(fleet);
    assert_string_equal(bearer("minter"), "second.minter");
    assert_contains(event("cluster-renewed"), "the minter's token");
    assert_null(strstr(event("cluster-renewed"), "second"));
    at(40);
    assert_int_equal(cluster.begun, 1);
    at(41);
    assert_int_equal(cluster.begun, 2);
    assert_str(cluster.wish.bearer, "second.minter");
}

static void each_account_has_its_own(void **state)
{
    (void)state;
    stand(90, 30);
    at(10);
    assert_str(cluster.wish.account, "cloudseed-approver");
    finish("second.approver", 90, "");
    at(10);
    assert_string_equal(bearer("approver"), "second.approver");
    assert_string_equal(bearer("minter"), "first.minter");
    at(30);
    assert_int_equal(cluster.begun, 2);
    assert_str(cluster.wish.account, "cloudseed-minter");
}

static void beats_until(unsigned begun, unsigned least, unsigned most)
{
    unsigned n = 0;
    while (cluster.begun < begun && n < 1000) {
        fleet_rouse(fleet);
        n++;
    }
    assert_in_range(n, least, most);
}

static void what_fails_is_tried_again(void **state)
{
    (void)state;
    stand(90, 0);
    at(30);
    unsigned most = 4;
    for (unsigned i = 2; i < 12; i++) {
        finish("", 0, "HTTP 500");
        assert_string_equal(renewings_trouble(core->renewings, STR("lab"), CLUSTER_MINTER),
                            "HTTP 500");
        beats_until(i, most / 2, most);
        most = most * 2 < 240 ? most * 2 : 240;
    }
    finish("second.minter", 90, "");
    fleet_on_store(fleet);
    assert_null(renewings_trouble(core->renewings, STR("lab"), CLUSTER_MINTER));
    cluster.refuses = -EBUSY;
    at(60 + 40);
    assert_string_equal(renewings_trouble(core->renewings, STR("lab"), CLUSTER_MINTER), "refused");
    cluster.refuses = 0;
    beats_until(12, 1, 4);
}

static void at_half_of_its_life_it_is_told(void **state)
{
    (void)state;
    stand(90, 0);
    at(30);
    finish("", 0, "HTTP 403");
    at(44);
    assert_false(record().minter.is_late);
    at(45);
    assert_true(record().minter.is_late);
    assert_contains(
        event("cluster-late"),
        "the token of cloudseed-minter ends 2027-02-20T10:39:28.000Z and cannot be "
        "renewed: HTTP 403: until then 'cloudseed cluster adopt lab --kubeconfig FILE'");
    uint64_t newest;
    assert_true(fleet_newest_event(fleet, &newest));
    at(46);
    assert_null(fleet_next_event(fleet, newest)); /* once */
    at(60);
    assert_int_equal(cluster.begun, 2);
    finish("second.minter", 90, "");
    fleet_on_store(fleet);
    assert_false(record().minter.is_late);
}

/* A server that was off for longer than its token lived. */
static void after_its_end(void **state)
{
    (void)state;
    stand(90, 0);
    at(100);
    assert_int_equal(cluster.begun, 1); /* our clock may be wrong */
    finish("", 0, "HTTP 401: Unauthorized");
    fleet_on_store(fleet);
    assert_contains(event("cluster-late"),
                    "the token of cloudseed-minter ended 2027-02-20T10:39:28.000Z and cannot be "
                    "renewed: HTTP 401: Unauthorized: run 'cloudseed cluster adopt lab "
                    "--kubeconfig FILE' to make another");
    stand(200, 0); /* the admin does */
    assert_false(record().minter.is_late);
    assert_null(renewings_trouble(core->renewings, STR("lab"), CLUSTER_MINTER));
}

static void another_token_ends_the_renewal(void **state)
{
    (void)state;
    stand(90, 0);
    at(30);
    stand(80, 0);
    assert_int_equal(cluster.ended, 1);
    at(31);
    const struct cluster_change reset = {
        .kind = CLUSTER_RESET, .cluster = STR("lab"), .cause = STR("uid 0"), .peer = STR("")};
    fleet_forget(fleet, fleet_cluster_change(fleet, &reset, (struct waiter){0}));
    fleet_on_store(fleet);
    assert_int_equal(cluster.begun, cluster.ended);
    at(80);
    assert_null(cluster.renewal);
}

static void a_clock_that_was_set_back(void **state)
{
    (void)state;
    stand(90, 0);
    at(-1);
    assert_int_equal(cluster.begun, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(at_a_third_of_its_life), TEST(each_account_has_its_own),
          TEST(what_fails_is_tried_again), TEST(at_half_of_its_life_it_is_told),
          TEST(after_its_end), TEST(another_token_ends_the_renewal),
          TEST(a_clock_that_was_set_back))
