/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: sees to it that the store comes to have the server's own records.
 *
 * Nobody waits for them: what could not be written is written as soon as the store is well again.
 * All calls come from the loop's thread, or before it.
 */
#ifndef CLOUDSEED_DAEMON_KEEPER_H
#define CLOUDSEED_DAEMON_KEEPER_H

#include "daemon/safe.h"

struct keeper_item;

struct keeper {
    struct fleet *fleet;
    struct keeper_item *list;
    uint32_t n, room;
};

/* Asks for all that the safe has to be written. */
void keeper_keep(struct keeper *k, const struct safe *s);
/* After fleet_on_store. False, with the reason, where something could not be written now. */
bool keeper_on_store(struct keeper *k, struct err *ret_why);
void keeper_done(struct keeper *k);

#endif
