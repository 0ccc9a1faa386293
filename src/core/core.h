/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core: the steps of an exchange, from what was asked to what is answered.
 *
 * It knows neither HTTP's library nor the loop: a listener hands it an exchange through the port
 * and sends what comes back. It owns the snapshot in force. All calls come from the loop's thread.
 */
#ifndef CLOUDSEED_CORE_CORE_H
#define CLOUDSEED_CORE_CORE_H

#include "core/snapshot.h"
#include "fleet/fleet.h"
#include "port/exchange.h"

struct core;

/* Takes the reference to `first` over. The fleet stays the caller's, and must outlive the core. */
struct core *core_new(struct snapshot *first, struct fleet *fleet);
void core_free(struct core *c);

/* How listeners reach it; lives as long as the core. */
const struct exchange_port *core_port(const struct core *c);

/* New exchanges see `next` from now on; those under way keep theirs. Takes the reference over. */
void core_replace(struct core *c, struct snapshot *next);
const struct snapshot *core_snapshot(const struct core *c);
/* The same with a reference of the caller's. */
struct snapshot *core_pin(struct core *c);

/* From now on /readyz says no, so that whoever balances load looks elsewhere. */
void core_set_draining(struct core *c);

#endif
