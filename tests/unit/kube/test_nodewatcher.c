/* SPDX-License-Identifier: Apache-2.0 */
/* The nodewatcher, and below it the reflector, with fetches and a clock of the test's: streams that
 * are cut at every byte. tests/kube/test_nodes.py has it meet a server. */
#include "lib/unit.h"

#include "kube/nodewatcher.h"

#include "golden.h"

#include <errno.h>

#define FETCHES 4096

struct asked {
    struct fetch fetch;
    struct waiter waiter;
    const char *path;
    struct str held; /* of a stream, not taken yet */
    bool live, stream;
};

static struct {
    struct arena arena;
    struct nodewatcher *watcher;
    struct nodewatch *watch;
    struct fetch_port port;
    struct asked asked[FETCHES];
    uint32_t asked_n, live;
    uint64_t now_ms, due_ms;
    uint32_t wakes;
    bool ends_when_woken;
} world;

/* --- Fetches and the clock -------------------------------------------------------------------- */

static int fake_start(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e)
{
    (void)cls, (void)e;
    assert_true(world.asked_n < FETCHES);
    struct asked *f = &world.asked[world.asked_n++];
    *f = (struct asked){.waiter = q->waiter, .live = true, .stream = q->stream, .held = STR("")};
    f->fetch.port = &world.port;
    f->fetch.body = STR("");
    f->path = arena_str(&world.arena, str_skip(q->url, STR("https://k:6443").n)).p;
    assert_string_equal(q->method, "GET");
    assert_str(q->bearer, "the.minters.token");
    assert_str(q->ca, "PEM");
    assert_true(q->connect_ms && q->answer_ms && q->silence_ms && q->whole_ms);
    assert_false(q->follows || q->body.p);
    world.live++;
    *ret = &f->fetch;
    return 0;
}

static struct str fake_take(struct fetch *fetch)
{
    struct asked *f = (struct asked *)fetch;
    struct str held = f->held;
    f->held = STR("");
    return held;
}

static struct str fake_header(struct fetch *fetch, const char *name)
{
    (void)fetch, (void)name;
    return (struct str){NULL, 0};
}

static void fake_end(struct fetch *fetch)
{
    struct asked *f = (struct asked *)fetch;
    if (!f)
        return;
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
    if (!world.ends_when_woken)
        return;
    nodewatch_end(world.watch);
    world.watch = NULL;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void begin_watch(void)
{
    const struct nodewatch_target t = {.endpoint = STR("https://k:6443"),
                                       .ca = STR("PEM"),
                                       .bearer = STR("the.minters.token"),
                                       .waiter = {{on_wake, NULL}, {1, 1}}};
    assert_int_equal(nodewatch_begin(nodewatcher_port(world.watcher), &t, &world.watch, NULL), 0);
}

/* The request that is under way now, or after a pause. */
static struct asked *under_way(const char *part)
{
    if (!world.live) {
        assert_true(world.due_ms != UINT64_MAX);
        world.now_ms = world.due_ms > world.now_ms ? world.due_ms : world.now_ms;
        nodewatcher_on_alarm(world.watcher);
    }
    struct asked *f = &world.asked[world.asked_n - 1];
    assert_true(world.asked_n && f->live && world.live == 1);
    assert_contains(f->path, part);
    return f;
}

static void finish(struct asked *f, enum fetch_fault fault, int status, struct str body)
{
    f->fetch.done = true;
    f->fetch.fault = fault;
    f->fetch.status = status;
    if (f->stream)
        f->held = body;
    else
        f->fetch.body = body;
    if (fault != FETCH_OK)
        err_set(&f->fetch.err, -EIO, "k:6443: fault %d", fault);
    waiter_wake(f->waiter);
}

static void flow(struct asked *f, struct str bytes)
{
    f->fetch.status = 200;
    f->held = bytes;
    waiter_wake(f->waiter);
}

static void list(const char *body)
{
    finish(under_way("/api/v1/nodes?limit="), FETCH_OK, 200, str_from(body));
}

static struct str golden(const char *name)
{
    return golden_text(&world.arena, name);
}

static struct nodewatch_node node(const char *name)
{
    struct nodewatch_node n = {.name = STR("")};
    nodewatch_find(world.watch, str_from(name), &n);
    return n;
}

static uint32_t count_changes(void)
{
    struct nodewatch_node n;
    uint32_t count = 0;
    while (nodewatch_next(world.watch, &n))
        count++;
    return count;
}

static int start(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    arena_init(&world.arena, 65536);
    world.now_ms = 1000;
    world.due_ms = UINT64_MAX;
    world.port = (struct fetch_port){fake_start, fake_take, fake_header, fake_end, NULL};
    const struct nodewatcher_host host = {&world.port, {set_alarm, NULL}, boot_ms};
    world.watcher = nodewatcher_new(&host);
    return 0;
}

static int end(void **state)
{
    (void)state;
    nodewatch_end(world.watch);
    assert_int_equal(world.live, 0);
    nodewatcher_free(world.watcher);
    arena_done(&world.arena);
    return 0;
}

#define PAGE                                                                              \
    "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"1\",\"continue\":\"x\"}," \
    "\"items\":[]}"
#define EMPTY "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"279\"},\"items\":[]}"

/* --- Tests ------------------------------------------------------------------------------------ */

static void real_answers(void **state)
{
    (void)state;
    begin_watch();
    assert_false(world.watch->in_step);
    finish(under_way("/api/v1/nodes?limit="), FETCH_OK, 200, golden("kube/200-nodes.json"));
    assert_true(world.watch->in_step && world.wakes == 1);
    assert_true(node("k8s-worker-2").ready);
    assert_str(node("k8s-worker-2").kubelet, "v1.20.2");
    assert_true(node("master-1").present && !node("master-1").ready);
    assert_int_equal(count_changes(), 2);
    struct asked *f = under_way("?watch=true&allowWatchBookmarks=true&timeoutSeconds=");
    flow(f, golden("kube/watch-nodes.json"));
    under_way("&resourceVersion="); /* it flows on */
    assert_true(f->live);
}

static const char *version_of(const char *path)
{
    const char *at = strstr(path, "&resourceVersion=");
    assert_non_null(at);
    return at + strlen("&resourceVersion=");
}

/* Each time one byte later; the next stream brings what comes behind the last whole event. */
static void streams_cut_at_every_byte(void **state)
{
    struct str text = golden("kube/watch-nodes.json");
    (void)state;
    size_t first = (size_t)((const char *)memchr(text.p, '\n', text.n) - text.p) + 1;
    for (size_t cut = 1; cut < first + 200; cut += cut < first - 200 ? 97 : 1) {
        begin_watch();
        list(EMPTY);
        struct asked *f = under_way("watch=true");
        assert_string_equal(version_of(f->path), "279");
        flow(f, (struct str){text.p, cut / 2});
        flow(f, (struct str){text.p + cut / 2, cut - cut / 2});
        finish(f, FETCH_CUT_OFF, 200, STR(""));
        assert_int_equal(world.watch->err.msg[0], 0);
        f = under_way("watch=true");
        bool is_whole = cut >= first;
        assert_string_equal(version_of(f->path), is_whole ? "280" : "279");
        flow(f, is_whole ? str_skip(text, first) : text);
        assert_true(node("k8s-worker-2").ready);
        assert_string_equal(world.watch->err.msg, "");
        nodewatch_end(world.watch);
        world.watch = NULL;
    }
}

static void a_version_that_is_too_old(void **state)
{
    static const int statuses[] = {200, 410, 504};
    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        begin_watch();
        finish(under_way("limit="), FETCH_OK, 200, golden("kube/200-nodes.json"));
        struct asked *f = under_way("watch=true");
        if (statuses[i] == 200)
            flow(f, golden("kube/watch-410.json"));
        else
            finish(f, FETCH_OK, statuses[i], STR("no"));
        list(EMPTY); /* what it does not name has gone */
        assert_false(node("k8s-worker-2").present);
        assert_true(world.watch->in_step);
        under_way("watch=true");
        nodewatch_end(world.watch);
        world.watch = NULL;
    }
}

static void what_is_no_event_ends_a_stream(void **state)
{
    static const char *const texts[] = {"{}\n", "nonsense\n",
                                        "{\"type\":\"ADDED\",\"object\":{}}\n",
                                        "{\"type\":\"ERROR\",\"object\":{\"code\":500,"
                                        "\"message\":\"etcd\"}}\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        begin_watch();
        list(EMPTY);
        flow(under_way("watch=true"), str_from(texts[i]));
        assert_true(world.watch->err.msg[0]);
        list(EMPTY);
        assert_string_equal(world.watch->err.msg, "");
        nodewatch_end(world.watch);
        world.watch = NULL;
    }
}

static void pauses_become_longer(void **state)
{
    (void)state;
    begin_watch();
    uint64_t before = 0, longest = 0;
    for (int i = 0; i < 12; i++) {
        finish(under_way("limit="), FETCH_UNREACHED, 0, STR(""));
        uint64_t pause = world.due_ms - world.now_ms;
        assert_true(pause >= before / 4 && pause <= 15000);
        before = pause;
        longest = pause > longest ? pause : longest;
    }
    assert_true(longest >= 7500);
    assert_string_equal(world.watch->err.msg, "k:6443: fault 2");
    assert_int_equal(world.wakes, 1); /* the same reason is no news */
    nodewatch_set_bearer(world.watch, STR("the.minters.token"));
    assert_true(world.due_ms <= world.now_ms);
}

static void a_list_without_an_end(void **state)
{
    (void)state;
    begin_watch();
    for (int i = 0; i < 2000; i++)
        list(PAGE);
    list(PAGE);
    assert_contains(world.watch->err.msg, "does not end");
    assert_false(world.watch->in_step);
    assert_null(strstr(under_way("limit=")->path, "continue"));
}

static void an_owner_may_end_it_when_it_is_woken(void **state)
{
    (void)state;
    begin_watch();
    world.ends_when_woken = true;
    list(EMPTY);
    assert_true(world.wakes == 1 && !world.watch && world.live == 0);
    assert_int_equal(world.due_ms, UINT64_MAX);
}

/* More than are ever kept, where machines come and go. */
static void names_that_have_gone_are_forgotten(void **state)
{
    struct buf text;
    (void)state;
    begin_watch();
    list(EMPTY);
    struct asked *f = under_way("watch=true");
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 50500; i++) {
        static const char *const types[] = {"ADDED", "DELETED"};
        for (int t = 0; t < 2; t++)
            buf_printf(&text,
                       "{\"type\":\"%s\",\"object\":{\"metadata\":{\"name\":\"n%d\","
                       "\"resourceVersion\":\"%d\"}}}\n",
                       types[t], i, 300 + 2 * i + t);
        if (i % 500)
            continue;
        flow(f, buf_view(&text));
        buf_clear(&text);
        count_changes();
    }
    buf_done(&text);
    flow(f, STR("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"late\","
                "\"resourceVersion\":\"999999\"}}}\n"));
    assert_true(node("late").present);
    assert_int_equal(count_changes(), 1);
}

#define WATCH(name) cmocka_unit_test_setup_teardown(name, start, end)

UNIT_MAIN(WATCH(real_answers), WATCH(streams_cut_at_every_byte), WATCH(a_version_that_is_too_old),
          WATCH(what_is_no_event_ends_a_stream), WATCH(pauses_become_longer),
          WATCH(a_list_without_an_end), WATCH(an_owner_may_end_it_when_it_is_woken),
          WATCH(names_that_have_gone_are_forgotten))
