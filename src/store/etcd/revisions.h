/* SPDX-License-Identifier: Apache-2.0 */
/* revisions: which records there are, and the revision of each: all that comparing needs. */
#ifndef CLOUDSEED_STORE_ETCD_REVISIONS_H
#define CLOUDSEED_STORE_ETCD_REVISIONS_H

#include "base/map.h"

/* All zero: there are no records. */
struct revisions {
    struct revisions_record *list;
    uint32_t n, room;
    struct map by_key;
};

void revisions_done(struct revisions *r);

/* 0: there is no such record. Keys are those of layout_record_key. */
uint64_t revisions_get(const struct revisions *r, struct str key);
/* 0: it was deleted. */
void revisions_set(struct revisions *r, struct str key, uint64_t revision);

#endif
