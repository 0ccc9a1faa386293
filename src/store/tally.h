/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally: how many events of each class and node a journal holds, and how far it was trimmed.
 *
 * With it a store finds what its retention removes without counting rows. It knows no events, only
 * their numbers.
 */
#ifndef CLOUDSEED_STORE_TALLY_H
#define CLOUDSEED_STORE_TALLY_H

#include "base/map.h"
#include "port/journal.h"

struct tally_node {
    char *name;
    uint64_t kept[STORE_CLASSES];
    uint64_t removed[STORE_CLASSES]; /* the highest id of those that are gone; 0: none */
};

/* All zero: nothing was counted. */
struct tally {
    struct tally_node *nodes;
    uint32_t n, room;
    struct map by_name;
    uint64_t kept[STORE_CLASSES], removed[STORE_CLASSES]; /* of all nodes */
    uint64_t most[STORE_CLASSES];                         /* no node has more than these */
};

void tally_done(struct tally *t);

/* The number of a node, which is added if it is new. It stays the same. */
uint32_t tally_node(struct tally *t, struct str node);

void tally_add(struct tally *t, uint32_t node, enum store_class class, uint64_t events);
/* Notes that `events` of them were removed, up to the id `last`. */
void tally_remove(struct tally *t, uint32_t node, enum store_class class, uint64_t events,
                  uint64_t last);

/* A node, from number `from` on, that has more than `bound` events of the class; MAP_NONE: none. */
uint32_t tally_find_over(struct tally *t, enum store_class class, uint64_t bound, uint32_t from);

/* store_page.removed of a query. */
uint64_t tally_removed(const struct tally *t, const struct store_query *q);

#endif
