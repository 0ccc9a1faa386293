/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own: the server's own records in the store, beside those of the nodes.
 *
 * The store has them so that they last, and go into backups; whoever asks for them to be kept has
 * sealed them. Opaque here: kind "server" is what the server needs to be the same again, kind
 * "secret" a value that templates ask for.
 */
#ifndef CLOUDSEED_FLEET_OWN_H
#define CLOUDSEED_FLEET_OWN_H

#include "fleet/fleet.h"

#define OWN_SERVER STR("server")
#define OWN_SECRET STR("secret")

struct own_record {
    struct str kind, key, bytes;
};

/* As they were committed last, in no order: *at is 0 at first and moves on; false behind the last.
 * The texts live until the fleet is told of another. */
bool fleet_own_at(const struct fleet *f, uint32_t *at, struct own_record *ret);
/* Writes it, over whatever was there; with empty bytes: deletes it. */
struct slot_ref fleet_own_write(struct fleet *f, const struct own_record *record,
                                struct slot_ref who);

#endif
