/* SPDX-License-Identifier: Apache-2.0 */
/* Boots as traces: what is made of events, and a collector that is slow, busy or away. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "base/json.h"
#include "core/boottrace.h"
#include "core/internal.h"

#include <errno.h>

#define AT_MS INT64_C(1795343968000) /* openfleet's */
#define WAITING_MAX 1024

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct arena texts;

static struct {
    struct fetch_port port;
    struct fetch fetch;
    struct waiter waiter;
    struct str body, url;
    int refuses; /* of fetch_start */
    unsigned begun, live;
} collector;

static int on_start(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e)
{
    (void)cls;
    if (collector.refuses)
        return err_set(e, collector.refuses, "too many wait");
    collector.fetch = (struct fetch){.port = &collector.port, .body = STR("")};
    collector.waiter = q->waiter;
    collector.body = arena_str(&texts, q->body);
    collector.url = arena_str(&texts, q->url);
    collector.begun++;
    collector.live++;
    *ret = &collector.fetch;
    return 0;
}

static void on_end(struct fetch *f)
{
    assert_ptr_equal(f, &collector.fetch);
    collector.live--;
}

static void answer(enum fetch_fault fault, int status, struct str body)
{
    collector.fetch.done = true;
    collector.fetch.fault = fault;
    collector.fetch.status = status;
    collector.fetch.body = body;
    if (fault != FETCH_OK)
        err_set(&collector.fetch.err, -EIO, "collector:4318: away");
    waiter_wake(collector.waiter);
    fleet_on_store(fleet);
}

static int start(void **state)
{
    (void)state;
    memset(&collector, 0, sizeof(collector));
    collector.port = (struct fetch_port){.start = on_start, .end = on_end};
    arena_init(&texts, 16384);
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://site:1\n");
    fleet = openfleet_start();
    const struct core_host host = {.fetch = &collector.port,
                                   .traces = {STR("http://collector:4318/v1/traces"), {NULL, 0}}};
    core = core_new(snapshot_new(tmptree_load(&files), &secrets), fleet, NULL, &host);
    fleet_on_store(fleet);
    return 0;
}

static int end(void **state)
{
    (void)state;
    core_free(core);
    fleet_close(fleet);
    assert_int_equal(collector.live, 0);
    arena_done(&texts);
    tmptree_done(&files);
    return 0;
}

static void change(struct change c)
{
    c.cause = STR("node");
    c.peer = STR("");
    c.boot_ms = 900000;
    fleet_forget(fleet, fleet_change(fleet, STR("n1"), STR("n1"), &c, (struct waiter){0}));
    for (int i = 0; i < 4; i++)
        fleet_on_store(fleet);
}

static void fail_a_boot(void)
{
    change(
        (struct change){.kind = CHANGE_ARM, .arm = {3600000, STR("join"), STR("window"), STR("")}});
    change((struct change){.kind = CHANGE_FETCH,
                           .fetch = {STR("boot.ipxe"), STR("mac"), STR(""), true}});
    change((struct change){
        .kind = CHANGE_REPORT,
        .report = {STR("modules-final"), STR("out of \"disk\""), STR("finish"), REPORT_FAIL, 2.5}});
}

static void beat(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fleet_rouse(fleet);
    fleet_on_store(fleet);
}

static struct tracing_stats stats(void)
{
    struct tracing_stats s;
    tracing_stats(core->tracing, &s);
    return s;
}

static void one_is_sent_when_it_has_ended(void **state)
{
    (void)state;
    fail_a_boot();
    assert_int_equal(collector.begun, 1);
    assert_true(str_is(collector.url, "http://collector:4318/v1/traces"));
    assert_non_null(strstr(collector.body.p, "\"name\":\"boot n1\""));
    assert_non_null(strstr(collector.body.p, "\"name\":\"kernel\""));
    assert_non_null(strstr(collector.body.p, "\"message\":\"out of \\\"disk\\\"\""));
    answer(FETCH_OK, 200, STR("{\"partialSuccess\":{}}"));
    assert_int_equal(stats().sent, 1);
    assert_int_equal(stats().waiting, 0);
    assert_null(stats().trouble);
    beat(100);
    assert_int_equal(collector.begun, 1);
}

static void a_busy_collector_gets_it_again_later(void **state)
{
    (void)state;
    fail_a_boot();
    struct str first = collector.body;
    answer(FETCH_OK, 503, STR(""));
    assert_int_equal(collector.begun, 1);
    beat(2);
    assert_int_equal(collector.begun, 2);
    assert_true(str_eq(collector.body, first));
    answer(FETCH_LATE, 0, STR(""));
    beat(3);
    assert_int_equal(collector.begun, 2); /* the pause is longer now */
    beat(1);
    assert_int_equal(collector.begun, 3);
    assert_string_equal(stats().trouble, "collector:4318: away");
    answer(FETCH_OK, 200, STR(""));
    assert_int_equal(stats().sent, 1);
}

static void it_is_given_up_in_the_end(void **state)
{
    (void)state;
    fail_a_boot();
    for (unsigned i = 1; i < 6; i++) {
        answer(FETCH_UNREACHED, 0, STR(""));
        assert_int_equal(stats().lost, 0);
        beat(1U << i);
        assert_int_equal(collector.begun, i + 1);
    }
    answer(FETCH_UNREACHED, 0, STR(""));
    assert_int_equal(stats().lost, 1);
    fail_a_boot(); /* the next one is tried at once */
    assert_int_equal(collector.begun, 7);
    answer(FETCH_OK, 400, STR(""));
    assert_int_equal(stats().lost, 2);
    assert_string_equal(stats().trouble, "the collector answers with status 400");
}

static void a_request_that_cannot_begin_waits(void **state)
{
    (void)state;
    collector.refuses = -EBUSY;
    fail_a_boot();
    assert_int_equal(collector.begun, 0);
    assert_string_equal(stats().trouble, "too many wait");
    collector.refuses = 0;
    beat(2);
    assert_int_equal(collector.begun, 1);
}

static void they_are_sent_one_by_one(void **state)
{
    (void)state;
    fail_a_boot();
    fail_a_boot();
    assert_int_equal(collector.begun, 1);
    assert_int_equal(stats().waiting, 2);
    struct str first = collector.body;
    answer(FETCH_OK, 200, STR(""));
    assert_int_equal(collector.begun, 2);
    assert_false(str_eq(collector.body, first));
}

static void so_many_wait_and_no_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WAITING_MAX + 2; i++)
        fail_a_boot();
    assert_int_equal(stats().waiting, WAITING_MAX);
    assert_int_equal(stats().lost, 2);
}

/* --- Events ---------------------------------------------------------------------------------- */

#define EVENT(number, seconds, what, json)                                      \
    {                                                                           \
        .id = (number), .event = {                                              \
            .at_ms = AT_MS + (seconds)*1000,                                    \
            .node = {"n1", 2},                                                  \
            .kind = {what, sizeof(what) - 1},                                   \
            .bytes = {"{\"data\":" json "}", sizeof("{\"data\":" json "}") - 1} \
        }                                                                       \
    }

static bool written(const struct store_entry *events, size_t n, struct buf *out)
{
    const struct boottrace t = {STR("n1"), STR("n1"), STR("w"), STR("c"), events, n};
    buf_init(out, 1 << 20);
    return boottrace_write(&t, &texts, out);
}

static void only_the_end_of_a_boot_is_one(void **state)
{
    static const struct store_entry events[] = {EVENT(2, 1, "up", "{}"),
                                                EVENT(1, 0, "armed", "{}")};
    struct buf out;
    (void)state;
    assert_false(written(events, 2, &out));
    assert_false(written(events, 0, &out));
    buf_done(&out);
}

static void the_same_events_are_the_same_trace(void **state)
{
    static const struct store_entry events[] = {
        EVENT(9, 9, "ready", "{}"), EVENT(8, 3, "booting", "{\"file\":\"meta-data\"}"),
        EVENT(7, 0, "armed", "{}"), EVENT(6, 0, "reprovisioned", "{}"), EVENT(5, 0, "ready", "{}")};
    struct buf one, two, early;
    (void)state;
    assert_true(written(events, 5, &one));
    assert_true(written(events, 4, &two)); /* what was before the window does not count */
    assert_true(str_eq(buf_view(&one), buf_view(&two)));
    assert_non_null(strstr(one.p, "\"name\":\"armed\"")); /* it begins with the reprovision */
    assert_true(written(events + 4, 1, &early));          /* and its own beginning may be gone */
    buf_done(&one);
    buf_done(&two);
    buf_done(&early);
}

/* A clock that is set back by an hour in between. */
static void no_span_ends_before_it_begins(void **state)
{
    static const struct store_entry events[] = {
        EVENT(4, -3600, "ready", "{}"),
        EVENT(3, -3601, "progress",
              "{\"stage\":\"init-local\",\"type\":\"finish\",\"result\":\"SUCCESS\"}"),
        EVENT(2, 5, "progress", "{\"stage\":\"init-local\",\"type\":\"start\"}"),
        EVENT(1, 0, "armed", "{}")};
    struct buf out;
    (void)state;
    assert_true(written(events, 4, &out));
    assert_null(strstr(out.p, "\"endTimeUnixNano\":\"179534036"));
    buf_done(&out);
}

static void anything_may_be_missing(void **state)
{
    static const struct store_entry events[] = {
        EVENT(4, 4, "failed", "null"), EVENT(3, 3, "progress", "{\"stage\":\"a/b/c\"}"),
        EVENT(2, 2, "progress", "{\"stage\":\"\",\"type\":\"finish\",\"result\":7}"),
        EVENT(1, 1, "joined", "[]")};
    struct buf out;
    struct value v;
    (void)state;
    assert_true(written(events, 4, &out));
    assert_int_equal(json_read(buf_view(&out), &texts, &v, NULL), 0);
    buf_done(&out);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(one_is_sent_when_it_has_ended, start, end),
          cmocka_unit_test_setup_teardown(a_busy_collector_gets_it_again_later, start, end),
          cmocka_unit_test_setup_teardown(it_is_given_up_in_the_end, start, end),
          cmocka_unit_test_setup_teardown(a_request_that_cannot_begin_waits, start, end),
          cmocka_unit_test_setup_teardown(they_are_sent_one_by_one, start, end),
          cmocka_unit_test_setup_teardown(so_many_wait_and_no_more, start, end),
          cmocka_unit_test_setup_teardown(only_the_end_of_a_boot_is_one, start, end),
          cmocka_unit_test_setup_teardown(the_same_events_are_the_same_trace, start, end),
          cmocka_unit_test_setup_teardown(no_span_ends_before_it_begins, start, end),
          cmocka_unit_test_setup_teardown(anything_may_be_missing, start, end))
