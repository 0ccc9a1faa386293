/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the steps of an exchange share.
 *
 * core.c finds the route and calls the step that fits: boot.c for what nodes fetch, callback.c for
 * what they report, admin*.c for what admins ask.
 */
#ifndef CLOUDSEED_CORE_INTERNAL_H
#define CLOUDSEED_CORE_INTERNAL_H

#include "core/admin.h"
#include "core/core.h"
#include "core/route.h"

struct core {
    struct exchange_port port;
    struct snapshot *snapshot;
    struct fleet *fleet;
    const struct sealer *sealer;
    struct core_host host;
    int64_t started_wall_ms, loaded_wall_ms;
    bool draining;
    /* The latest reload that was asked for, and who waits for one. */
    uint64_t reloads, reload_ms;
    bool reload_ok;
    struct faults reload_faults;
    struct slot_ref *reload_waiters;
    uint32_t waiters_n, waiters_room;
    struct wake wake; /* of the listener */
};

/* What core keeps of an exchange, as exchange.core. */
struct call {
    struct core *core;
    struct route route;
    struct slot_ref ticket; /* of what the fleet was asked for */
    /* Of admins' requests alone: */
    struct admin_route admin;
    struct str window_key; /* a new one, in the clear */
    struct str path;       /* of a backup */
    uint64_t reload;       /* the number of the reload that is waited for */
    uint64_t after;        /* the last event that a stream has brought */
    bool is_streaming;
};

void boot_answer(struct exchange *x, struct call *call);
enum exchange_verdict callback_step(struct exchange *x, struct call *call);

/* `who` is woken when a reload has ended. */
void core_await_reload(struct core *c, struct slot_ref who);

/* "node", from where it speaks: what the fleet is told of every change that a node causes. */
struct change call_change(struct exchange *x, const struct node *n, enum change_kind kind);

#endif
