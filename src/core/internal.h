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
    struct slot_ref turn;   /* the exchange that defines a node now; zero: none */
    bool writing;           /* the fleet has not said yet what became of that one's node */
    struct slot_ref orphan; /* what the fleet still writes for one that has left */
    bool draining;
    /* The latest reload that has ended. */
    uint64_t reloads, reload_ms;
    bool reload_ok;
    struct faults reload_faults;
    /* Who is woken when a snapshot, or another's turn, has come or gone. */
    struct waiters waiters;
};

/* The exchange sees the world as it is by now: for those who change it. */
void call_look_again(struct exchange *x, struct core *c);

/* What core keeps of an exchange, as exchange.core. */
struct call {
    struct core *core;
    struct route route;
    struct slot_ref ticket; /* of what the fleet was asked for */
    struct asset_call asset;
    /* Of admins' requests alone: */
    struct admin_route admin;
    struct str window_key; /* a new one, in the clear */
    struct str path;       /* of a backup */
    uint64_t reload;       /* the number of the reload that is waited for */
    uint64_t after;        /* the last event that a stream has brought */
    bool is_streaming;
    struct definition_call *definition; /* of a node that is being defined */
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

/* `x` is woken, once, when another snapshot is in force, a reload has ended, or
 * core_tell_waiters says so: it looks whether that was what it waits for. */
void core_await(struct core *c, struct exchange *x);
void core_tell_waiters(struct core *c);

/* What the fleet says of what was asked for; false while it is under way. The reason is the
 * exchange's own, and may be logged when the fleet has long forgotten it. */
bool call_take(struct exchange *x, struct call *call, struct fleet_result *ret);

/* Gives back the turn of one that defined a node. */
void define_end(struct exchange *x, struct call *call);

/* "node", from where it speaks: what the fleet is told of every change that a node causes. */
struct change call_change(struct exchange *x, const struct node *n, enum change_kind kind);

#endif
