/* SPDX-License-Identifier: Apache-2.0 */
/* The streams in tests/golden/kube/ are those of a real API server while a real kubelet joined. */
#include "lib/unit.h"

#include "base/mem.h"
#include "kube/apiwatch.h"
#include "kube/object.h"

#include "golden.h"

#include <errno.h>

static struct arena arena;
static struct apiwatch watch;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    apiwatch_init(&watch);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    apiwatch_done(&watch);
    return 0;
}

static const char *const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "EXPIRED"};

/* Appends what the stream says of nodes, one word for each event. */
static void note(struct buf *b)
{
    struct apiwatch_event event;
    struct object_node n = {.name = STR("")};
    struct err e = {0};
    int r;
    while ((r = apiwatch_next(&watch, &arena, &event, &e)) > 0) {
        buf_printf(b, "%s", names[event.type]);
        if (object_node(event.object, &arena, &n))
            buf_printf(b, ":%.*s:%s", STR_ARG(n.name), n.ready ? "ready" : "not");
        buf_char(b, ' ');
    }
    if (r < 0)
        fail_msg("%s", e.msg);
}

#define WHOLE                                                                       \
    "ADDED:k8s-worker-2:not MODIFIED:k8s-worker-2:not MODIFIED:k8s-worker-2:ready " \
    "BOOKMARK BOOKMARK "

/* However the network cuts it. */
static void events_of_a_joining_node(void **state)
{
    (void)state;
    struct str text = golden_text(&arena, "kube/watch-nodes.json");
    for (size_t size = 1; size <= text.n; size = size * 3 + 1) {
        struct buf b = {.max_bytes = 4096};
        for (struct str rest = text; rest.n; rest = str_skip(rest, size)) {
            char *part = mem_copy(rest.p, rest.n < size ? rest.n : size);
            apiwatch_feed(&watch, (struct str){part, rest.n < size ? rest.n : size});
            note(&b);
            free(part);
        }
        assert_str(buf_view(&b), WHOLE);
        buf_done(&b);
    }
}

static void bookmarks_move_the_version(void **state)
{
    (void)state;
    struct apiwatch_event event;
    struct str text = golden_text(&arena, "kube/watch-csrs.json"), last = STR("");
    unsigned bookmarks = 0;
    apiwatch_feed(&watch, text);
    while (apiwatch_next(&watch, &arena, &event, NULL) > 0) {
        assert_true(event.version.n > 0);
        bookmarks += event.type == APIWATCH_BOOKMARK;
        assert_true((event.type == APIWATCH_BOOKMARK) == (event.object.kind == VALUE_UNDEFINED));
        last = event.version;
    }
    assert_int_equal(bookmarks, 2);
    assert_str(last, "288");
}

static void too_old_a_version(void **state)
{
    (void)state;
    struct apiwatch_event event;
    apiwatch_feed(&watch, golden_text(&arena, "kube/watch-410.json"));
    assert_int_equal(apiwatch_next(&watch, &arena, &event, NULL), 1);
    assert_int_equal(event.type, APIWATCH_EXPIRED);
    assert_int_equal(apiwatch_next(&watch, &arena, &event, NULL), 0);
}

static void refused(struct str text, int code, const char *why)
{
    struct apiwatch_event event;
    struct err e = {0};
    apiwatch_reset(&watch);
    apiwatch_feed(&watch, text);
    assert_int_equal(apiwatch_next(&watch, &arena, &event, &e), code);
    assert_contains(e.msg, why);
}

static void what_ends_a_stream(void **state)
{
    (void)state;
    refused(STR("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"message\":\"a\\u001bb\","
                "\"code\":500}}\n"),
            -EIO, "the API server ends the watch: a\\x1bb");
    refused(STR("no JSON\n"), -EINVAL, "not JSON");
    refused(STR("{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}\n"), -EINVAL, "not an event");
    refused(STR("{\"type\":\"RENAMED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n"),
            -EINVAL, "not an event");
    char *large = mem_alloc(APIWATCH_EVENT_MAX + 2);
    memset(large, 'x', APIWATCH_EVENT_MAX + 2);
    refused((struct str){large, APIWATCH_EVENT_MAX + 2}, -EMSGSIZE, "more than 4194304 bytes");
    free(large);
}

/* A new stream begins at its beginning. */
static void half_an_event_is_forgotten(void **state)
{
    (void)state;
    struct apiwatch_event event;
    struct str text = golden_text(&arena, "kube/watch-410.json");
    apiwatch_feed(&watch, (struct str){text.p, text.n / 2});
    assert_int_equal(apiwatch_next(&watch, &arena, &event, NULL), 0);
    apiwatch_reset(&watch);
    apiwatch_feed(&watch, text);
    assert_int_equal(apiwatch_next(&watch, &arena, &event, NULL), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(events_of_a_joining_node), TEST(bookmarks_move_the_version), TEST(too_old_a_version),
          TEST(what_ends_a_stream), TEST(half_an_event_is_forgotten))
