/* SPDX-License-Identifier: Apache-2.0 */
/* own_keep: how the fleet comes to know of the server's own records. */
#ifndef CLOUDSEED_FLEET_OWN_KEEP_H
#define CLOUDSEED_FLEET_OWN_KEEP_H

#include "fleet/own.h"

/* Whether records of that kind are the server's own. */
bool own_is(struct str kind);
void own_keep(struct fleet *f, const struct store_record *record);
void own_drop(struct fleet *f, const struct store_record *record);
/* Drops what the store's feed has not named in this round. */
void own_sweep(struct fleet *f);
void own_done(struct fleet *f);

#endif
