/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab: one test, run with each store that fills the port.
 *
 * EACH(test) stands for four entries of UNIT_MAIN. `lab` is the store under test. All tests share
 * an etcd, and each has a prefix of its own there.
 */
#ifndef CLOUDSEED_TESTS_UNIT_STORE_LAB_H
#define CLOUDSEED_TESTS_UNIT_STORE_LAB_H

#include "lib/etcdserver.h"
#include "lib/failing_store.h"
#include "lib/folder.h"
#include "lib/storeloop.h"
#include "net/fetch/turns.h"
#include "store/etcd/etcd.h"
#include "store/memory.h"
#include "store/sqlite/sqlite.h"

enum which { MEMORY, SQLITE, FAILING, ETCD };

struct lab {
    void *folder;
    enum which which;
    struct store_limits limits;
    struct storeloop loop;
    struct turns *turns;
    char prefix[32]; /* in etcd */
};

static struct lab lab; /* tests run one after the other */
static struct etcdserver etcd;

static inline void lab_end_etcd(void)
{
    etcdserver_done(&etcd);
}

static inline void lab_start_etcd(void)
{
    static int tests;
    signal(SIGPIPE, SIG_IGN);
    snprintf(lab.prefix, sizeof(lab.prefix), "/test%d/", ++tests);
    if (etcd.pid)
        return;
    etcdserver_init(&etcd);
    atexit(lab_end_etcd);
    etcdserver_start(&etcd, "0");
}

static inline int lab_open_etcd(struct store **ret, struct err *e)
{
    static int writers;
    char writer[32];
    snprintf(writer, sizeof(writer), "test-%d", ++writers);
    struct str endpoint = str_from(etcd.url);
    const struct etcd_options o = {
        .turns = turns_port(lab.turns = turns_new()),
        .access = {.endpoints = &endpoint, .n_endpoints = 1, .prefix = str_from(lab.prefix)},
        .writer = str_from(writer),
        .limits = lab.limits,
    };
    return etcd_open(&o, ret, e);
}

static inline struct store *lab_open(void)
{
    struct store *s = NULL;
    struct err e = {0};
    struct sqlite_options o = {.path = "state.db", .limits = lab.limits};
    if (lab.which == MEMORY)
        return memory_new(lab.limits, (struct store_retention){0});
    if (lab.which == FAILING)
        return failing_store_new();
    if ((lab.which == ETCD ? lab_open_etcd(&s, &e) : sqlite_open(&o, &s, &e)) < 0)
        fail_msg("%s", e.msg);
    return s;
}

static inline void lab_close(void)
{
    storeloop_end(&lab.loop);
    turns_free(lab.turns);
    lab.turns = NULL;
}

static inline int lab_enter(void **state)
{
    enum which which = *(enum which *)*state;
    lab = (struct lab){.which = which};
    if (which == ETCD && !etcdserver_is_installed())
        unit_skip("etcd is not installed");
    if (which == ETCD)
        lab_start_etcd();
    int r = folder_enter(&lab.folder);
    storeloop_start(&lab.loop, lab_open());
    return r;
}

static inline int lab_leave(void **state)
{
    (void)state;
    lab_close();
    return folder_leave(&lab.folder);
}

/* A store with other limits in its place. */
static inline void lab_restart(struct store_limits limits)
{
    lab_close();
    lab.limits = limits;
    storeloop_start(&lab.loop, lab_open());
}

/* "kind/key=bytes@revision" of each record, by key. */
static inline int lab_list_record(void *cls, const struct store_record *r, struct err *e)
{
    (void)e;
    char *text = cls;
    size_t n = strlen(text);
    snprintf(text + n, 4096 - n, "%.*s/%.*s=%.*s@%d ", STR_ARG(r->kind), STR_ARG(r->key),
             STR_ARG(r->bytes), (int)r->revision);
    return 0;
}

static inline bool lab_lasts(void)
{
    return lab.which == SQLITE || lab.which == ETCD;
}

/* SQLite and etcd are asked after a restart: what they say comes from the disk. */
static inline const char *all_records(void)
{
    static char text[4096];
    uint64_t revision;
    struct err e = {0};
    text[0] = '\0';
    struct store *s = lab.loop.store;
    if (lab_lasts()) {
        lab_close();
        s = lab_open();
    }
    assert_int_equal(store_load(s, lab_list_record, text, &revision, &e), 0);
    if (lab_lasts())
        storeloop_start(&lab.loop, s);
    return text;
}

#define put(key, expected, bytes) storeloop_put(&lab.loop, key, expected, bytes)

static inline uint64_t events(void)
{
    struct store_notice *n = storeloop_read(&lab.loop, (struct store_query){0});
    uint64_t count = n->page.n;
    store_notice_free(lab.loop.store, n);
    return count;
}

/* An event whose at_ms, bytes and tag are `i`; its answer is still to come. */
static inline void ask_event(uint64_t i, const char *node, const char *kind)
{
    char text[STR_U64_SIZE];
    struct store_event ev = {(int64_t)i, str_from(node), str_from(kind), str_of_u64(i, text)};
    assert_int_equal(
        store_commit(lab.loop.store, &(struct store_txn){.tag = i, .events = &ev, .n_events = 1}),
        0);
}

static enum which kinds[] = {MEMORY, SQLITE, FAILING, ETCD};

#define EACH(test)                                                                    \
    {#test " (memory)", test, lab_enter, lab_leave, &kinds[0]},                       \
        {#test " (sqlite)", test, lab_enter, lab_leave, &kinds[1]},                   \
        {#test " (failing, no failures set)", test, lab_enter, lab_leave, &kinds[2]}, \
    {                                                                                 \
#test " (etcd)", test, lab_enter, lab_leave, &kinds[3]                        \
    }

#endif
