/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storeloop: a loop of one store, for tests: it sleeps until the store wakes it.
 *
 * Each wait ends the test after half a minute.
 */
#ifndef CLOUDSEED_TESTS_LIB_STORELOOP_H
#define CLOUDSEED_TESTS_LIB_STORELOOP_H

#include "port/store.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct storeloop {
    struct store *store;
    int wake; /* eventfd */
};

static inline void storeloop_wake(void *cls)
{
    eventfd_write(((struct storeloop *)cls)->wake, 1);
}

static inline void storeloop_start(struct storeloop *l, struct store *s)
{
    struct err e = {0};
    l->store = s;
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(store_start(s, storeloop_wake, l, &e), 0);
}

static inline void storeloop_end(struct storeloop *l)
{
    store_close(l->store);
    close(l->wake);
    l->store = NULL;
}

/* The next notice, whatever it is about. */
static inline struct store_notice *storeloop_next(struct storeloop *l)
{
    for (;;) {
        struct store_notice *n = store_take(l->store);
        if (n)
            return n;
        struct pollfd p = {.fd = l->wake, .events = POLLIN};
        eventfd_t count;
        assert_int_equal(poll(&p, 1, 30000), 1);
        eventfd_read(l->wake, &count);
    }
}

/* The next one about this; those before it are dropped. */
static inline struct store_notice *storeloop_until(struct storeloop *l, enum store_about about)
{
    for (;;) {
        struct store_notice *n = storeloop_next(l);
        if (n->about == about)
            return n;
        store_notice_free(l->store, n);
    }
}

/* Commits and waits for the answer: a copy of it, without what it points to. */
static inline struct store_notice storeloop_commit(struct storeloop *l, const struct store_txn *t)
{
    assert_int_equal(store_commit(l->store, t), 0);
    struct store_notice *n = storeloop_until(l, STORE_COMMIT);
    struct store_notice copy = *n;
    store_notice_free(l->store, n);
    return copy;
}

/* One record is put, with an event that says the same. */
static inline struct store_notice storeloop_put(struct storeloop *l, const char *key,
                                                uint64_t expected, const char *bytes)
{
    struct store_write w = {STORE_PUT, STR("node"), str_from(key), expected, str_from(bytes)};
    struct store_event ev = {1000, str_from(key), STR("put"), str_from(bytes)};
    return storeloop_commit(
        l, &(struct store_txn){.writes = &w, .n_writes = 1, .events = &ev, .n_events = 1});
}

static inline struct store_notice *storeloop_read(struct storeloop *l, struct store_query q)
{
    q.limit = q.limit ? q.limit : STORE_PAGE_MAX;
    assert_int_equal(store_read(l->store, &q), 0);
    return storeloop_until(l, STORE_READ);
}

#endif
