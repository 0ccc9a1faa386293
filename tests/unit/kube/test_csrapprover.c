/* SPDX-License-Identifier: Apache-2.0 */
/* The csrapprover with fetches and a clock of the test's. tests/kube/test_approver.py has it meet a
 * server. */
#include "lib/unit.h"

#include "kube/csrapprover.h"

#include "base/buf.h"
#include "golden.h"

#include <errno.h>

#define NAME "csr-f2twj" /* that of the golden list, by the token cs4xk2 for k8s-worker-2 */
#define LIST "GET https://k:6443/apis/certificates.k8s.io/v1/certificatesigningrequests?"
#define BINDING "GET https://k:6443/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/"
#define APPROVAL "/approval"
#define FETCHES 128

struct asked {
    struct fetch fetch;
    struct waiter waiter;
    const char *what; /* "GET https://…" */
    bool live;
};

static struct {
    struct arena arena;
    struct csrapprover *all;
    struct approver *approver;
    struct fetch_port port;
    struct asked asked[FETCHES];
    uint32_t asked_n, live;
    uint64_t now_ms, due_ms;
    uint32_t wakes;
    bool is_known; /* the node */
    const char *token_id;
} world;

/* --- Fetches, the clock and the owner --------------------------------------------------------- */

static int fake_start(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e)
{
    (void)cls, (void)e;
    assert_true(world.asked_n < FETCHES);
    struct asked *f = &world.asked[world.asked_n++];
    *f = (struct asked){.waiter = q->waiter, .live = true};
    f->fetch.port = &world.port;
    f->fetch.body = STR("");
    f->what = arena_printf(&world.arena, "%s %.*s", q->method, STR_ARG(q->url)).p;
    assert_str(q->bearer, "the.approvers.token");
    assert_str(q->ca, "PEM");
    world.live++;
    *ret = &f->fetch;
    return 0;
}

static struct str fake_take(struct fetch *fetch)
{
    (void)fetch;
    return STR("");
}

static struct str fake_header(struct fetch *fetch, const char *name)
{
    (void)fetch, (void)name;
    return (struct str){NULL, 0};
}

static void fake_end(struct fetch *fetch)
{
    struct asked *f = (struct asked *)fetch;
    assert_true(f->live);
    f->live = false;
    world.live--;
}

static uint64_t boot_ms(void)
{
    return world.now_ms;
}

static void set_alarm(void *cls, uint64_t due_boot_ms)
{
    (void)cls;
    world.due_ms = due_boot_ms;
}

static void on_wake(void *cls, struct slot_ref ref)
{
    (void)cls, (void)ref;
    world.wakes++;
}

static bool look_up(void *cls, struct slot_ref ref, struct str name, struct arena *a,
                    struct approver_node *ret)
{
    (void)cls, (void)ref, (void)a;
    assert_str(name, "k8s-worker-2");
    *ret =
        (struct approver_node){.name = STR("k8s-worker-2"), .token_id = str_from(world.token_id)};
    return world.is_known;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void alarm_comes(void)
{
    assert_true(world.due_ms != UINT64_MAX);
    world.now_ms = world.due_ms > world.now_ms ? world.due_ms : world.now_ms;
    csrapprover_on_alarm(world.all);
}

static uint32_t count(const char *part)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < world.asked_n; i++)
        n += world.asked[i].live && strstr(world.asked[i].what, part);
    return n;
}

static struct asked *under_way(const char *part)
{
    for (int tries = 0; !count(part); tries++) {
        assert_true(tries < 4);
        alarm_comes();
    }
    uint32_t i = 0;
    while (!world.asked[i].live || !strstr(world.asked[i].what, part))
        i++;
    return &world.asked[i];
}

static void finish(const char *part, enum fetch_fault fault, int status, struct str body)
{
    struct asked *f = under_way(part);
    f->fetch.done = true;
    f->fetch.fault = fault;
    f->fetch.status = status;
    f->fetch.body = body;
    if (fault != FETCH_OK)
        err_set(&f->fetch.err, -EIO, "k:6443: fault %d", fault);
    waiter_wake(f->waiter);
}

static void answer(const char *part, int status, const char *golden)
{
    finish(part, FETCH_OK, status, golden_text(&world.arena, golden));
}

static struct approver_news news(void)
{
    struct approver_news n;
    assert_true(approver_next(world.approver, &world.arena, &n));
    return n;
}

static bool has_news(void)
{
    struct approver_news n;
    return approver_next(world.approver, &world.arena, &n);
}

static int start(void **state)
{
    const struct approver_target t = {.endpoint = STR("https://k:6443"),
                                      .ca = STR("PEM"),
                                      .bearer = STR("the.approvers.token"),
                                      .waiter = {{on_wake, NULL}, {1, 1}},
                                      .look_up = look_up};
    (void)state;
    memset(&world, 0, sizeof(world));
    arena_init(&world.arena, 65536);
    world.now_ms = 1000;
    world.due_ms = UINT64_MAX;
    world.is_known = true;
    world.token_id = "cs4xk2";
    world.port = (struct fetch_port){
        .start = fake_start, .take = fake_take, .header = fake_header, .end = fake_end};
    world.all =
        csrapprover_new(&(const struct csrapprover_host){&world.port, {set_alarm, NULL}, boot_ms});
    assert_int_equal(approver_begin(csrapprover_port(world.all), &t, &world.approver, NULL), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    approver_end(world.approver);
    assert_int_equal(world.live, 0);
    csrapprover_free(world.all);
    arena_done(&world.arena);
    return 0;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void a_nodes_own_request_is_approved(void **state)
{
    (void)state;
    answer(LIST, 200, "kube/200-csrs.json");
    assert_true(world.approver->in_step);
    assert_int_equal(world.approver->pending, 1);
    assert_contains(under_way(APPROVAL)->what, "PUT https://k:6443/apis/certificates.k8s.io/v1/"
                                               "certificatesigningrequests/" NAME "/approval");
    assert_false(has_news());
    answer(APPROVAL, 200, "kube/200-approval.json");
    struct approver_news n = news();
    assert_true(n.approved && !n.serving);
    assert_str(n.request, NAME);
    assert_str(n.node, "k8s-worker-2");
    assert_int_equal(world.approver->pending, 0);
}

static void others_stay_pending_until_more_is_known(void **state)
{
    (void)state;
    world.token_id = "zzzzzz";
    answer(LIST, 200, "kube/200-csrs.json");
    struct approver_news n = news();
    assert_false(n.approved);
    assert_contains(n.reason.p,
                    "the token cs4xk2 asks to be k8s-worker-2, but that node's token is");
    approver_look(world.approver);
    assert_false(has_news()); /* the reason is the same */
    world.is_known = false;
    approver_look(world.approver);
    assert_contains(news().reason.p, "no node k8s-worker-2 is known");
    assert_int_equal(count(APPROVAL), 0);
    world.is_known = true;
    world.token_id = "cs4xk2";
    approver_look(world.approver);
    under_way(APPROVAL);
    world.token_id = ""; /* its window has ended meanwhile */
    approver_look(world.approver);
    assert_int_equal(count(APPROVAL), 0);
    assert_int_equal(world.approver->pending, 1);
}

static void an_approval_that_fails_is_tried_again(void **state)
{
    static const struct {
        enum fetch_fault fault;
        int status;
        const char *says;
    } all[] = {{FETCH_CUT_OFF, 0, "k:6443: fault"},
               {FETCH_OK, 500, "API server cannot approve a certificate request: HTTP 500"},
               {FETCH_OK, 403, "API server cannot approve a certificate request: HTTP 403"}};
    (void)state;
    answer(LIST, 200, "kube/200-csrs.json");
    answer(BINDING, 200, "kube/200-autoapprove-hardened.json");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        finish(APPROVAL, all[i].fault, all[i].status, STR("{}"));
        assert_int_equal(count(APPROVAL), 0);
        assert_contains(world.approver->err.msg, all[i].says);
        assert_in_range(world.due_ms - world.now_ms, 1, 15000);
    }
    finish(APPROVAL, FETCH_OK, 404, STR("{}")); /* it was deleted */
    assert_string_equal(world.approver->err.msg, "");
    assert_int_equal(world.approver->pending, 0);
    assert_false(has_news());
}

/* So many requests as the golden list's one, by other names. */
static struct str many(int n)
{
    struct str text = golden_text(&world.arena, "kube/200-csrs.json"), rest;
    struct buf b;
    const char *items = strstr(text.p, "\"items\": [") + 10, *name, *from;
    size_t length = text.n - (size_t)(items - text.p);
    while (items[length - 1] != ']')
        length--;
    rest = (struct str){items, length - 1};
    buf_init(&b, 1 << 20);
    buf_str(&b, (struct str){text.p, (size_t)(items - text.p)});
    for (int i = 0; i < n; i++) {
        const char *item = arena_str(&world.arena, rest).p;
        for (from = item; (name = strstr(from, NAME)); from = name + strlen(NAME))
            buf_printf(&b, "%.*scsr-%05d", (int)(name - from), from, i);
        buf_printf(&b, "%s%s", from, i + 1 < n ? "," : "]}");
    }
    text = arena_str(&world.arena, buf_view(&b));
    buf_done(&b);
    return text;
}

static void eight_are_under_way(void **state)
{
    (void)state;
    finish(LIST, FETCH_OK, 200, many(20));
    assert_int_equal(world.approver->pending, 20);
    for (int i = 0; i < 20; i++) {
        under_way(APPROVAL);
        assert_int_equal(count(APPROVAL), i < 12 ? 8 : 20 - i);
        answer(APPROVAL, 200, "kube/200-approval.json");
        assert_true(news().approved);
    }
    assert_int_equal(world.approver->pending, 0);
}

static void the_binding_is_looked_at_again(void **state)
{
    struct approver *p = world.approver;
    (void)state;
    answer(LIST, 200, "kube/200-csrs.json");
    assert_false(p->autoapproves_known);
    answer(BINDING, 200, "kube/200-autoapprove-hardened.json");
    assert_true(p->autoapproves_known && !p->autoapproves);
    world.now_ms += 59000;
    csrapprover_on_alarm(world.all);
    assert_int_equal(count(BINDING), 0);
    world.now_ms += 20000;
    csrapprover_on_alarm(world.all);
    assert_int_equal(count(BINDING), 1);
    uint32_t before = world.wakes;
    answer(BINDING, 200, "kube/200-autoapprove.json");
    assert_true(p->autoapproves && world.wakes > before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(a_nodes_own_request_is_approved), TEST(others_stay_pending_until_more_is_known),
          TEST(an_approval_that_fails_is_tried_again), TEST(eight_are_under_way),
          TEST(the_binding_is_looked_at_again))
