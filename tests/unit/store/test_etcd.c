/* SPDX-License-Identifier: Apache-2.0 */
/* The store in etcd when etcd goes away, hangs, is full, asks for a user or has another writer. */
#include "lib/unit.h"

#include "base/arena.h"
#include "lib/etcdserver.h"
#include "lib/storeloop.h"
#include "net/fetch/turns.h"
#include "store/etcd/etcd.h"

#include <errno.h>

#define PATIENCE_MS 3000

static struct etcdserver server;

struct place {
    const char *endpoint; /* before the server's own; NULL: none */
    const char *user, *password, *fleet;
    struct store_retention keep;
};

/* A store and what it asks with. */
struct opened {
    struct turns *turns;
    struct storeloop loop;
};

static char prefix[32];

static int begin(void **state)
{
    static int tests;
    (void)state;
    if (!etcdserver_is_installed())
        unit_skip("etcd is not installed");
    signal(SIGPIPE, SIG_IGN);
    snprintf(prefix, sizeof(prefix), "/test%d/", ++tests);
    if (!server.folder[0])
        etcdserver_init(&server);
    if (!server.pid)
        etcdserver_start(&server, "0");
    return 0;
}

static int leave(void **state)
{
    (void)state;
    etcdserver_done(&server);
    return 0;
}

static struct gateway_access access_to(const struct place *p, struct str endpoints[static 2])
{
    size_t n = 0;
    if (p->endpoint)
        endpoints[n++] = str_from(p->endpoint);
    endpoints[n++] = str_from(server.url);
    return (struct gateway_access){.endpoints = endpoints,
                                   .n_endpoints = n,
                                   .user = str_from(p->user),
                                   .password = str_from(p->password),
                                   .prefix = str_from(prefix)};
}

static int try_open(struct opened *o, const struct place *p, struct err *e)
{
    static int writers;
    struct str endpoints[2];
    char writer[32];
    snprintf(writer, sizeof(writer), "test-%d", ++writers);
    *o = (struct opened){.turns = turns_new()};
    const struct etcd_options options = {
        .turns = turns_port(o->turns),
        .access = access_to(p, endpoints),
        .fleet = str_from(p->fleet ? p->fleet : "fleet"),
        .writer = str_from(writer),
        .patience_ms = PATIENCE_MS,
        .keep = p->keep,
    };
    struct store *s;
    int r = etcd_open(&options, &s, e);
    if (r < 0)
        turns_free(o->turns);
    else
        storeloop_start(&o->loop, s);
    return r;
}

static void open_store(struct opened *o, const struct place *p)
{
    struct err e = {0};
    if (try_open(o, p, &e) < 0)
        fail_msg("%s", e.msg);
}

static void close_store(struct opened *o)
{
    storeloop_end(&o->loop);
    turns_free(o->turns);
}

static void expect_no_open(const struct place *p, const char *says)
{
    struct opened o;
    struct err e = {0};
    assert_true(try_open(&o, p, &e) < 0);
    assert_contains(e.msg, says);
}

/* Past the store, as an admin would ask. */
static void ask(const char *path, const char *body)
{
    struct str endpoints[2];
    const struct place plain = {0};
    const struct gateway_access access = access_to(&plain, endpoints);
    struct turns *turns = turns_new();
    struct gateway g;
    struct arena a;
    struct codec_answer answer;
    struct err why = {0};
    arena_init(&a, 1024);
    gateway_init(&g, turns_port(turns), &access);
    if (gateway_ask(&g, path, str_from(body), 10000, &a, &answer, &why) != STORE_OK)
        fail_msg("%s: %s", path, why.msg);
    gateway_done(&g);
    turns_free(turns);
    arena_done(&a);
}

static uint64_t events_of(struct opened *o)
{
    struct store_notice *n = storeloop_read(&o->loop, (struct store_query){0});
    uint64_t count = n->page.n;
    store_notice_free(o->loop.store, n);
    return count;
}

static void wait_for_health(struct opened *o, enum store_result want)
{
    while (store_health(o->loop.store, NULL) != want)
        store_notice_free(o->loop.store, storeloop_next(&o->loop));
}

/* --- Losing etcd ------------------------------------------------------------------------------ */

/* What the feed says, from START_OVER to IN_STEP: "key=bytes@revision ". */
static const char *take_feed(struct opened *o)
{
    static char text[512];
    size_t n = 0;
    text[0] = '\0';
    store_notice_free(o->loop.store, storeloop_until(&o->loop, STORE_START_OVER));
    for (;;) {
        struct store_notice *x = storeloop_next(&o->loop);
        enum store_about about = x->about;
        if (about == STORE_CHANGED)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s=%.*s@%d ",
                                  STR_ARG(x->record.key), STR_ARG(x->record.bytes),
                                  (int)x->revision);
        store_notice_free(o->loop.store, x);
        if (about == STORE_IN_STEP)
            return text;
    }
}

static int list_record(void *cls, const struct store_record *r, struct err *e)
{
    char *text = cls;
    size_t n = strlen(text);
    (void)e;
    snprintf(text + n, 512 - n, "%.*s=%.*s@%d ", STR_ARG(r->key), STR_ARG(r->bytes),
             (int)r->revision);
    return 0;
}

static const char *loaded(struct opened *o)
{
    static char text[512];
    uint64_t revision;
    struct err e = {0};
    text[0] = '\0';
    store_stop(o->loop.store);
    if (store_load(o->loop.store, list_record, text, &revision, &e) < 0)
        fail_msg("%s", e.msg);
    return text;
}

/* Commits are refused, or it is not known what became of them; what is there can be read; and the
 * records that follow are those that etcd has. */
static void test_etcd_is_killed_and_comes_back(void **state)
{
    (void)state;
    struct opened o;
    open_store(&o, &(struct place){0});
    storeloop_put(&o.loop, "a", STORE_ABSENT, "1");
    etcdserver_stop(&server);
    struct store_notice n = storeloop_put(&o.loop, "b", STORE_ABSENT, "1");
    assert_true(n.result == STORE_UNKNOWN || n.result == STORE_UNAVAILABLE);
    bool unknown = n.result == STORE_UNKNOWN;
    assert_int_equal(storeloop_put(&o.loop, "c", STORE_ABSENT, "1").result, STORE_UNAVAILABLE);
    assert_int_equal(events_of(&o), 1);
    etcdserver_start(&server, "0");
    if (unknown)
        assert_string_equal(take_feed(&o), "a=1@1 ");
    wait_for_health(&o, STORE_OK);
    n = storeloop_put(&o.loop, "a", 1, "2");
    assert_int_equal(n.result, STORE_OK);
    assert_int_equal(n.revision, 2);
    assert_int_equal(n.first_event, 2);
    assert_string_equal(loaded(&o), "a=2@2 ");
    close_store(&o);
}

/* It may have taken the request before it stopped. */
static void test_etcd_hangs(void **state)
{
    (void)state;
    struct opened o;
    open_store(&o, &(struct place){0});
    storeloop_put(&o.loop, "a", STORE_ABSENT, "1");
    kill(server.pid, SIGSTOP);
    struct store_notice n = storeloop_put(&o.loop, "a", 1, "2");
    assert_int_equal(n.result, STORE_UNKNOWN);
    assert_int_equal(events_of(&o), 1);
    kill(server.pid, SIGCONT);
    char fed[512];
    snprintf(fed, sizeof(fed), "%s", take_feed(&o));
    bool done = strcmp(fed, "a=2@2 ") == 0;
    if (!done)
        assert_string_equal(fed, "a=1@1 ");
    n = storeloop_put(&o.loop, "a", done ? 2 : 1, "3");
    assert_int_equal(n.result, STORE_OK);
    assert_int_equal(n.revision, done ? 3 : 2);
    assert_string_equal(loaded(&o), done ? "a=3@3 " : "a=3@2 ");
    close_store(&o);
}

/* It takes connections and says nothing. */
static void test_a_member_that_hangs_is_left_behind(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(at.sin_port));
    struct opened o;
    open_store(&o, &(struct place){.endpoint = url});
    for (int i = 0; i < 5; i++)
        assert_int_equal(storeloop_put(&o.loop, "a", STORE_ANY, "1").result, STORE_OK);
    close_store(&o);
    close(fd);
    open_store(&o, &(struct place){.endpoint = url}); /* it does not even take them */
    assert_int_equal(storeloop_put(&o.loop, "a", STORE_ANY, "1").result, STORE_OK);
    close_store(&o);
}

/* --- Others ----------------------------------------------------------------------------------- */

static void test_another_server_takes_over(void **state)
{
    (void)state;
    struct err why = {0};
    struct opened one;
    open_store(&one, &(struct place){0});
    storeloop_put(&one.loop, "a", STORE_ABSENT, "1");
    struct opened two;
    open_store(&two, &(struct place){0});
    assert_int_equal(storeloop_put(&two.loop, "a", 1, "2").result, STORE_OK);
    assert_int_equal(storeloop_put(&one.loop, "b", STORE_ABSENT, "1").result, STORE_UNAVAILABLE);
    assert_int_equal(store_health(one.loop.store, &why), STORE_UNAVAILABLE);
    assert_contains(why.msg, "another cloudseedd has taken over");
    assert_int_equal(storeloop_put(&one.loop, "b", STORE_ABSENT, "1").result, STORE_UNAVAILABLE);
    assert_int_equal(storeloop_put(&two.loop, "a", 2, "3").result, STORE_OK);
    assert_string_equal(loaded(&two), "a=3@3 ");
    close_store(&one);
    close_store(&two);
}

static void test_another_fleets_state(void **state)
{
    (void)state;
    struct opened o;
    open_store(&o, &(struct place){0});
    close_store(&o);
    expect_no_open(&(struct place){.fleet = "other"}, "sealed by another key");
    open_store(&o, &(struct place){0});
    close_store(&o);
}

static void test_compaction_changes_nothing(void **state)
{
    (void)state;
    struct opened o;
    open_store(&o, &(struct place){0});
    for (int i = 0; i < 3; i++)
        storeloop_put(&o.loop, "a", STORE_ANY, "1");
    ask("/v3/kv/compaction", "{\"revision\":\"4\"}");
    assert_int_equal(storeloop_put(&o.loop, "a", 3, "2").result, STORE_OK);
    assert_int_equal(events_of(&o), 4);
    assert_string_equal(loaded(&o), "a=2@4 ");
    close_store(&o);
}

/* --- Bounds ----------------------------------------------------------------------------------- */

static void test_more_writes_than_etcd_takes(void **state)
{
    (void)state;
    static char keys[125][16];
    struct store_write w[125];
    struct opened o;
    open_store(&o, &(struct place){0});
    for (int i = 0; i < 125; i++) {
        snprintf(keys[i], sizeof(keys[i]), "n%d", i);
        w[i] = (struct store_write){STORE_PUT, STR("node"), str_from(keys[i]), 0, STR("1")};
    }
    struct store_txn t = {.writes = w, .n_writes = 125};
    assert_int_equal(store_commit(o.loop.store, &t), -EMSGSIZE);
    t.n_writes = 120;
    assert_int_equal(storeloop_commit(&o.loop, &t).result, STORE_OK);
    for (size_t i = 0; i < 125; i++) /* many transactions: as many groups as it takes */
        assert_int_equal(
            store_commit(o.loop.store,
                         &(struct store_txn){.writes = &w[i], .n_writes = 1, .tag = i}),
            0);
    for (size_t i = 0; i < 125; i++) {
        struct store_notice *n = storeloop_until(&o.loop, STORE_COMMIT);
        assert_int_equal(n->tag, i);
        assert_int_equal(n->result, i < 120 ? STORE_CONFLICT : STORE_OK);
        store_notice_free(o.loop.store, n);
    }
    close_store(&o);
}

static void test_etcd_is_full(void **state)
{
    (void)state;
    static char big[100000];
    struct err why = {0};
    etcdserver_stop(&server);
    etcdserver_start(&server, "1000000");
    struct opened o;
    open_store(&o, &(struct place){0});
    struct store_write w = {STORE_PUT, STR("node"), STR("a"), STORE_ANY, {big, sizeof(big)}};
    const struct store_txn t = {.writes = &w, .n_writes = 1};
    storeloop_put(&o.loop, "b", STORE_ABSENT, "1");
    enum store_result result = STORE_OK;
    for (int i = 0; i < 100 && result == STORE_OK; i++)
        result = storeloop_commit(&o.loop, &t).result;
    assert_int_equal(result, STORE_FULL);
    assert_int_equal(store_health(o.loop.store, &why), STORE_FULL);
    assert_contains(why.msg, "disarm");
    assert_int_equal(storeloop_put(&o.loop, "c", STORE_ABSENT, "1").result, STORE_FULL);
    assert_int_equal(events_of(&o), 1);
    close_store(&o);
    expect_no_open(&(struct place){0}, "database space exceeded");
    etcdserver_done(&server);
    server.folder[0] = '\0';
}

/* --- Users ------------------------------------------------------------------------------------ */

static void set_up_users(void)
{
    ask("/v3/auth/user/add", "{\"name\":\"root\",\"password\":\"r\"}");
    ask("/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}");
    ask("/v3/auth/user/add", "{\"name\":\"nobody\",\"password\":\"n\"}");
    ask("/v3/auth/enable", "{}");
}

static void test_users(void **state)
{
    (void)state;
    const struct place root = {.user = "root", .password = "r"};
    expect_no_open(&root, "etcdctl auth enable");
    set_up_users();
    expect_no_open(&(struct place){0}, "set user and password_file");
    expect_no_open(&(struct place){.user = "root", .password = "x"},
                   "check user and password_file");
    expect_no_open(&(struct place){.user = "nobody", .password = "n"}, "readwrite on the prefix");
    struct opened o;
    open_store(&o, &root);
    assert_int_equal(storeloop_put(&o.loop, "a", STORE_ABSENT, "1").result, STORE_OK);
    etcdserver_stop(&server); /* its tokens die with it */
    etcdserver_start(&server, "0");
    assert_int_equal(storeloop_put(&o.loop, "a", 1, "2").result, STORE_OK);
    close_store(&o);
    etcdserver_done(&server);
    server.folder[0] = '\0';
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_etcd_is_killed_and_comes_back),
        TEST(test_etcd_hangs),
        TEST(test_a_member_that_hangs_is_left_behind),
        TEST(test_another_server_takes_over),
        TEST(test_another_fleets_state),
        TEST(test_compaction_changes_nothing),
        TEST(test_more_writes_than_etcd_takes),
        TEST(test_etcd_is_full),
        TEST(test_users),
    };
    return cmocka_run_group_tests_name("", tests, NULL, leave);
}
