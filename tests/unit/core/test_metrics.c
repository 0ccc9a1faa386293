/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "core/metrics.h"

static struct metrics *m;
static struct buf text;

static int start(void **state)
{
    (void)state;
    m = metrics_new();
    buf_init(&text, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    metrics_free(m);
    buf_done(&text);
    return 0;
}

static const struct route *route(const char *pattern, unsigned method)
{
    const struct route *r;
    size_t i = 0;
    while ((r = route_at(i++)) && (strcmp(r->pattern, pattern) != 0 || !(r->methods & method)))
        ;
    assert_non_null(r);
    return r;
}

static void note(const struct route *r, enum exchange_method method, int status, uint64_t ns)
{
    struct exchange x = {.in = {.method = method, .listener = LISTENER_SOCKET},
                         .out = {.status = status},
                         .spent_ns = ns};
    metrics_note(m, &x, r);
}

static void shows(const char *line)
{
    struct exposition e = {.to = &text};
    buf_clear(&text);
    metrics_write(m, &e);
    if (!strstr(text.p, line))
        fail_msg("no '%s' in:\n%s", line, text.p);
}

static void requests_by_row(void **state)
{
    (void)state;
    note(route("/v1/nodes", METHOD(GET)), METHOD_GET, 200, 1);
    note(route("/v1/nodes", METHOD(GET)), METHOD_GET, 200, 1);
    note(route("/v1/nodes", METHOD(GET)), METHOD_HEAD, 200, 1);
    note(route("/v1/nodes", METHOD(POST)), METHOD_POST, 422, 1);
    note(NULL, METHOD_OTHER, 405, 1);
#define TOTAL(rest) "\ncloudseed_requests_total{" rest "\n"
    shows(TOTAL("route=\"/v1/nodes\",method=\"GET\",code=\"200\",listener=\"socket\"} 2"));
    shows(TOTAL("route=\"/v1/nodes\",method=\"HEAD\",code=\"200\",listener=\"socket\"} 1"));
    shows(TOTAL("route=\"/v1/nodes\",method=\"POST\",code=\"422\",listener=\"socket\"} 1"));
    shows(TOTAL("route=\"none\",method=\"other\",code=\"405\",listener=\"socket\"} 1"));
    shows("\ncloudseed_requests_abandoned_total 0\n");
}

static void one_that_left(void **state)
{
    (void)state;
    note(route("/v1/nodes", METHOD(GET)), METHOD_GET, 0, 1);
    shows("\ncloudseed_requests_abandoned_total 1\n");
    assert_null(strstr(text.p, "route="));
}

static void how_long_they_took(void **state)
{
    (void)state;
    note(route("/v1/nodes", METHOD(GET)), METHOD_GET, 200, 100000);
    note(route("/v1/nodes", METHOD(GET)), METHOD_HEAD, 200, 2000000);
    note(route("/v1/nodes", METHOD(GET)), METHOD_GET, 503, 70000000000);
#define TOOK(part, rest) \
    "\ncloudseed_request_duration_seconds_" part "{route=\"/v1/nodes\",method=\"GET\"" rest "\n"
    shows(TOOK("bucket", ",le=\"0.0001\"} 1"));
    shows(TOOK("bucket", ",le=\"0.001\"} 1"));
    shows(TOOK("bucket", ",le=\"0.0025\"} 2"));
    shows(TOOK("bucket", ",le=\"60\"} 2"));
    shows(TOOK("bucket", ",le=\"+Inf\"} 3"));
    shows(TOOK("sum", "} 70.002100000"));
    shows(TOOK("count", "} 3"));
}

/* It has no end that it could be measured to. */
static void a_stream_has_no_duration(void **state)
{
    struct exchange x = {.out = {.status = 200, .stream = true}, .spent_ns = 5};
    (void)state;
    metrics_note(m, &x, route("/v1/events", METHOD(GET)));
    shows("\ncloudseed_requests_total{route=\"/v1/events\",method=\"GET\",code=\"200\"");
    assert_null(strstr(text.p, "_bucket"));
}

static void labels_are_escaped(void **state)
{
    struct exposition e = {.to = &text};
    (void)state;
    exposition_family(&e, "f", "gauge", "Help.");
    exposition_count(&e, EXPOSITION_LABELS({"l", STR("a\"b\\c\nd")}), 1);
    exposition_ms(&e, NULL, -1500);
    exposition_ns(&e, NULL, 1000000001);
    assert_string_equal(text.p, "# HELP f Help.\n# TYPE f gauge\nf{l=\"a\\\"b\\\\c\\nd\"} 1\n"
                                "f -1.500\nf 1.000000001\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(requests_by_row), TEST(one_that_left), TEST(how_long_they_took),
          TEST(a_stream_has_no_duration), TEST(labels_are_escaped))
