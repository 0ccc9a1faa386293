/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: the events that a store keeps beside its records, and how they are asked for.
 *
 * What an event says is opaque; node and kind are what it can be found by. There are two classes,
 * each with bounds of its own: reports, of which a node can send as many as it likes, and changes,
 * which are all other events. Ids count up over both, and are never used again. A gap in them is
 * what retention removed: always the oldest of a class, or of a node's events of a class.
 */
#ifndef CLOUDSEED_PORT_JOURNAL_H
#define CLOUDSEED_PORT_JOURNAL_H

#include "base/str.h"

#define STORE_PAGE_MAX 1000

enum store_class { STORE_CHANGE, STORE_REPORT, STORE_CLASSES };
#define STORE_REPORT_KIND "progress" /* the kind of all reports */

static inline enum store_class store_class_of(struct str kind)
{
    return str_is(kind, STORE_REPORT_KIND) ? STORE_REPORT : STORE_CHANGE;
}

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
    /* The highest id of the events that retention removed, of the query's node and of the class of
     * its kind; 0: none. Of those after `after`, some are missing only if it is higher. */
    uint64_t removed;
};

/* Events are removed once they are older than max_age_ms, or beyond the newest max_events of their
 * class or the newest max_of_node of their node in it; 0: no bound. Those of no node are not bound
 * by max_of_node. The newest min_events of a class are never removed by age: the wall clock may
 * jump. */
struct store_retention {
    uint64_t max_events[STORE_CLASSES], max_of_node, min_events;
    int64_t max_age_ms;
};

#endif
