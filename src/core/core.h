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
#include "crypto/sealing.h"
#include "fleet/fleet.h"
#include "port/exchange.h"
#include "port/work.h"

struct core;

/* What core needs of the daemon. */
struct core_host {
    /* Begins a reload; its number, which core_reloaded tells when it has ended. One that is under
     * way already may have read the tree before the change that the asker means: another follows.
     */
    uint64_t (*reload)(void *cls);
    /* The fleet's definitions have changed: a snapshot with at least these is to come by
     * core_replace. */
    void (*extend)(void *cls);
    const char *assets; /* their folder */
    const struct work_port
        *work; /* where files are opened; NULL: nowhere, and no asset is served */
    void *cls;
};

/* Takes the reference to `first` over. Fleet and sealer stay the caller's, and must outlive it. */
struct core *core_new(struct snapshot *first, struct fleet *fleet, const struct sealer *sealer,
                      const struct core_host *host);
void core_free(struct core *c);

/* How listeners reach it; lives as long as the core. */
const struct exchange_port *core_port(const struct core *c);

/* Whether a node is being written that was held against the snapshot in force: one with another
 * base must wait, and be held against that node. */
bool core_is_defining(const struct core *c);
/* New exchanges see `next` from now on; those under way keep theirs. Takes the reference over. */
void core_replace(struct core *c, struct snapshot *next);
const struct snapshot *core_snapshot(const struct core *c);
/* The same with a reference of the caller's. */
struct snapshot *core_pin(struct core *c);

/* Reload number `number` has ended, with these faults if it was refused; core_replace came before.
 * The faults are copied. */
void core_reloaded(struct core *c, uint64_t number, uint64_t took_ms, bool ok,
                   const struct faults *faults);

/* From now on /readyz says no, so that whoever balances load looks elsewhere. */
void core_set_draining(struct core *c);

#endif
