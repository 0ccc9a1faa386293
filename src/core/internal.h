/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the steps of an exchange share.
 *
 * core.c finds the route and calls the step that fits: boot.c for what nodes fetch, callback.c for
 * what they report.
 */
#ifndef CLOUDSEED_CORE_INTERNAL_H
#define CLOUDSEED_CORE_INTERNAL_H

#include "core/core.h"
#include "core/route.h"

struct core {
    struct exchange_port port;
    struct snapshot *snapshot;
    struct fleet *fleet;
    bool draining;
};

/* What core keeps of an exchange, as exchange.core. */
struct call {
    struct core *core;
    struct route route;
    struct slot_ref ticket; /* of what the fleet was asked for */
};

void boot_answer(struct exchange *x, struct call *call);
enum exchange_verdict callback_step(struct exchange *x, struct call *call);

/* "node", from where it speaks: what the fleet is told of every change that a node causes. */
struct change call_change(struct exchange *x, const struct node *n, enum change_kind kind);

#endif
