/* SPDX-License-Identifier: Apache-2.0 */
/*
 * producers: many writers that count, each in its own record, and a check of what the store kept.
 *
 * Producer i has the record "count/pI", whose bytes are a number, and each commit raises it by one
 * and records it in an event. `answered` holds the numbers whose commits were answered before the
 * test killed the process or cut the power.
 */
#ifndef CLOUDSEED_TESTS_UNIT_STORE_PRODUCERS_H
#define CLOUDSEED_TESTS_UNIT_STORE_PRODUCERS_H

#include "lib/storeloop.h"

#define PRODUCERS 100
#define PRODUCERS_PADDING 1500 /* so that pages and checkpoints come */

struct producers {
    uint64_t answered[PRODUCERS];  /* the number whose commit was answered */
    uint64_t revisions[PRODUCERS]; /* of the record */
    uint64_t loaded[PRODUCERS];
    uint64_t events[PRODUCERS]; /* revision of the last event of each … */
    uint64_t said[PRODUCERS];   /* … and the number that it says */
    uint64_t last_event;
};

static inline int producers_commit(struct producers *p, struct store *s, uint64_t i)
{
    static char padding[PRODUCERS_PADDING + 32];
    char key[STR_U64_SIZE + 1] = "p";
    memset(padding, ' ', sizeof(padding));
    str_of_u64(i, key + 1);
    int n = snprintf(padding, 24, "%20llu", (unsigned long long)(p->answered[i] + 1));
    padding[n] = ' ';
    struct str bytes = {padding, PRODUCERS_PADDING};
    struct store_write w = {STORE_PUT, STR("count"), str_from(key), p->revisions[i], bytes};
    struct store_event ev = {1, str_from(key), STR("raised"), {padding, 20}};
    struct store_txn t = {.tag = i, .writes = &w, .n_writes = 1, .events = &ev, .n_events = 1};
    return store_commit(s, &t);
}

static inline uint64_t producers_number(struct str bytes)
{
    uint64_t n = 0;
    assert_true(bytes.n >= 20);
    assert_true(str_to_u64(str_trim((struct str){bytes.p, 20}), UINT64_MAX, &n));
    return n;
}

static inline uint64_t producers_index(struct str key)
{
    uint64_t i = 0;
    assert_true(str_to_u64(str_skip(key, 1), PRODUCERS - 1, &i));
    return i;
}

static inline int producers_on_record(void *cls, const struct store_record *r, struct err *e)
{
    struct producers *p = cls;
    uint64_t i = producers_index(r->key);
    (void)e;
    assert_int_equal(r->bytes.n, PRODUCERS_PADDING);
    p->loaded[i] = producers_number(r->bytes);
    p->revisions[i] = r->revision;
    return 0;
}

static inline void producers_read_events(struct producers *p, struct storeloop *l)
{
    bool more = true;
    while (more) {
        struct store_query q = {.after = p->last_event};
        struct store_notice *n = storeloop_read(l, q);
        for (size_t k = 0; k < n->page.n; k++) {
            const struct store_entry *x = &n->page.entries[k];
            uint64_t i = producers_index(x->event.node);
            assert_int_equal(x->id, ++p->last_event); /* without gaps */
            /* A second one would be a commit that its producer does not know of. */
            assert_int_equal(producers_number(x->event.bytes), p->said[i] + 1);
            p->said[i]++;
            p->events[i] = x->revision;
        }
        more = n->page.more;
        store_notice_free(l->store, n);
    }
}

/* Starts the store, and compares. Returns how many producers lost a commit that was answered. */
static inline unsigned producers_compare(struct producers *p, struct storeloop *l, struct store *s)
{
    uint64_t revision;
    unsigned lost = 0;
    memset(p->loaded, 0, sizeof(p->loaded));
    memset(p->revisions, 0, sizeof(p->revisions));
    memset(p->events, 0, sizeof(p->events));
    memset(p->said, 0, sizeof(p->said));
    p->last_event = 0;
    assert_int_equal(store_load(s, producers_on_record, p, &revision, NULL), 0);
    storeloop_start(l, s);
    producers_read_events(p, l);
    for (size_t i = 0; i < PRODUCERS; i++) {
        lost += p->loaded[i] < p->answered[i];
        /* There is no state without its event. */
        assert_int_equal(p->said[i], p->loaded[i]);
        assert_int_equal(p->events[i], p->revisions[i]);
        p->answered[i] = p->loaded[i];
    }
    return lost;
}

#endif
