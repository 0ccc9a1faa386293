/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges of two listeners that wait for the same fleet and the same core: each is woken by its
 * own listener's wake, HTTP's at the loop's next turn, TFTP's at once. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "core/internal.h"

enum { HTTP, TFTP, LISTENERS };

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct exchange x[LISTENERS];
static unsigned woken[LISTENERS], looked[LISTENERS];

/* Knows no other exchange than its own, as a listener's wake does. */
static void on_http_wake(void *cls, struct slot_ref ref)
{
    assert_ptr_equal(cls, &x[HTTP]);
    assert_int_equal(ref.slot, 100);
    woken[HTTP]++;
    exchange_wake(&x[HTTP]);
}

static void on_tftp_wake(void *cls, struct slot_ref ref)
{
    assert_ptr_equal(cls, &x[TFTP]);
    assert_int_equal(ref.slot, 200);
    woken[TFTP]++;
    if (exchange_wake(&x[TFTP]))
        exchange_step(&x[TFTP]);
}

/* --- What they do ----------------------------------------------------------------------------- */

static enum exchange_verdict on_changed(struct exchange *y, void *state,
                                        const struct fleet_result *result)
{
    (void)state;
    y->out.status = result->status;
    y->out.reason = result->reason;
    return EXCHANGE_DONE;
}

static enum exchange_verdict report(struct exchange *y, void *state)
{
    struct change c = {.kind = CHANGE_REPORT,
                       .cause = STR("node"),
                       .report = {.name = STR("init-network"), .duration_s = -1}};
    (void)state;
    return await_fleet(y, fleet, fleet_change(fleet, STR("n"), STR("n"), &c, y->waiter), on_changed,
                       NULL);
}

static enum exchange_verdict disarm(struct exchange *y, void *state)
{
    const struct change c = {.kind = CHANGE_DISARM};
    (void)state;
    return await_fleet(y, fleet, fleet_change(fleet, STR("n"), STR("n"), &c, y->waiter), on_changed,
                       NULL);
}

static enum exchange_verdict next_snapshot(struct exchange *y, void *state)
{
    looked[y == &x[TFTP]]++;
    if (core_snapshot(core) == state)
        return core_await(core, y, next_snapshot, state);
    y->out.status = 200;
    return EXCHANGE_DONE;
}

static void on_begin(void *cls, struct exchange *y)
{
    (void)cls;
    (void)y;
}

static void on_end(void *cls, struct exchange *y)
{
    (void)cls;
    core_leave(core, y);
}

static const struct exchange_port port = {.begin = on_begin, .end = on_end};

/* --- The world -------------------------------------------------------------------------------- */

static struct snapshot *world(void)
{
    static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};
    return snapshot_new(tmptree_load(&files), &secrets);
}

static void leave(uint32_t i)
{
    if (x[i].magic)
        exchange_end(&x[i]);
    arena_done(&x[i].arena);
    x[i] = (struct exchange){0};
}

static void begin(uint32_t i, exchange_next *next, void *state)
{
    leave(i);
    x[i].in.listener = i == TFTP ? LISTENER_TFTP : LISTENER_BOOT;
    x[i].waiter = i == TFTP ? (struct waiter){{on_tftp_wake, &x[TFTP]}, {200, 1}}
                            : (struct waiter){{on_http_wake, &x[HTTP]}, {100, 1}};
    x[i].next = next;
    x[i].state = state;
    arena_init(&x[i].arena, 1024);
    exchange_begin(&x[i], &port);
}

static int start(void **state)
{
    static const struct core_host host = {.cls = NULL};
    (void)state;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://10.0.10.5:8080\n");
    fleet = openfleet_start();
    core = core_new(world(), fleet, NULL, &host);
    memset(woken, 0, sizeof(woken));
    memset(looked, 0, sizeof(looked));
    return 0;
}

static int end(void **state)
{
    (void)state;
    leave(HTTP);
    leave(TFTP);
    core_free(core);
    fleet_close(fleet);
    tmptree_done(&files);
    return 0;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void both_wait_for_a_change(void **state)
{
    (void)state;
    begin(TFTP, report, NULL);
    begin(HTTP, report, NULL);
    assert_int_equal(exchange_step(&x[TFTP]), EXCHANGE_WAIT);
    assert_int_equal(exchange_step(&x[HTTP]), EXCHANGE_WAIT);
    assert_int_equal(woken[HTTP] + woken[TFTP], 0);
    fleet_on_store(fleet);
    assert_int_equal(woken[TFTP], 1);
    assert_int_equal(woken[HTTP], 1);
    assert_int_equal(x[TFTP].out.status, 200); /* stepped by its wake */
    assert_int_equal(x[HTTP].out.status, 0);
    assert_int_equal(exchange_step(&x[HTTP]), EXCHANGE_DONE);
    assert_int_equal(x[HTTP].out.status, 200);
}

/* The fleet answers from within the call that asked it. */
static void one_that_need_not_wait(void **state)
{
    (void)state;
    begin(TFTP, disarm, NULL);
    assert_int_equal(exchange_step(&x[TFTP]), EXCHANGE_DONE);
    assert_int_equal(x[TFTP].out.status, 200);
}

static void one_of_them_leaves(void **state)
{
    (void)state;
    begin(TFTP, report, NULL);
    begin(HTTP, report, NULL);
    exchange_step(&x[TFTP]);
    exchange_step(&x[HTTP]);
    leave(TFTP);
    fleet_on_store(fleet);
    assert_int_equal(woken[TFTP], 0);
    assert_int_equal(woken[HTTP], 1);
    assert_int_equal(exchange_step(&x[HTTP]), EXCHANGE_DONE);
}

/* What the fleet answered is the asker's own, and outlasts its next answers. */
static void an_answer_outlasts_the_next(void **state)
{
    (void)state;
    const struct change c = {.kind = CHANGE_CLAIM, .claim = {STR("j"), STR("c")}};
    struct fleet_result first, second;
    begin(HTTP, report, NULL);
    fleet_take(fleet, fleet_change(fleet, STR("a"), STR("a"), &c, (struct waiter){0}),
               &x[HTTP].arena, &first);
    fleet_take(fleet, fleet_change(fleet, STR("b"), STR("b"), &c, (struct waiter){0}),
               &x[HTTP].arena, &second);
    fleet_on_store(fleet);
    assert_int_equal(first.status, 410);
    assert_contains(first.reason, "window is over");
    assert_string_equal(first.reason, second.reason);
}

static void both_wait_for_a_snapshot(void **state)
{
    (void)state;
    begin(TFTP, next_snapshot, (void *)(uintptr_t)core_snapshot(core));
    begin(HTTP, next_snapshot, (void *)(uintptr_t)core_snapshot(core));
    assert_int_equal(exchange_step(&x[TFTP]), EXCHANGE_WAIT);
    assert_int_equal(exchange_step(&x[HTTP]), EXCHANGE_WAIT);
    core_wake_waiters(core); /* for another reason: TFTP's waits again, while they are woken */
    assert_int_equal(looked[TFTP], 2);
    assert_int_equal(exchange_step(&x[HTTP]), EXCHANGE_WAIT);
    core_replace(core, world());
    assert_int_equal(woken[TFTP], 2);
    assert_int_equal(woken[HTTP], 2);
    assert_int_equal(x[TFTP].out.status, 200);
    assert_int_equal(exchange_step(&x[HTTP]), EXCHANGE_DONE);
}

static void one_that_left_is_not_listed(void **state)
{
    (void)state;
    begin(TFTP, next_snapshot, (void *)(uintptr_t)core_snapshot(core));
    exchange_step(&x[TFTP]);
    leave(TFTP);
    assert_int_equal(core->waiters.n, 0);
    core_wake_waiters(core);
    assert_int_equal(woken[TFTP], 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(both_wait_for_a_change), TEST(one_that_need_not_wait), TEST(one_of_them_leaves),
          TEST(an_answer_outlasts_the_next), TEST(both_wait_for_a_snapshot),
          TEST(one_that_left_is_not_listed))
