/* SPDX-License-Identifier: Apache-2.0 */
/* The renewer with a fetch of the test's. */
#include "unit/kube/onefetch.h"

#include "kube/renewer.h"

static struct renewer *renewer;

static int start(void **state)
{
    (void)state;
    onefetch_begin();
    renewer = renewer_new(&onefetch.port);
    return 0;
}

static int end(void **state)
{
    (void)state;
    renewer_free(renewer);
    onefetch_end();
    return 0;
}

static int begin(const char *endpoint, const char *bearer, struct renewal **ret, struct err *e)
{
    const struct renewal_wish wish = {.endpoint = str_from(endpoint),
                                      .ca = STR("PEM"),
                                      .account = STR("cloudseed-minter"),
                                      .bearer = str_from(bearer),
                                      .seconds = 7776000,
                                      .waiter = {{onefetch_on_wake, NULL}, {1, 1}}};
    return renewal_begin(renewer_port(renewer), &wish, ret, e);
}

static struct renewal *renew(void)
{
    struct renewal *r = NULL;
    assert_int_equal(begin("https://k:6443", "the.former.token-of-the-minter", &r, NULL), 0);
    assert_int_equal(onefetch.wakes, 0);
    return r;
}

static void another_token(void **state)
{
    (void)state;
    struct renewal *r = renew();
    assert_string_equal(onefetch.asked.method, "POST");
    assert_str(onefetch.asked.url, "https://k:6443/api/v1/namespaces/kube-system/serviceaccounts/"
                                   "cloudseed-minter/token");
    assert_str(onefetch.asked.bearer, "the.former.token-of-the-minter");
    assert_contains(onefetch.asked.body.p, "7776000");
    waiter_wake(onefetch.waiter); /* for nothing */
    assert_false(r->done);
    onefetch_finish(FETCH_OK, 201, golden_text(&onefetch.arena, "kube/201-token.json"));
    assert_true(r->done && r->token.n > 0 && r->end_wall_ms > 0);
    assert_int_equal(onefetch.wakes, 1);
    assert_int_equal(onefetch.live, 0);
    renewal_end(r);
}

static void what_fails(void **state)
{
    static const struct {
        enum fetch_fault fault;
        int status;
        const char *body, *says;
    } all[] = {{FETCH_LATE, 0, "", "k:6443: fault"},
               {FETCH_OK, 401, "Unauthorized", "cannot renew the account's token: HTTP 401"},
               {FETCH_OK, 500, "of-the-minter is not the.former.token-of-the-minter", "HTTP 500"},
               {FETCH_OK, 201, "{}", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct renewal *r = renew();
        onefetch_finish(all[i].fault, all[i].status, str_from(all[i].body));
        assert_true(r->done && r->token.n == 0 && r->err.code < 0);
        assert_contains(r->err.msg, all[i].says);
        assert_null(strstr(r->err.msg, "the.former"));
        onefetch.wakes = 0;
        renewal_end(r);
    }
}

static void what_is_not_begun(void **state)
{
    struct renewal *r;
    struct err e;
    (void)state;
    assert_int_equal(begin("http://k:6443", "a.token", &r, &e), -EINVAL);
    assert_int_equal(begin("https://k:6443", "", &r, &e), -EINVAL);
    onefetch.start_status = -EBUSY;
    assert_int_equal(begin("https://k:6443", "a.token", &r, &e), -EBUSY);
}

static void one_that_is_ended_is_not_heard_of(void **state)
{
    (void)state;
    renewal_end(renew());
    assert_int_equal(onefetch.live, 0);
    waiter_wake(onefetch.waiter);
    assert_int_equal(onefetch.wakes, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(another_token), TEST(what_fails), TEST(what_is_not_begun),
          TEST(one_that_is_ended_is_not_heard_of))
