/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed_cache: what the state holds of the server's secrets, sealed, for one loading of the world.
 *
 * It is copied from the fleet, which the thread that loads must not look at. That thread reads and
 * puts texts; what is to be written is the loop's to hand over afterwards, if it takes the world.
 */
#ifndef CLOUDSEED_DAEMON_SEALED_CACHE_H
#define CLOUDSEED_DAEMON_SEALED_CACHE_H

#include "crypto/sealing.h"
#include "fleet/own.h"

struct sealed_cache_entry {
    struct own_record record;
    bool wanted;  /* somebody asked for it, or put it */
    bool changed; /* the store does not have it so */
};

struct sealed_cache {
    struct arena arena;
    const struct sealer *sealer;
    struct sealed_cache_entry *list;
    uint32_t n, room;
};

void sealed_cache_init(struct sealed_cache *s, const struct fleet *f, const struct sealer *sealer);
/* Wipes what was read. */
void sealed_cache_done(struct sealed_cache *s);

/* -ENOENT where there is none, -EBADMSG where the sealing key does not open it. The text lives as
 * long as the cache. */
int sealed_cache_get(struct sealed_cache *s, struct str kind, struct str key, struct str *ret);
/* Sealed anew only where it is another text. */
void sealed_cache_put(struct sealed_cache *s, struct str kind, struct str key, struct str text);
/* What nobody got or put is to be deleted. */
void sealed_cache_tidy(struct sealed_cache *s);
/* What is to be written: *at is 0 at first and moves on; false behind the last. */
bool sealed_cache_change_at(const struct sealed_cache *s, uint32_t *at, struct own_record *ret);

#endif
