/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the steps of an exchange share.
 *
 * core.c finds the route and calls the step that fits: boot.c for what nodes fetch, script.c for
 * what boot programs do, node_reports.c for what nodes report, admin*.c for what admins ask.
 */
#ifndef CLOUDSEED_CORE_INTERNAL_H
#define CLOUDSEED_CORE_INTERNAL_H

#include "core/admin.h"
#include "core/assets.h"
#include "core/core.h"
#include "core/discovered.h"
#include "core/route.h"

struct core {
    struct exchange_port port;
    struct snapshot *snapshot;
    struct fleet *fleet;
    struct discovered *discovered; /* who asked for a boot script and is no node's */
    const struct sealer *sealer;
    struct core_host host;
    int64_t started_wall_ms, loaded_wall_ms;
    /* Definitions are checked and written one at a time. */
    struct {
        bool is_taken;
        struct define *define;  /* whose turn it is; NULL: nobody's, or its exchange has ended */
        struct slot_ref ticket; /* of what the fleet is writing for it */
    } turn;
    bool draining;
    /* The latest reload that has ended. */
    uint64_t reloads, reload_ms;
    bool reload_ok;
    struct faults reload_faults;
    struct waiters waiters; /* for another snapshot, the end of a reload, or the turn */
};

/* The exchange sees the world as it is by now: for those who change it. */
void call_look_again(struct exchange *x, struct core *c);

/* What core keeps of an exchange, as exchange.core. */
struct call {
    struct core *core;
    struct route route;
    struct admin_route admin;
};

void boot_answer(struct exchange *x, struct call *call);
void script_answer(struct exchange *x, struct call *call);
/* What both have in common: where a node's files are by that key, */
struct str boot_seed_url(struct exchange *x, struct str key);
/* a template that stops, */
void boot_render_failed(struct exchange *x, const struct template_fault *f);
/* and what a fetch changes, by weak evidence or by none (EVIDENCE_COUNT). The answer waits for
 * nobody: it is written behind it. */
void boot_tell_fleet(struct exchange *x, const struct call *call, const struct node *n,
                     enum evidence evidence);
enum exchange_verdict node_reports_step(struct exchange *x, struct call *call);

/* The exchange goes on with `next` when another snapshot is in force, a reload has ended, or
 * core_wake_waiters says so: `next` looks whether that was what it waits for. */
enum exchange_verdict core_await(struct core *c, struct exchange *x, exchange_next *next,
                                 void *state);
/* At the exchange's end, for flows that may have waited so. */
void core_leave(struct core *c, struct exchange *x);
void core_wake_waiters(struct core *c);

/* The exchange goes on with `then` when the fleet has answered, which may be at once. */
typedef enum exchange_verdict fleet_then(struct exchange *x, void *state,
                                         const struct fleet_result *result);
enum exchange_verdict await_fleet(struct exchange *x, struct fleet *f, struct slot_ref ticket,
                                  fleet_then *then, void *state);

/* At core's own end: the fleet must not wake it any more. */
void core_stop_defining(struct core *c);

/* "node", from where it speaks: what the fleet is told of every change that a node causes. */
struct change call_change(struct exchange *x, const struct node *n, enum change_kind kind);

#endif
