/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: the events that a store keeps beside its records, and how they are asked for.
 *
 * What an event says is opaque; node and kind are what it can be found by. Ids count up without
 * gaps and are never used again.
 */
#ifndef CLOUDSEED_PORT_JOURNAL_H
#define CLOUDSEED_PORT_JOURNAL_H

#include "base/str.h"

#define STORE_PAGE_MAX 1000

struct store_event {
    int64_t at_ms; /* wall clock */
    struct str node, kind, bytes;
};

struct store_entry {
    uint64_t id;
    uint64_t revision; /* of the transaction that it came with */
    struct store_event event;
};

/* A page: events with after < id < before (0: no bound), of this node and kind (n == 0: any). */
struct store_query {
    uint64_t tag; /* comes back with the answer */
    struct str node, kind;
    uint64_t after, before;
    bool newest_first;
    size_t limit; /* 1 to STORE_PAGE_MAX */
};

struct store_page {
    const struct store_entry *entries;
    size_t n;
    bool more;               /* beyond the last entry, in the page's direction */
    uint64_t oldest, newest; /* ids that the journal holds at all; 0 and 0: none */
};

/* Events are deleted once they are older than max_age_ms, or beyond the newest max_events; 0: no
 * bound. The newest min_events are never deleted by age: the wall clock may jump. */
struct store_retention {
    uint64_t max_events, min_events;
    int64_t max_age_ms;
};

#endif
