/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/nodewatcher.h"

#include "base/map.h"
#include "base/mem.h"
#include "kube/object.h"
#include "kube/reflector.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#define NODES_MAX 50000 /* Kubernetes is made for 5,000 */
#define GONE_MAX 1000   /* whose names are still kept */
#define NAME_MAX_BYTES 253
#define REASON_MAX_BYTES 512

struct entry {
    char *name, *reason, *kubelet;
    struct address *addresses;
    uint32_t addresses_n;
    uint32_t round; /* of the list that named it last */
    bool present, ready, is_changed;
    TAILQ_ENTRY(entry) changed;
};

struct work {
    struct nodewatch watch;
    struct nodewatcher *all;
    struct reflector *reflector;
    struct waiter waiter;
    struct entry **entries;
    uint32_t entries_n, room, gone_n, round;
    struct map by_name;
    TAILQ_HEAD(, entry) changed;
    bool news;
    TAILQ_ENTRY(work) entry;
};

struct nodewatcher {
    struct nodewatcher_host host;
    struct nodewatch_port port;
    TAILQ_HEAD(, work) works;
};

/* --- The nodes ------------------------------------------------------------------------------- */

static struct str name_of(const void *things, uint32_t i)
{
    struct entry *const *list = things;
    return str_from(list[i]->name);
}

static struct entry *find(const struct work *w, struct str name)
{
    uint32_t i = map_find(&w->by_name, name_of, w->entries, name);
    return i == MAP_NONE ? NULL : w->entries[i];
}

static void entry_free(struct entry *n)
{
    free(n->name);
    free(n->reason);
    free(n->kubelet);
    free(n->addresses);
    free(n);
}

static struct entry *get(struct work *w, struct str name)
{
    struct entry *n = find(w, name);
    if (n || w->entries_n >= NODES_MAX || name.n > NAME_MAX_BYTES)
        return n;
    w->entries = mem_grow(w->entries, w->entries_n, &w->room, sizeof(struct entry *));
    n = MEM_NEW(struct entry);
    n->name = mem_copy(name.p, name.n);
    n->reason = mem_copy("", 0);
    n->kubelet = mem_copy("", 0);
    w->entries[w->entries_n] = n;
    map_put(&w->by_name, name_of, w->entries, w->entries_n++);
    return n;
}

static void set(char **to, struct str text)
{
    if (str_is(text, *to))
        return;
    free(*to);
    *to = mem_copy(text.p, text.n);
}

static void note_change(struct work *w, struct entry *n)
{
    if (!n->is_changed)
        TAILQ_INSERT_TAIL(&w->changed, n, changed);
    n->is_changed = w->news = true;
}

static bool has_addresses(const struct entry *n, const struct object_node *o)
{
    bool same = n->addresses_n == o->addresses_n;
    for (uint32_t i = 0; same && i < n->addresses_n; i++)
        same = address_same(n->addresses[i], o->addresses[i]);
    return same;
}

static void on_object(void *cls, struct value object, struct arena *a)
{
    struct work *w = cls;
    struct object_node o;
    struct entry *n = object_node(object, a, &o) ? get(w, o.name) : NULL;
    if (!n)
        return;
    o.reason = str_head(o.reason, REASON_MAX_BYTES);
    if (!n->present || n->ready != o.ready || !str_is(o.reason, n->reason) || !has_addresses(n, &o))
        note_change(w, n);
    w->gone_n -= !n->present && n->round;
    n->present = true;
    n->ready = o.ready;
    n->round = w->round;
    set(&n->reason, o.reason);
    set(&n->kubelet, o.kubelet);
    free(n->addresses);
    n->addresses = mem_alloc(o.addresses_n * sizeof(struct address));
    memcpy(n->addresses, o.addresses, o.addresses_n * sizeof(struct address));
    n->addresses_n = o.addresses_n;
}

static void go(struct work *w, struct entry *n)
{
    if (!n->present)
        return;
    n->present = n->ready = false;
    n->addresses_n = 0;
    w->gone_n++;
    set(&n->reason, STR(""));
    note_change(w, n);
}

static void on_gone(void *cls, struct value object, struct arena *a)
{
    struct work *w = cls;
    struct object_node o;
    struct entry *n = object_node(object, a, &o) ? find(w, o.name) : NULL;
    if (n)
        go(w, n);
}

/* Names come and go where machines do. */
static void forget_gone(struct work *w)
{
    uint32_t kept = 0;
    if (w->gone_n < GONE_MAX)
        return;
    map_done(&w->by_name);
    w->by_name = (struct map){0};
    for (uint32_t i = 0; i < w->entries_n; i++) {
        struct entry *n = w->entries[i];
        if (!n->present && !n->is_changed) {
            entry_free(n);
            w->gone_n--;
            continue;
        }
        w->entries[kept] = n;
        map_put(&w->by_name, name_of, w->entries, kept++);
    }
    w->entries_n = kept;
}

static void on_list(void *cls)
{
    struct work *w = cls;
    w->round++;
}

static void on_listed(void *cls)
{
    struct work *w = cls;
    for (uint32_t i = 0; i < w->entries_n; i++) {
        if (w->entries[i]->round != w->round)
            go(w, w->entries[i]);
    }
    w->news |= !w->watch.in_step;
    w->watch.in_step = true;
}

/* --- The loop -------------------------------------------------------------------------------- */

static void arm(struct nodewatcher *all)
{
    uint64_t due = UINT64_MAX;
    const struct work *w;
    TAILQ_FOREACH(w, &all->works, entry)
    {
        uint64_t at = reflector_due(w->reflector);
        due = at < due ? at : due;
    }
    all->host.alarm.set(all->host.alarm.cls, due);
}

static void look_at_err(struct work *w)
{
    const struct err *e = reflector_err(w->reflector);
    if (strcmp(w->watch.err.msg, e->msg) != 0)
        w->news = true;
    w->watch.err = *e;
}

/* The owner may end it when it is woken. */
static void on_turn(void *cls)
{
    struct work *w = cls;
    look_at_err(w);
    forget_gone(w);
    reflector_run(w->reflector);
    arm(w->all);
    bool news = w->news;
    w->news = false;
    if (news)
        waiter_wake(w->waiter);
}

void nodewatcher_on_alarm(struct nodewatcher *all)
{
    struct work *w;
    TAILQ_FOREACH(w, &all->works, entry)
    reflector_run(w->reflector);
    arm(all);
}

/* --- The port -------------------------------------------------------------------------------- */

static int on_begin(void *cls, const struct nodewatch_target *t, struct nodewatch **ret,
                    struct err *e)
{
    struct nodewatcher *all = cls;
    struct work *w = MEM_NEW(struct work);
    const struct reflector_owner owner = {on_list, on_object, on_gone, on_listed, on_turn, w};
    const struct reflector_target target = {.fetch = all->host.fetch,
                                            .boot_ms = all->host.boot_ms,
                                            .kind = APIREQUEST_NODES,
                                            .endpoint = t->endpoint,
                                            .ca = t->ca,
                                            .bearer = t->bearer};
    int r = reflector_new(&target, &owner, &w->reflector, e);
    if (r < 0) {
        free(w);
        return r;
    }
    w->watch.port = &all->port;
    w->all = all;
    w->waiter = t->waiter;
    TAILQ_INIT(&w->changed);
    TAILQ_INSERT_TAIL(&all->works, w, entry);
    arm(all);
    *ret = &w->watch;
    return 0;
}

static void on_set_bearer(struct nodewatch *watch, struct str bearer)
{
    struct work *w = (struct work *)watch; /* its first member */
    reflector_set_bearer(w->reflector, bearer);
    arm(w->all);
}

static struct nodewatch_node shown(const struct entry *n)
{
    return (struct nodewatch_node){
        .name = str_from(n->name),
        .present = n->present,
        .ready = n->ready,
        .reason = str_from(n->reason),
        .kubelet = str_from(n->kubelet),
        .addresses = n->addresses,
        .addresses_n = n->addresses_n,
    };
}

static bool on_next(struct nodewatch *watch, struct nodewatch_node *ret)
{
    struct work *w = (struct work *)watch;
    struct entry *n = TAILQ_FIRST(&w->changed);
    if (!n)
        return false;
    TAILQ_REMOVE(&w->changed, n, changed);
    n->is_changed = false;
    *ret = shown(n);
    return true;
}

static bool on_find(const struct nodewatch *watch, struct str name, struct nodewatch_node *ret)
{
    const struct work *w = (const struct work *)watch;
    const struct entry *n = find(w, name);
    if (!n || !n->present)
        return false;
    *ret = shown(n);
    return true;
}

static void on_end(struct nodewatch *watch)
{
    struct work *w = (struct work *)watch;
    struct nodewatcher *all = w->all;
    reflector_free(w->reflector);
    for (uint32_t i = 0; i < w->entries_n; i++)
        entry_free(w->entries[i]);
    free(w->entries);
    map_done(&w->by_name);
    TAILQ_REMOVE(&all->works, w, entry);
    free(w);
    arm(all);
}

struct nodewatcher *nodewatcher_new(const struct nodewatcher_host *host)
{
    struct nodewatcher *all = MEM_NEW(struct nodewatcher);
    all->host = *host;
    all->port = (struct nodewatch_port){on_begin, on_set_bearer, on_next, on_find, on_end, all};
    TAILQ_INIT(&all->works);
    return all;
}

const struct nodewatch_port *nodewatcher_port(const struct nodewatcher *all)
{
    return &all->port;
}

void nodewatcher_free(struct nodewatcher *all)
{
    if (!all)
        return;
    assert(TAILQ_EMPTY(&all->works));
    free(all);
}
