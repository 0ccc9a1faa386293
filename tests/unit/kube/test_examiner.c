/* SPDX-License-Identifier: Apache-2.0 */
/* The examiner with a fetch of the test's. */
#include "unit/kube/onefetch.h"

#include "kube/examiner.h"

static struct examiner *examiner;

/* Sun, 29 Nov 2026 20:46:53 GMT: an hour before the header's. */
static int64_t wall_ms(void)
{
    return INT64_C(1795985213000);
}

static int start(void **state)
{
    (void)state;
    onefetch_begin();
    examiner = examiner_new(&onefetch.port, wall_ms);
    return 0;
}

static int end(void **state)
{
    (void)state;
    examiner_free(examiner);
    onefetch_end();
    return 0;
}

static struct checkup *examine(void)
{
    struct checkup *c = NULL;
    const struct checkup_target t = {.endpoint = STR("https://k:6443"),
                                     .ca = STR("PEM"),
                                     .bearer = STR("the.minters.token-of-the-cluster"),
                                     .waiter = {{onefetch_on_wake, NULL}, {1, 1}}};
    assert_int_equal(checkup_begin(examiner_port(examiner), &t, &c, NULL), 0);
    return c;
}

static void version_certificate_and_clock(void **state)
{
    (void)state;
    struct checkup *c = examine();
    assert_str(onefetch.asked.url, "https://k:6443/version");
    assert_true(onefetch.asked.looks); /* a connection that was kept has no certificate */
    onefetch.fetch.certificate = golden_text(&onefetch.arena, "kube/cluster-cas.pem");
    onefetch_finish(FETCH_OK, 200, golden_text(&onefetch.arena, "kube/version.json"));
    assert_true(c->done && c->version.major == 1 && c->version.minor == 20);
    assert_true(c->certificate_end_wall_ms > wall_ms());
    assert_true(c->clock_known);
    assert_int_equal(c->ahead_ms, 3600000);
    assert_int_equal(onefetch.wakes, 1);
    assert_int_equal(onefetch.live, 0);
    checkup_end(c);
}

/* Without the right to ask for the version the rest is seen all the same. */
static void one_that_refuses(void **state)
{
    (void)state;
    struct checkup *c = examine();
    onefetch.fetch.certificate = STR("-----BEGIN NONSENSE-----");
    onefetch_finish(FETCH_OK, 401, STR("no the.minters.token-of-the-cluster"));
    assert_true(c->done && c->version.major == 0 && c->clock_known);
    assert_int_equal(c->certificate_end_wall_ms, 0);
    assert_contains(c->err.msg, "API server cannot say its version: HTTP 401");
    assert_null(strstr(c->err.msg, "the.minters"));
    checkup_end(c);
}

static void one_that_does_not_answer(void **state)
{
    (void)state;
    struct checkup *c = examine();
    onefetch_finish(FETCH_TLS, 0, STR(""));
    assert_true(c->done && c->version.major == 0 && !c->clock_known);
    assert_contains(c->err.msg, "k:6443: fault");
    checkup_end(c);
    checkup_end(examine());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(version_certificate_and_clock), TEST(one_that_refuses),
          TEST(one_that_does_not_answer))
