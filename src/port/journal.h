/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: the events and the audit that a store keeps beside its records, and how they are asked
 * for.
 *
 * There are two journals: the events, what has happened to nodes and clusters, and the audit, who
 * asked for what. What an entry says is opaque; node, kind and, in the audit, who are what it can
 * be found by. Each journal has classes with bounds of their own, so that what one can send as
 * often as it likes pushes out nothing else. Ids count up over all classes of a journal, and are
 * never used again. A gap in them is what retention removed: always the oldest of a class, or of a
 * node's entries of a class.
 */
#ifndef CLOUDSEED_PORT_JOURNAL_H
#define CLOUDSEED_PORT_JOURNAL_H

#include "base/str.h"

#define STORE_PAGE_MAX 1000

enum store_journal { STORE_EVENTS, STORE_AUDIT, STORE_JOURNALS };
enum store_class {
    STORE_CHANGE,
    STORE_REPORT,   /* of which a node can send as many as it likes */
    STORE_BY_ADMIN, /* the audit: admins, and the server itself */
    STORE_BY_NODE,
    STORE_REFUSED, /* anyone on the network */
    STORE_CLASSES
};

/* Each class but the first has one kind of entries, of its own. */
#define STORE_REPORT_KIND "progress"
#define STORE_BY_ADMIN_KIND "admin"
#define STORE_BY_NODE_KIND "node"
#define STORE_REFUSED_KIND "refused"

static inline enum store_class store_class_of(struct str kind)
{
    static const char *const kinds[STORE_CLASSES] = {NULL, STORE_REPORT_KIND, STORE_BY_ADMIN_KIND,
                                                     STORE_BY_NODE_KIND, STORE_REFUSED_KIND};
    enum store_class c = STORE_REPORT;
    while (c < STORE_CLASSES && !str_is(kind, kinds[c]))
        c++;
    return c < STORE_CLASSES ? c : STORE_CHANGE;
}

static inline enum store_journal store_journal_of(enum store_class c)
{
    return c >= STORE_BY_ADMIN ? STORE_AUDIT : STORE_EVENTS;
}

struct store_event {
    int64_t at_ms; /* wall clock */
    struct str node, kind, bytes;
    struct str who; /* only in the audit */
};

struct store_entry {
    uint64_t id;
    uint64_t revision; /* of the transaction that it came with */
    struct store_event event;
};

/* A page: entries with after < id < before (0: no bound), of this node, kind and who (n == 0:
 * any). "token" finds "token ci", too. */
struct store_query {
    uint64_t tag; /* comes back with the answer */
    enum store_journal journal;
    struct str node, kind, who;
    uint64_t after, before;
    bool newest_first;
    size_t limit; /* 1 to STORE_PAGE_MAX */
};

static inline bool store_who_fits(struct str who, struct str wanted)
{
    return !wanted.n || (str_starts(who, wanted) && (who.n == wanted.n || who.p[wanted.n] == ' '));
}

struct store_page {
    const struct store_entry *entries;
    size_t n;
    bool more;               /* beyond the last entry, in the page's direction */
    uint64_t oldest, newest; /* ids that the journal holds at all; 0 and 0: none */
    /* The highest id of the events that retention removed, of the query's node and of the class of
     * its kind; 0: none. Of those after `after`, some are missing only if it is higher. */
    uint64_t removed;
};

/* Entries are removed once they are older than their journal's max_age_ms, or beyond the newest
 * max_events of their class or the newest max_of_node of their node in it; 0: no bound. Those of no
 * node are not bound by max_of_node. The newest min_events of a class are never removed by age: the
 * wall clock may jump. */
struct store_retention {
    uint64_t max_events[STORE_CLASSES], max_of_node[STORE_JOURNALS], min_events;
    int64_t max_age_ms[STORE_JOURNALS];
};

#endif
