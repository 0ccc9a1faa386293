/* SPDX-License-Identifier: Apache-2.0 */
/* What API servers show of themselves, by a port of the test's while hours pass. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "core/internal.h"
#include "crypto/keys.h"

#include <errno.h>

#define DAY_MS INT64_C(86400000)
#define START_MS INT64_C(1795343968000) /* openfleet's */
#define MINUTE 4                        /* heartbeats */
#define HOUR 240

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct sealer *sealer;
static struct arena texts;

static struct {
    struct checkup_port port;
    struct checkup *checkup; /* that began last, and has not ended */
    struct checkup_target target;
    int refuses; /* of checkup_begin */
    unsigned begun, ended;
} cluster;

static int on_begin(void *cls, const struct checkup_target *t, struct checkup **ret, struct err *e)
{
    (void)cls;
    if (cluster.refuses)
        return err_set(e, cluster.refuses, "refused");
    cluster.checkup = calloc(1, sizeof(*cluster.checkup));
    cluster.checkup->port = &cluster.port;
    cluster.target = *t;
    cluster.target.bearer = arena_str(&texts, t->bearer);
    cluster.target.endpoint = arena_str(&texts, t->endpoint);
    cluster.begun++;
    *ret = cluster.checkup;
    return 0;
}

static void on_end(struct checkup *c)
{
    if (c == cluster.checkup)
        cluster.checkup = NULL;
    cluster.ended++;
    free(c);
}

static void start_core(void)
{
    const struct core_host host = {.checkups = &cluster.port};
    core = core_new(snapshot_new(tmptree_load(&files), &secrets), fleet, sealer, &host);
}

static int start(void **state)
{
    struct err e;
    (void)state;
    memset(&cluster, 0, sizeof(cluster));
    cluster.port = (struct checkup_port){on_begin, on_end, NULL};
    arena_init(&texts, 16384);
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://site:1\n");
    assert_int_equal(sealer_new(tmptree_path(&files, "sealing.key"), &sealer, &e), 0);
    fleet = openfleet_start();
    start_core();
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

static void stand(void)
{
    struct str purpose = keys_cluster_purpose(STR("lab"), STR("minter"), &texts);
    const struct cluster_change adopt = {
        .kind = CLUSTER_ADOPT,
        .cluster = STR("lab"),
        .cause = STR("uid 0"),
        .peer = STR(""),
        .report = {.endpoint = STR("https://k:6443"),
                   .declared = STR("https://k:6443"),
                   .ca = STR("CA"),
                   .minter = {sealer_seal(sealer, purpose, STR("the.token"), &texts),
                              START_MS + 90 * DAY_MS},
                   .approver = {.sealed = STR("")}},
    };
    fleet_forget(fleet, fleet_cluster_change(fleet, &adopt, (struct waiter){0}));
    fleet_on_store(fleet);
}

static void beat(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fleet_rouse(fleet);
    fleet_on_store(fleet);
}

/* It shows a certificate that ends in so many days, and so a clock. */
static void finish(int64_t days, int64_t ahead_ms)
{
    struct checkup *c = cluster.checkup;
    c->done = true;
    c->version = (struct kubeversion){1, 29, 15};
    c->certificate_end_wall_ms = START_MS + days * DAY_MS;
    c->ahead_ms = ahead_ms;
    c->clock_known = true;
    waiter_wake(cluster.target.waiter);
    for (int i = 0; i < 8; i++)
        fleet_on_store(fleet);
}

static void go_wrong(void)
{
    cluster.checkup->done = true;
    err_set(&cluster.checkup->err, -EPROTO, "away");
    waiter_wake(cluster.target.waiter);
}

static struct cluster_record record(void)
{
    struct cluster_record r;
    fleet_cluster(fleet, STR("lab"), &texts, &r);
    return r;
}

static void one_that_stands_is_looked_at_each_hour(void **state)
{
    (void)state;
    beat(HOUR);
    assert_int_equal(cluster.begun, 0);
    stand();
    assert_int_equal(cluster.begun, 0); /* its nodes come first */
    beat(1);
    assert_int_equal(cluster.begun, 1);
    assert_str(cluster.target.endpoint, "https://k:6443");
    assert_str(cluster.target.bearer, "the.token");
    beat(HOUR);
    assert_int_equal(cluster.begun, 1); /* one at a time */
    for (unsigned i = 1; i <= 3; i++) { /* until its clock is known to be right */
        finish(300, 0);
        assert_int_equal(cluster.ended, i);
        beat(MINUTE - 1);
        assert_int_equal(cluster.begun, i);
        if (i < 3)
            beat(1);
    }
    beat(HOUR - MINUTE);
    assert_int_equal(cluster.begun, 3);
    beat(1);
    assert_int_equal(cluster.begun, 4);
    assert_int_equal(checkups_certificate_end_ms(core->checkups, STR("lab")),
                     START_MS + 300 * DAY_MS);
    assert_str(record().version, "1.29.15");
    assert_int_equal(record().told_end_wall_ms, 0);
}

static void a_server_that_starts_looks_at_once(void **state)
{
    (void)state;
    stand();
    beat(1);
    finish(9, 300000);
    assert_int_equal(record().told_end_wall_ms, START_MS + 9 * DAY_MS);
    assert_true(record().clock_is_off);
    assert_int_equal(checkups_ahead_ms(core->checkups, STR("lab")), 300000);
    core_free(core);
    start_core();
    assert_int_equal(cluster.begun, 2); /* at once */
    assert_int_equal(checkups_certificate_end_ms(core->checkups, STR("lab")), 0);
    finish(9, 0);
    assert_int_equal(checkups_ahead_ms(core->checkups, STR("lab")), 0);
    assert_true(record().clock_is_off); /* as one agrees only */
}

/* Another API server behind the same endpoint may answer. */
static void a_clock_is_right_when_three_agree(void **state)
{
    static const int64_t ahead[] = {-90000, 0, 20000, -90000, 1000, -30000, 0};
    (void)state;
    stand();
    beat(1);
    for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        finish(300, ahead[i]);
        assert_int_equal(record().clock_is_off, i < 6);
        beat(MINUTE);
    }
}

static void one_that_fails_is_looked_at_again(void **state)
{
    (void)state;
    stand();
    cluster.refuses = -EBUSY;
    beat(1);
    cluster.refuses = 0;
    beat(19);
    assert_int_equal(cluster.begun, 0);
    beat(1);
    assert_int_equal(cluster.begun, 1);
    go_wrong();
    beat(20);
    assert_int_equal(cluster.begun, 2);
}

static void a_reset_ends_it(void **state)
{
    const struct cluster_change reset = {
        .kind = CLUSTER_RESET, .cluster = STR("lab"), .cause = STR("uid 0"), .peer = STR("")};
    (void)state;
    stand();
    beat(1);
    fleet_forget(fleet, fleet_cluster_change(fleet, &reset, (struct waiter){0}));
    fleet_on_store(fleet);
    assert_int_equal(cluster.ended, 1);
    beat(HOUR);
    assert_int_equal(cluster.begun, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

UNIT_MAIN(TEST(one_that_stands_is_looked_at_each_hour), TEST(a_server_that_starts_looks_at_once),
          TEST(a_clock_is_right_when_three_agree), TEST(one_that_fails_is_looked_at_again),
          TEST(a_reset_ends_it))
