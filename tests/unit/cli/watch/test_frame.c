/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/common/term.h"
#include "cli/watch/watch.h"

#define NOW_MS INT64_C(1795347600000) /* 2026-11-22T11:40:00Z */

static struct tracker tracker;
static struct arena arena = {.chunk_bytes = 4096};
static struct buf out;

static struct value json(const char *text)
{
    struct value v;
    struct err e;
    assert_int_equal(json_read(str_from(text), &arena, &v, &e), 0);
    return v;
}

static void node(const char *name, const char *state)
{
    fleetview_put(&tracker.view,
                  json(arena_printf(&arena,
                                    "{\"name\": \"%s\", \"role\": \"worker\", \"state\": \"%s\", "
                                    "\"since\": \"2026-11-22T11:39:50.000Z\"}",
                                    name, state)
                           .p));
}

static struct node_view *event(const char *name, const char *kind, const char *data)
{
    return fleetview_event(&tracker.view,
                           json(arena_printf(&arena,
                                             "{\"id\": 1, \"at\": \"2026-11-22T11:39:58.500Z\", "
                                             "\"node\": \"%s\", \"kind\": \"%s\", \"data\": %s}",
                                             name, kind, data)
                                    .p));
}

static const char *draw(uint32_t rows, uint32_t columns)
{
    const struct frame f = {.rows = rows, .columns = columns, .now_ms = NOW_MS};
    buf_done(&out);
    buf_init(&out, (size_t)1 << 20);
    frame_write(&f, &tracker, &out);
    return out.p;
}

static int forget(void **state)
{
    (void)state;
    fleetview_done(&tracker.view);
    learn_done(&tracker.learn);
    arena_done(&arena);
    buf_done(&out);
    return 0;
}

/* Each line ends in what clears the rest of it. */
static uint32_t lines_within(const char *frame, size_t columns)
{
    struct str rest = str_from(frame);
    uint32_t n = 0;
    for (; rest.p; n++) {
        struct str line = str_cut(&rest, '\n');
        assert_true(str_ends(line, STR("\033[K")));
        line.n -= 3;
        assert_in_range(term_width(line), 0, columns);
    }
    return n;
}

static void it_fits_any_terminal(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        node(arena_printf(&arena, "a-node-with-a-long-name-%d", i).p, i % 3 ? "ready" : "booting");
    for (uint32_t rows = 5; rows < 50; rows++) {
        for (uint32_t columns = 1; columns < 130; columns += 7)
            assert_in_range(lines_within(draw(rows, columns), columns), 1, rows);
    }
}

static void those_that_boot_come_first_and_the_rest_is_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++)
        node(arena_printf(&arena, "n%d", i).p, "ready");
    node("zz", "booting");
    node("yy", "failed");
    const char *shown = draw(7, 120);
    const char *first = strstr(shown, "zz"), *second = strstr(shown, "yy");
    assert_true(first && second && first < second);
    assert_contains(shown, "\n8 more: 8 ready");
    assert_contains(shown, "\n11 nodes: 1 booting, 1 failed, 9 ready");
}

static void progress_is_learned(void **state)
{
    (void)state;
    node("n", "armed");
    event("n", "booting", "{\"from\": \"armed\", \"file\": \"meta-data\"}");
    assert_contains(draw(24, 120), "[ <=>                ]");
    learn_mark(&tracker.learn, "worker", "init-local", false, 1000);
    learn_end(&tracker.learn, "worker", 3000);
    event("n", "progress", "{\"stage\": \"init-local\", \"type\": \"start\"}");
    assert_contains(draw(24, 120), "init-local  [##########----------]  50%  1 s");
    event("n", "progress",
          "{\"stage\": \"modules-final\", \"type\": \"finish\", \"result\": \"SUCCESS\"}");
    assert_contains(draw(24, 120), "[####################] 100%");
}

static void a_failed_step_is_not_a_hundred_percent(void **state)
{
    (void)state;
    node("n", "armed");
    event("n", "booting", "{}");
    event("n", "progress",
          "{\"stage\": \"modules-config/config-ntp\", \"type\": \"finish\", "
          "\"result\": \"FAIL\", \"description\": \"no time server\"}");
    event("n", "progress",
          "{\"stage\": \"modules-final\", \"type\": \"finish\", \"result\": \"SUCCESS\", "
          "\"description\": \"all is well\"}");
    const char *shown = draw(24, 140);
    assert_contains(shown, "[!!!!!!!!!!!!!!!!!!!!] fail");
    assert_contains(shown, "modules-config/config-ntp failed: no time server");
    assert_null(strstr(shown, "100%"));
    fleetview_done(&tracker.view); /* as after the start of another watch */
    fleetview_put(
        &tracker.view,
        json("{\"name\": \"n\", \"role\": \"worker\", \"state\": \"up\", \"boot\": {\"began\": "
             "\"2026-11-22T11:39:50.000Z\", \"last\": \"2026-11-22T11:39:58.000Z\", "
             "\"finished\": true, \"failed\": \"modules-config/config-ntp\"}}"));
    assert_contains(draw(24, 140), "[!!!!!!!!!!!!!!!!!!!!] fail");
    assert_contains(draw(24, 140), "config-ntp failed: see cloud-init's log on the node");
    event("n", "joining", "{\"from\": \"up\"}");
    assert_contains(draw(24, 140), "config-ntp failed: see");
    assert_true(event("n", "rebooted", "{}") != NULL);
    assert_null(strstr(draw(24, 140), "fail"));
}

static void eighty_columns_have_room_for_a_reason(void **state)
{
    (void)state;
    node("k8s-worker-2", "booting");
    event("k8s-worker-2", "booting", "{}");
    node("k8s-worker-3", "armed");
    event("k8s-worker-3", "failed",
          "{\"stage\": \"modules-config/config-apt-configure\", \"reason\": \"the step failed: "
          "cloud-init's log on the node says why\"}");
    const char *shown = draw(24, 80);
    lines_within(shown, 80);
    assert_contains(shown, "the step failed:");
    assert_contains(shown, "\n    cloud-init's log on the node says why");
}

static void a_joining_node_says_why_it_is_not_ready(void **state)
{
    (void)state;
    const struct node_view *s = fleetview_put(
        &tracker.view, json("{\"name\": \"n\", \"role\": \"worker\", \"state\": \"joining\", "
                            "\"kubernetes\": {\"ready\": false, \"reason\": "
                            "\"KubeletNotReady: cni plugin not initialized\"}}"));
    assert_string_equal(s->stage, "not Ready");
    assert_string_equal(s->message, "KubeletNotReady: cni plugin not initialized");
    assert_false(s->bad);
}

#define MINTED "{\"cluster\": \"lab\", \"token\": \"cs4xk2\""

static void a_token_that_is_minted_is_a_stage(void **state)
{
    (void)state;
    node("n", "joining");
    event("n", "minting", MINTED "}");
    assert_contains(draw(24, 120), "minting");
    assert_contains(draw(24, 120), "cluster lab, token cs4xk2");
    assert_true(event("n", "mint-waits", MINTED ", \"reason\": \"HTTP 403\"}")->bad);
    const char *shown = draw(24, 120);
    assert_contains(strstr(shown, "minting"), "HTTP 403");
    assert_false(event("n", "minted", MINTED "}")->bad);
    assert_null(strstr(draw(24, 120), "minting"));
    const struct node_view *s = fleetview_put(
        &tracker.view, json("{\"name\": \"n\", \"role\": \"worker\", \"state\": \"joining\", "
                            "\"mint\": {\"phase\": \"intended\", \"reason\": \"HTTP 500\"}}"));
    assert_true(s->bad);
    assert_string_equal(s->stage, "minting");
    assert_string_equal(s->message, "HTTP 500");
    s = fleetview_put(&tracker.view,
                      json("{\"name\": \"n\", \"role\": \"worker\", \"state\": \"failed\", "
                           "\"failure\": {\"stage\": \"kubeadm\", \"reason\": \"swap\"}, "
                           "\"mint\": {\"phase\": \"intended\", \"reason\": \"HTTP 500\"}}"));
    assert_string_equal(s->stage, "kubeadm");
    assert_string_equal(s->message, "swap");
}

static void what_a_node_waits_for_is_a_stage(void **state)
{
    (void)state;
    node("n", "joining");
    assert_false(event("n", "waits", "{\"reason\": \"waits for m1\"}")->bad);
    assert_contains(strstr(draw(24, 120), "joining     waits"), "waits for m1");
    const struct node_view *s = fleetview_put(
        &tracker.view, json("{\"name\": \"n\", \"role\": \"worker\", \"state\": \"joining\", "
                            "\"waits\": \"waits for m2\"}"));
    assert_false(s->bad);
    assert_string_equal(s->stage, "waits");
    assert_string_equal(s->message, "waits for m2");
    s = fleetview_put(&tracker.view,
                      json("{\"name\": \"n\", \"role\": \"worker\", \"state\": \"joining\", "
                           "\"waits\": \"waits for m2\", \"mint\": {\"phase\": \"intended\"}}"));
    assert_string_equal(s->stage, "minting");
    assert_string_equal(s->message, "");
}

static void text_of_strangers_harms_nothing(void **state)
{
    (void)state;
    node("n", "booting");
    event("n", "progress",
          "{\"stage\": \"a\\u001b[2J\\nb\", \"type\": \"start\", "
          "\"description\": \"\\u001b]0;x\\u0007\\r\\n\\u202e \\\"\\u4e16\\u754c\"}");
    const char *shown = draw(24, 120);
    assert_null(strstr(shown, "\033[2J"));
    assert_null(strstr(shown, "\033]"));
    assert_null(strchr(shown, '\r'));
    assert_null(strstr(shown, "\u202e"));
    assert_contains(shown, "世界");
    assert_int_equal(lines_within(shown, 119), 4);
    event("n", "failed", "{\"stage\": \"s\", \"reason\": \"no\\u001b[1m space\"}");
    assert_contains(draw(24, 120), "no\uFFFD[1m space");
}

static void a_lost_server_is_told(void **state)
{
    const struct frame f = {.rows = 9, .columns = 60, .now_ms = NOW_MS, .trouble = "no\033 server"};
    (void)state;
    buf_done(&out);
    buf_init(&out, 4096);
    frame_write(&f, &tracker, &out);
    assert_contains(out.p, "trying again: no\uFFFD server");
    assert_contains(out.p, "0 nodes");
}

static void nodes_follow_their_events(void **state)
{
    (void)state;
    node("n", "armed");
    node("m", "ready");
    assert_null(event("other", "up", "{}"));
    struct node_view *s = event("n", "booting", "{}");
    assert_string_equal(s->state, "booting");
    assert_int_equal(s->began_ms, s->since_ms);
    s = event("n", "failed", "{\"stage\": \"modules-final\", \"reason\": \"why\"}");
    assert_string_equal(s->state, "failed");
    assert_string_equal(s->stage, "modules-final");
    assert_string_equal(s->message, "why");
    assert_true(s->bad && s->ended_ms > 0);
    assert_string_equal(event("n", "expired", "{}")->state, "registered");
    s = event("m", "rebooted", "{}");
    assert_true(s->reboot);
    assert_string_equal(s->state, "ready");
    assert_string_equal(event("m", "alarm", "{\"reason\": \"a clone\"}")->message, "a clone");
    fleetview_drop(&tracker.view, STR("m"));
    assert_null(fleetview_find(&tracker.view, STR("m")));
    assert_non_null(fleetview_find(&tracker.view, STR("n")));
}

#define TEST(f) cmocka_unit_test_teardown(f, forget)

UNIT_MAIN(TEST(it_fits_any_terminal), TEST(those_that_boot_come_first_and_the_rest_is_counted),
          TEST(progress_is_learned), TEST(a_failed_step_is_not_a_hundred_percent),
          TEST(eighty_columns_have_room_for_a_reason),
          TEST(a_joining_node_says_why_it_is_not_ready), TEST(a_token_that_is_minted_is_a_stage),
          TEST(what_a_node_waits_for_is_a_stage), TEST(text_of_strangers_harms_nothing),
          TEST(a_lost_server_is_told), TEST(nodes_follow_their_events))
