/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safe: what the state holds of the server's secrets, sealed, for one loading of the world.
 *
 * It is copied from the fleet, which the thread that loads must not look at. That thread reads and
 * puts texts; what is to be written is the loop's to hand over afterwards, if it takes the world.
 */
#ifndef CLOUDSEED_DAEMON_SAFE_H
#define CLOUDSEED_DAEMON_SAFE_H

#include "crypto/sealing.h"
#include "fleet/own.h"

struct safe_entry {
    struct own_record record;
    bool wanted;  /* somebody asked for it, or put it */
    bool changed; /* the store does not have it so */
};

struct safe {
    struct arena arena;
    const struct sealer *sealer;
    struct safe_entry *list;
    uint32_t n, room;
};

void safe_init(struct safe *s, const struct fleet *f, const struct sealer *sealer);
/* Wipes what was read. */
void safe_done(struct safe *s);

/* -ENOENT where there is none, -EBADMSG where the sealing key does not open it. The text lives as
 * long as the safe. */
int safe_get(struct safe *s, struct str kind, struct str key, struct str *ret);
/* Sealed anew only where it is another text. */
void safe_put(struct safe *s, struct str kind, struct str key, struct str text);
/* What nobody got or put is to be deleted. */
void safe_tidy(struct safe *s);
/* What is to be written: *at is 0 at first and moves on; false behind the last. */
bool safe_change_at(const struct safe *s, uint32_t *at, struct own_record *ret);

#endif
