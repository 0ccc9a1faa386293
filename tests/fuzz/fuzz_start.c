/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_start: a server that starts from the records of another version, or of a disk that changed
 * them: in lines, "KIND KEY JSON".
 *
 * It starts, or says in one line why not. Once it has, what it knows can be asked for, changed and
 * written, and it starts from that again with the same nodes.
 */
#include "fleet/fleet.h"
#include "store/memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS_MAX 64

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){1795343968000, 1000000, STR("boot")};
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)cls;
    (void)uid;
    (void)a;
    *ret = sealed;
    return sealed.n > 0;
}

static void on_store(void *cls)
{
    (void)cls;
}

static void put(struct store *s, struct str kind, struct str key, struct str bytes)
{
    const struct store_write w = {STORE_PUT, kind, key, STORE_ANY, bytes};
    struct store_notice *n;
    store_commit(s, &(struct store_txn){.writes = &w, .n_writes = 1});
    while ((n = store_take(s)))
        store_notice_free(s, n);
}

static int copy_record(void *cls, const struct store_record *r, struct err *e)
{
    (void)e;
    put(cls, r->kind, r->key, r->bytes);
    return 0;
}

static struct store *store_of(struct str text)
{
    struct store *s = memory_new((struct store_limits){0}, (struct store_retention){0});
    for (int i = 0; i < RECORDS_MAX && text.p && text.n; i++) {
        struct str line = str_cut(&text, '\n');
        struct str kind = str_cut(&line, ' '), key = line.p ? str_cut(&line, ' ') : STR("");
        put(s, kind, key, line.p ? line : STR(""));
    }
    return s;
}

static uint32_t look_at_nodes(struct fleet *f, struct arena *a)
{
    struct fleet_definition d;
    struct record r;
    uint64_t revision;
    uint32_t at = 0, n = 0;
    for (; fleet_definition_at(f, &at, &d); n++) {
        fleet_record(f, d.uid, a, &r, &revision);
        need(r.state == fleet_look(f, d.uid).state);
    }
    return n;
}

static void look_at_rest(struct fleet *f, struct arena *a)
{
    struct cluster_record cluster;
    struct own_record own;
    struct fleet_counts counts;
    struct str name;
    uint32_t at = 0;
    while (fleet_cluster_at(f, &at, &name))
        need(fleet_cluster(f, name, a, &cluster) && cluster.epoch >= 1);
    for (at = 0; fleet_own_at(f, &at, &own);)
        need(own.kind.n > 0);
    for (at = 0; fleet_access_at(f, at); at++)
        need(fleet_access_find(f, fleet_access_at(f, at)->digest) != NULL);
    fleet_counts(f, &counts);
    need(counts.windows <= 2 * RECORDS_MAX);
}

static void arm(struct fleet *f, struct str uid)
{
    const struct change c = {.kind = CHANGE_ARM,
                             .cause = STR("uid 0"),
                             .peer = STR(""),
                             .arm = {WINDOW_DEFAULT_MS, STR("1:aa"), STR("1:bb")}};
    struct slot_ref ticket = fleet_change(f, uid, uid, &c, (struct waiter){0});
    struct fleet_result r;
    struct arena a;
    arena_init(&a, 1024);
    fleet_on_store(f);
    fleet_take(f, ticket, &a, &r);
    need(r.answer == FLEET_DONE && (r.status == 200 || r.reason));
    need(r.status != 200 || fleet_look(f, uid).state == STATE_ARMED);
    arena_done(&a);
}

static struct fleet *start(struct store *s)
{
    static const struct fleet_host host = {now, unseal, NULL};
    struct fleet *f = NULL;
    struct err e = {.code = 0};
    int r = fleet_open(s, &host, &f, &e);
    need(r == e.code && (r == 0 || (e.msg[0] && !strchr(e.msg, '\n'))));
    if (r < 0)
        return NULL;
    need(fleet_start(f, on_store, NULL, (struct alarm){NULL, NULL}, &e) == 0);
    fleet_on_store(f);
    fleet_on_alarm(f);
    fleet_on_store(f);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *s = store_of((struct str){(const char *)data, size});
    struct store *next = memory_new((struct store_limits){0}, (struct store_retention){0});
    struct arena a;
    uint64_t revision;
    arena_init(&a, 4096);
    struct fleet *f = start(s);
    if (f) {
        uint32_t n = look_at_nodes(f, &a);
        look_at_rest(f, &a);
        arm(f, STR("n1"));
        need(store_load(s, copy_record, next, &revision, NULL) == 0);
        fleet_close(f);
        f = start(next);
        need(f && look_at_nodes(f, &a) == n);
        fleet_close(f);
    } else {
        store_close(next);
    }
    arena_done(&a);
    return 0;
}
