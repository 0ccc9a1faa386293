/* SPDX-License-Identifier: Apache-2.0 */
/* life: one node's record and what happens to it, for the tests of fleet. */
#ifndef CLOUDSEED_TESTS_UNIT_FLEET_LIFE_H
#define CLOUDSEED_TESTS_UNIT_FLEET_LIFE_H

#include "lib/unit.h"

#include "fleet/state.h"

#define LIFE_MINUTE ((uint64_t)60 * 1000)
#define LIFE_BEGIN 1795343968000 /* 2026-11-22T10:39:28Z */

struct life {
    struct arena arena;
    struct record r;
    struct moment now;
    struct outcome out;
    bool is_master, bootstraps, lock_on_alarm, by_window_key, installs;
    bool by_installer; /* of reports */
    uint64_t boot_ms;
};

static inline void life_begin(struct life *l)
{
    *l = (struct life){.now = {LIFE_BEGIN, 1000 * LIFE_MINUTE, STR("boot-1")}};
    arena_init(&l->arena, 16384);
    record_init(&l->r);
}

static inline void life_end(struct life *l)
{
    arena_done(&l->arena);
}

static inline void life_pass(struct life *l, uint64_t ms)
{
    l->now.wall_ms += (int64_t)ms;
    l->now.boot_ms += ms;
}

static inline struct outcome *life_apply(struct life *l, struct change c)
{
    c.at = l->now;
    c.is_master = l->is_master;
    c.bootstraps = l->bootstraps;
    c.installs = l->installs;
    c.boot_ms = l->boot_ms;
    c.lock_on_alarm = l->lock_on_alarm;
    c.by_window_key = l->by_window_key;
    c.by_installer = c.kind == CHANGE_REPORT && l->by_installer;
    state_apply(&l->r, &c, &l->arena, &l->out);
    return &l->out;
}

static inline struct outcome *life_do(struct life *l, enum change_kind kind)
{
    return life_apply(l, (struct change){.kind = kind});
}

static inline struct outcome *life_arm(struct life *l)
{
    return life_apply(
        l, (struct change){.kind = CHANGE_ARM, .arm = {WINDOW_DEFAULT_MS, STR("J"), STR("W")}});
}

static inline struct outcome *life_fetch(struct life *l, struct str evidence)
{
    return life_apply(l,
                      (struct change){.kind = CHANGE_FETCH, .fetch = {STR("user-data"), evidence}});
}

/* An installer's. */
static inline struct outcome *life_fetch_document(struct life *l, struct str evidence)
{
    return life_apply(l, (struct change){.kind = CHANGE_FETCH,
                                         .fetch = {.file = STR("install/user-data"),
                                                   .evidence = evidence,
                                                   .what = FETCH_DOCUMENT}});
}

static inline struct outcome *life_report(struct life *l, const char *name, bool finish,
                                          enum report_result result)
{
    return life_apply(l, (struct change){.kind = CHANGE_REPORT,
                                         .report = {.name = str_from(name),
                                                    .type = finish ? STR("finish") : STR("start"),
                                                    .result = result,
                                                    .duration_s = -1}});
}

static inline struct outcome *life_call(struct life *l, const char *host_key)
{
    struct change c = {.kind = CHANGE_PHONE_HOME,
                       .phone_home = {.hostname = STR("n"), .instance_id = STR("n-1")}};
    if (host_key) {
        c.phone_home.host_keys[0] = (struct host_key){STR("ed25519"), str_from(host_key)};
        c.phone_home.host_keys_n = 1;
    }
    return life_apply(l, c);
}

static inline struct outcome *life_claim(struct life *l, const char *claim)
{
    return life_apply(l,
                      (struct change){.kind = CHANGE_CLAIM, .claim = {STR("J"), str_from(claim)}});
}

/* What failed in joining; NULL: nothing. */
static inline struct outcome *life_result(struct life *l, const char *claim, const char *stage,
                                          const char *log)
{
    return life_apply(l, (struct change){.kind = CHANGE_RESULT,
                                         .result = {.by = {STR("J"), str_from(claim)},
                                                    .ok = !stage,
                                                    .stage = str_from(stage ? stage : "done"),
                                                    .reason = str_from(log),
                                                    .log = str_from(log)}});
}

/* The kinds of the latest events, one behind the other: "alarm locked". */
static inline const char *life_told(const struct life *l)
{
    static char text[256];
    size_t n = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < l->out.events_n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
                              l->out.events[i].kind);
    return text;
}

#define assert_state(l, want) \
    assert_string_equal(node_state_names[(l)->r.state], node_state_names[want])

/* A node that was built and came up, in that many steps. */
static inline void life_to(struct life *l, enum node_state state)
{
    if (state == STATE_REGISTERED)
        return;
    l->installs |= state == STATE_INSTALLING;
    life_arm(l);
    if (state == STATE_ARMED)
        return;
    if (state == STATE_INSTALLING) {
        life_fetch_document(l, (struct str){"", 0});
        return;
    }
    life_fetch(l, (struct str){"", 0});
    life_report(l, "init-network/activate-datasource", false, REPORT_NONE);
    if (state == STATE_BOOTING)
        return;
    if (state == STATE_FAILED) {
        life_report(l, "modules-final", true, REPORT_FAIL);
        return;
    }
    life_call(l, "key-1");
    if (state == STATE_UP)
        return;
    if (state == STATE_JOINING || l->bootstraps)
        l->bootstraps = true;
    life_report(l, "modules-final", true, REPORT_SUCCESS);
    if (l->bootstraps)
        life_claim(l, "claim-1");
    if (state == STATE_READY && l->bootstraps) {
        life_result(l, "claim-1", NULL, "");
        life_do(l, CHANGE_NODE_READY);
    }
}

#endif
