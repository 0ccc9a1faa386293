/* SPDX-License-Identifier: Apache-2.0 */
/* The minter with fetches and clocks of the test's. tests/kube/test_minter.py has it meet a server.
 */
#include "lib/unit.h"

#include "kube/minter.h"

#include "golden.h"

#include <errno.h>

#define TOKEN "cs4xk2.0f8r7q2m5n1w9t3z" /* that of the golden answers */
#define OTHER "cs4xk2.0f8r7q2m5n1w9t30"
#define START_WALL_MS INT64_C(1795985213000) /* Sun, 29 Nov 2026 20:46:53 GMT */
#define FETCHES 256

struct asked {
    struct fetch fetch;
    struct waiter waiter;
    const char *what; /* "GET https://…" */
    const char *retry_after;
    bool live;
};

static struct {
    struct arena arena;
    struct minter *minter;
    struct fetch_port port;
    struct asked asked[FETCHES];
    uint32_t asked_n, live, most;
    int start_status; /* of fetch_start */
    uint64_t now_ms, due_ms;
    uint32_t wakes;
    bool inside;
} world;

/* --- Fetches and clocks ----------------------------------------------------------------------- */

static int fake_start(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e)
{
    (void)cls;
    if (world.start_status < 0)
        return err_set(e, world.start_status, "too many wait");
    assert_true(world.asked_n < FETCHES);
    struct asked *f = &world.asked[world.asked_n++];
    *f = (struct asked){.waiter = q->waiter, .live = true};
    f->fetch.port = &world.port;
    f->what = arena_printf(&world.arena, "%s %.*s", q->method, STR_ARG(q->url)).p;
    assert_str(q->bearer, "the.minters.token");
    assert_str(q->ca, "PEM");
    assert_true(q->connect_ms && q->answer_ms && q->whole_ms && q->body_max_bytes);
    assert_true(q->repeatable);
    assert_false(q->follows || q->stream);
    world.live++;
    world.most = world.live > world.most ? world.live : world.most;
    *ret = &f->fetch;
    return 0;
}

static struct str fake_header(struct fetch *fetch, const char *name)
{
    const struct asked *f = (const struct asked *)fetch;
    if (strcmp(name, "Retry-After") == 0 && f->retry_after)
        return str_from(f->retry_after);
    if (strcmp(name, "Date") == 0)
        return STR("Sun, 29 Nov 2026 21:46:53 GMT");
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

static int64_t wall_ms(void)
{
    return START_WALL_MS + (int64_t)world.now_ms;
}

static void set_alarm(void *cls, uint64_t due_boot_ms)
{
    (void)cls;
    world.due_ms = due_boot_ms;
}

static void on_wake(void *cls, struct slot_ref ref)
{
    (void)cls, (void)ref;
    assert_false(world.inside);
    world.wakes++;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static struct mint *begin(const char *token)
{
    struct mint *m = NULL;
    const struct mint_intent intent = {.endpoint = STR("https://k:6443"),
                                       .ca = STR("PEM"),
                                       .bearer = STR("the.minters.token"),
                                       .token = str_from(token),
                                       .description = STR("k8s-worker-2"),
                                       .end_wall_ms = START_WALL_MS + 900000,
                                       .within_ms = 600000,
                                       .waiter = {{on_wake, NULL}, {1, 1}}};
    world.inside = true;
    assert_int_equal(mint_begin(minter_port(world.minter), &intent, &m, NULL), 0);
    world.inside = false;
    return m;
}

/* Time passes until the minter's alarm. */
static void alarm_comes(void)
{
    assert_true(world.due_ms != UINT64_MAX);
    world.now_ms = world.due_ms > world.now_ms ? world.due_ms : world.now_ms;
    minter_on_alarm(world.minter);
}

/* The one that is under way now, or after a pause. */
static struct asked *under_way(const char *what)
{
    if (!world.live)
        alarm_comes();
    struct asked *f = &world.asked[world.asked_n - 1];
    assert_true(world.asked_n && f->live);
    assert_string_equal(f->what, what);
    return f;
}

static void finish(struct asked *f, enum fetch_fault fault, int status, struct str body)
{
    f->fetch.done = true;
    f->fetch.fault = fault;
    f->fetch.status = status;
    f->fetch.body = body;
    if (fault != FETCH_OK)
        err_set(&f->fetch.err, -EIO, "k:6443: fault %d", fault);
    waiter_wake(f->waiter);
}

static void answer(const char *what, int status, const char *golden)
{
    finish(under_way(what), FETCH_OK, status, golden_text(&world.arena, golden));
}

#define VERSION "GET https://k:6443/version"
#define POST "POST https://k:6443/api/v1/namespaces/kube-system/secrets"
#define LOOK "GET https://k:6443/api/v1/namespaces/kube-public/configmaps/cluster-info"

static int start(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    arena_init(&world.arena, 65536);
    world.now_ms = 1000;
    world.due_ms = UINT64_MAX;
    world.port = (struct fetch_port){.start = fake_start, .header = fake_header, .end = fake_end};
    const struct minter_host host = {&world.port, {set_alarm, NULL}, boot_ms, wall_ms};
    world.minter = minter_new(&host);
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(world.live, 0);
    minter_free(world.minter);
    arena_done(&world.arena);
    return 0;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void real_answers(void **state)
{
    (void)state;
    struct mint *m = begin(TOKEN);
    assert_int_equal(world.asked_n, 0);
    answer(VERSION, 200, "kube/version.json");
    assert_true(m->version.major == 1 && m->version.minor == 20 && m->version.patch == 2);
    under_way(POST);
    assert_int_equal(m->fate, MINT_UNKNOWN);
    answer(POST, 201, "kube/201-secret.json");
    assert_int_equal(m->fate, MINT_PRESENT);
    assert_int_equal(world.wakes, 0);
    answer(LOOK, 200, "kube/200-cluster-info.json");
    assert_int_equal(m->outcome, MINT_SIGNED);
    assert_int_equal(world.wakes, 1);
    assert_true(m->clock_known);
    assert_in_range(m->ahead_ms, 3598000, 3600000);
    assert_int_equal(world.due_ms, UINT64_MAX);
    mint_end(m);
}

/* Our own 409, and another's. */
static void conflicts(void **state)
{
    (void)state;
    static const char *const tokens[] = {TOKEN, OTHER};
    for (int i = 0; i < 2; i++) {
        struct mint *m = begin(tokens[i]);
        answer(VERSION, 200, "kube/version.json");
        answer(POST, 409, "kube/409-secret.json");
        assert_int_equal(m->fate, MINT_UNKNOWN);
        uint64_t begun_ms = world.now_ms;
        while (m->outcome == MINT_PENDING)
            answer(LOOK, 200, "kube/200-cluster-info.json");
        assert_int_equal(m->outcome, i == 0 ? MINT_SIGNED : MINT_TAKEN);
        assert_int_equal(m->fate, i == 0 ? MINT_PRESENT : MINT_ABSENT);
        if (i == 1)
            assert_in_range(world.now_ms - begun_ms, 10000, 15000);
        mint_end(m);
    }
}

static void real_refusals(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *golden, *says;
    } all[] = {{401, "kube/401-secret.json", "HTTP 401: Unauthorized"},
               {403, "kube/403-secret.json", "HTTP 403: secrets is forbidden: User "},
               {422, "kube/422-secret.json", "HTTP 422: Secret \\\"Bootstrap_Token\\\" is invalid"},
               {400, "kube/400-secret.json", "HTTP 400: the object provided"}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct mint *m = begin(TOKEN);
        answer(VERSION, 200, "kube/version.json");
        answer(POST, all[i].status, all[i].golden);
        assert_int_equal(m->outcome, MINT_REFUSED);
        assert_int_equal(m->fate, MINT_ABSENT);
        assert_contains(m->err.msg, all[i].says);
        assert_int_equal(world.due_ms, UINT64_MAX);
        mint_end(m);
    }
}

/* What is known of the POST after each fault, and that the next request is the same POST. */
static void faults_of_the_post(void **state)
{
    (void)state;
    for (enum fetch_fault f = FETCH_UNRESOLVED; f <= FETCH_BAD_ANSWER; f++) {
        struct mint *m = begin(TOKEN);
        answer(VERSION, 200, "kube/version.json");
        finish(under_way(POST), f, 0, STR(""));
        assert_int_equal(m->outcome, MINT_PENDING);
        bool sent = f != FETCH_UNRESOLVED && f != FETCH_UNREACHED && f != FETCH_TLS;
        assert_int_equal(m->fate, sent ? MINT_UNKNOWN : MINT_ABSENT);
        assert_contains(m->err.msg, "k:6443: fault");
        finish(under_way(POST), FETCH_UNREACHED, 0, STR("")); /* adds nothing to what is known */
        assert_int_equal(m->fate, sent ? MINT_UNKNOWN : MINT_ABSENT);
        mint_end(m);
    }
}

static void pauses_grow(void **state)
{
    (void)state;
    struct mint *m = begin(TOKEN);
    uint64_t least_ms = 125;
    for (int i = 0; i < 12; i++) {
        finish(under_way(VERSION), FETCH_UNREACHED, 0, STR(""));
        assert_in_range(world.due_ms - world.now_ms, least_ms, 2 * least_ms);
        least_ms = 2 * least_ms < 7500 ? 2 * least_ms : 7500;
    }
    assert_int_equal(world.wakes, 1); /* the reason is the same */
    under_way(VERSION)->retry_after = "120";
    finish(under_way(VERSION), FETCH_OK, 429, golden_text(&world.arena, "kube/429.txt"));
    assert_in_range(world.due_ms - world.now_ms, 127500, 135000);
    assert_contains(m->err.msg, "API server cannot say its version: HTTP 429: Too many requests, "
                                "please try again later. (the API server's clock is 5");
    assert_int_equal(world.wakes, 2);
    mint_end(m);
}

static struct asked *find_asked(uint32_t from, const char *what)
{
    for (uint32_t i = from; i < world.asked_n; i++)
        if (world.asked[i].live && strcmp(world.asked[i].what, what) == 0)
            return &world.asked[i];
    return NULL;
}

/* Another one for each, of the golden one's length. */
static const char *numbered(int i)
{
    return arena_printf(&world.arena, "n%05d.0f8r7q2m5n1w9t3z", i).p;
}

/* What is the same for all is asked for once; of the rest so many requests at the same time. */
static void many_of_a_cluster(void **state)
{
    (void)state;
    struct mint *all[60];
    for (int i = 0; i < 60; i++)
        all[i] = begin(numbered(i));
    alarm_comes();
    assert_int_equal(world.live, 1);
    struct mint *late = begin(numbered(60)); /* the version may be another one by now */
    answer(VERSION, 200, "kube/version.json");
    assert_int_equal(world.live, MINTER_REQUESTS_MAX);
    assert_int_equal(world.due_ms, 601000); /* the end of one calls for the next */
    assert_int_equal(late->version.major, 0);
    finish(find_asked(0, POST), FETCH_OK, 409, STR("{}"));
    assert_non_null(find_asked(0, VERSION));
    alarm_comes();
    assert_int_equal(world.most, MINTER_REQUESTS_MAX);
    mint_end(late);
    assert_null(find_asked(0, VERSION)); /* nobody wants to know */
    for (int i = 0; i < 60; i++)
        mint_end(all[i]);
}

/* The body of a cluster-info with so many signatures. */
static struct str signatures(uint32_t n)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "{\"kind\": \"ConfigMap\", \"data\": {\"kubeconfig\": \"k\"");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(&b, ", \"jws-kubeconfig-x%05u\": \"j\"", i);
    buf_printf(&b, "}}");
    struct str text = arena_str(&world.arena, buf_view(&b));
    buf_done(&b);
    return text;
}

static uint32_t count_posts(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < world.asked_n; i++)
        n += strcmp(world.asked[i].what, POST) == 0;
    return n;
}

/* Each token is a part of cluster-info. */
static void a_cluster_that_has_many_tokens(void **state)
{
    (void)state;
    struct mint *all[60];
    for (int i = 0; i < 60; i++)
        all[i] = begin(numbered(i));
    answer(VERSION, 200, "kube/version.json");
    for (struct asked *f; (f = find_asked(0, POST));)
        finish(f, FETCH_OK, 201, STR("{}"));
    assert_int_equal(count_posts(), MINTER_REQUESTS_MAX); /* nobody knows how many there are */
    finish(under_way(LOOK), FETCH_OK, 200, signatures(MINTER_TOKENS_MAX));
    assert_int_equal(count_posts(), MINTER_REQUESTS_MAX);
    assert_contains(all[59]->err.msg, "as many bootstrap tokens as it may have (2000)");
    assert_string_equal(all[0]->err.msg, "");
    for (int i = 0; i < MINTER_REQUESTS_MAX; i++)
        mint_end(all[i]);
    finish(under_way(LOOK), FETCH_OK, 200,
           signatures(MINTER_TOKENS_MAX - 2 * MINTER_REQUESTS_MAX - 3));
    assert_int_equal(count_posts(), MINTER_REQUESTS_MAX + 3); /* those of before may come yet */
    for (struct asked *f; (f = find_asked(0, POST));)
        finish(f, FETCH_OK, 403, STR("{}"));
    assert_int_equal(count_posts(), 60);
    for (int i = MINTER_REQUESTS_MAX; i < 60; i++)
        mint_end(all[i]);
}

static void the_nearest_deadline_is_first(void **state)
{
    (void)state;
    struct mint *first = begin(TOKEN);
    world.now_ms += 1000;
    struct mint *second = begin(OTHER);
    finish(under_way(VERSION), FETCH_UNREACHED, 0, STR(""));
    world.now_ms = 601000;
    minter_on_alarm(world.minter);
    assert_int_equal(first->outcome, MINT_LATE);
    assert_int_equal(second->outcome, MINT_PENDING);
    mint_end(first);
    mint_end(second);
}

static void a_full_queue(void **state)
{
    (void)state;
    struct mint *m = begin(TOKEN);
    world.start_status = -EBUSY;
    alarm_comes();
    assert_string_equal(m->err.msg, "too many wait");
    assert_int_equal(m->outcome, MINT_PENDING);
    assert_true(world.due_ms > world.now_ms);
    world.start_status = -EINVAL;
    alarm_comes();
    assert_int_equal(m->outcome, MINT_REFUSED);
    mint_end(m);
}

static void malformed_intents(void **state)
{
    (void)state;
    struct mint *m;
    struct err e;
    struct mint_intent i = {
        .endpoint = STR("https://k"), .bearer = STR("x"), .token = STR("cs4xk2.short")};
    assert_int_equal(mint_begin(minter_port(world.minter), &i, &m, &e), -EINVAL);
    i.token = STR(TOKEN);
    i.endpoint = STR("http://k");
    assert_int_equal(mint_begin(minter_port(world.minter), &i, &m, &e), -EINVAL);
    i.endpoint = STR("https://k");
    i.bearer = STR("");
    assert_int_equal(mint_begin(minter_port(world.minter), &i, &m, &e), -EINVAL);
    mint_end(NULL);
    minter_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(real_answers), TEST(conflicts), TEST(real_refusals), TEST(faults_of_the_post),
          TEST(pauses_grow), TEST(many_of_a_cluster), TEST(a_cluster_that_has_many_tokens),
          TEST(the_nearest_deadline_is_first), TEST(a_full_queue), TEST(malformed_intents))
