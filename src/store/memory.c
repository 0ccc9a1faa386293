/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "port/store_ops.h"
#include "store/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

/* A deleted record keeps its place, with revision 0: a map has no deletion. */
struct memory_record {
    char *name; /* kind, NUL, key */
    size_t kind_n, key_n;
    uint64_t revision;
    char *bytes;
    size_t bytes_n;
};

struct memory_event {
    TAILQ_ENTRY(memory_event) all, in_class, of_node;
    struct arena arena;
    struct store_entry entry;
    uint32_t node; /* in the tally */
};

TAILQ_HEAD(memory_events, memory_event); /* the oldest first */

struct memory_node {
    struct memory_events events[STORE_CLASSES];
};

struct memory {
    struct store store; /* first */
    struct queue queue; /* for its bounds; each request is answered at once */
    struct store_retention keep;
    struct store_stats stats;
    uint64_t revision;
    struct memory_record *records;
    uint32_t n_records, room_records;
    struct map by_name;
    struct tally tally;
    struct memory_events all[STORE_JOURNALS], in_class[STORE_CLASSES];
    struct memory_node **nodes; /* as the tally numbers them */
    uint32_t n_nodes, room_nodes;
    uint64_t last[STORE_JOURNALS]; /* ids */
};

static struct str name_of(const void *things, uint32_t item)
{
    const struct memory_record *r = (const struct memory_record *)things + item;
    return (struct str){r->name, r->kind_n + 1 + r->key_n};
}

static struct memory_record *find(struct memory *m, struct str kind, struct str key)
{
    char name[2 * STORE_NAME_MAX_BYTES + 1];
    memcpy(name, kind.p, kind.n);
    name[kind.n] = '\0';
    memcpy(name + kind.n + 1, key.p, key.n);
    uint32_t i = map_find(&m->by_name, name_of, m->records, (struct str){name, kind.n + 1 + key.n});
    return i == MAP_NONE ? NULL : &m->records[i];
}

static struct memory_record *add(struct memory *m, struct str kind, struct str key)
{
    m->records = mem_grow(m->records, m->n_records, &m->room_records, sizeof(*m->records));
    struct memory_record *r = &m->records[m->n_records];
    *r = (struct memory_record){.kind_n = kind.n, .key_n = key.n};
    r->name = mem_alloc(kind.n + key.n + 2);
    memcpy(r->name, kind.p, kind.n);
    r->name[kind.n] = '\0';
    memcpy(r->name + kind.n + 1, key.p, key.n);
    r->name[kind.n + 1 + key.n] = '\0';
    map_put(&m->by_name, name_of, m->records, m->n_records++);
    return r;
}

static void apply(struct memory *m, const struct store_write *w)
{
    struct memory_record *r = find(m, w->kind, w->key);
    if (w->op == STORE_CHECK || (!r && w->op == STORE_DELETE))
        return;
    if (!r)
        r = add(m, w->kind, w->key);
    r->revision = w->op == STORE_PUT ? m->revision : 0;
    r->bytes_n = w->op == STORE_PUT ? w->bytes.n : 0;
    r->bytes = mem_resize(r->bytes, r->bytes_n + 1, 1);
    memcpy(r->bytes, w->bytes.p, r->bytes_n);
}

static void init_lists(struct memory_events lists[static STORE_CLASSES])
{
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        TAILQ_INIT(&lists[c]);
}

static uint32_t node_of(struct memory *m, struct str name)
{
    uint32_t i = tally_node(&m->tally, name);
    if (i == m->n_nodes) {
        m->nodes = mem_grow(m->nodes, m->n_nodes, &m->room_nodes, sizeof(*m->nodes));
        m->nodes[m->n_nodes] = MEM_NEW(struct memory_node);
        init_lists(m->nodes[m->n_nodes++]->events);
    }
    return i;
}

static void append(struct memory *m, const struct store_event *ev)
{
    struct memory_event *to = MEM_NEW(struct memory_event);
    enum store_class class = store_class_of(ev->kind);
    enum store_journal journal = store_journal_of(class);
    to->node = node_of(m, ev->node);
    arena_init(&to->arena, ev->node.n + ev->kind.n + ev->bytes.n + ev->who.n + 64);
    to->entry = (struct store_entry){
        .id = ++m->last[journal],
        .revision = m->revision,
        .event = {.at_ms = ev->at_ms,
                  .node = arena_str(&to->arena, ev->node),
                  .kind = arena_str(&to->arena, ev->kind),
                  .bytes = arena_str(&to->arena, ev->bytes),
                  .who = arena_str(&to->arena, ev->who)},
    };
    TAILQ_INSERT_TAIL(&m->all[journal], to, all);
    TAILQ_INSERT_TAIL(&m->in_class[class], to, in_class);
    TAILQ_INSERT_TAIL(&m->nodes[to->node]->events[class], to, of_node);
    tally_add(&m->tally, to->node, class, 1);
}

static void event_free(struct memory_event *ev)
{
    arena_done(&ev->arena);
    free(ev);
}

static void drop(struct memory *m, struct memory_event *ev, enum store_class class)
{
    TAILQ_REMOVE(&m->all[store_journal_of(class)], ev, all);
    TAILQ_REMOVE(&m->in_class[class], ev, in_class);
    TAILQ_REMOVE(&m->nodes[ev->node]->events[class], ev, of_node);
    tally_remove(&m->tally, ev->node, class, 1, ev->entry.id);
    event_free(ev);
}

static void trim_nodes(struct memory *m, enum store_class class)
{
    uint64_t bound = m->keep.max_of_node[store_journal_of(class)];
    uint32_t i;
    while (bound && (i = tally_find_over(&m->tally, class, bound, 0)) != MAP_NONE) {
        while (m->tally.nodes[i].kept[class] > bound)
            drop(m, TAILQ_FIRST(&m->nodes[i]->events[class]), class);
    }
}

static void trim_class(struct memory *m, enum store_class class)
{
    const struct store_retention *keep = &m->keep;
    int64_t age_ms = keep->max_age_ms[store_journal_of(class)];
    int64_t oldest_ms = clock_wall_ms() - age_ms;
    struct memory_event *ev;
    while ((ev = TAILQ_FIRST(&m->in_class[class]))) {
        uint64_t kept = m->tally.kept[class];
        bool is_old = age_ms && ev->entry.event.at_ms < oldest_ms;
        if (!(keep->max_events[class] && kept > keep->max_events[class]) &&
            !(is_old && kept > keep->min_events))
            return;
        drop(m, ev, class);
    }
}

static void trim(struct memory *m)
{
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        trim_nodes(m, c);
        trim_class(m, c);
    }
}

/* The index of the write that conflicts, and the revision that it met; n_writes: none. Writes
 * before it count as done, with a revision that no caller can expect yet. */
static size_t find_conflict(struct memory *m, const struct store_txn *t, uint64_t *ret_found)
{
    for (size_t i = 0; i < t->n_writes; i++) {
        const struct store_write *w = &t->writes[i];
        struct memory_record *r = find(m, w->kind, w->key);
        uint64_t found = r ? r->revision : 0;
        request_written_before(t, i, m->revision + 1, &found);
        if (w->expected != STORE_ANY && w->expected != found) {
            *ret_found = found;
            return i;
        }
    }
    return t->n_writes;
}

static void run(struct memory *m, struct request *r)
{
    const struct store_txn *t = &r->txn;
    uint64_t found = 0;
    size_t at = find_conflict(m, t, &found);
    if (at < t->n_writes) {
        request_conflict(r, at, found);
        m->stats.conflicts++;
        return;
    }
    r->notice.revision = ++m->revision;
    if (t->n_events)
        r->notice.first_event = m->last[store_journal_of(store_class_of(t->events[0].kind))] + 1;
    for (size_t i = 0; i < t->n_writes; i++)
        apply(m, &t->writes[i]);
    for (size_t i = 0; i < t->n_events; i++)
        append(m, &t->events[i]);
    trim(m);
    m->stats.commits++;
    m->stats.groups++;
}

static bool is_wanted(const struct store_query *q, const struct store_entry *entry)
{
    return entry->id > q->after && (!q->before || entry->id < q->before) &&
           (!q->node.n || str_eq(q->node, entry->event.node)) &&
           (!q->kind.n || str_eq(q->kind, entry->event.kind)) &&
           store_who_fits(entry->event.who, q->who);
}

static void read_page(struct memory *m, struct request *r)
{
    const struct store_query *q = &r->query;
    struct store_page *page = &r->notice.page;
    struct store_entry *entries = ARENA_ARRAY(&r->arena, struct store_entry, q->limit);
    const struct memory_events *all = &m->all[q->journal];
    const struct memory_event *oldest = TAILQ_FIRST(all);
    const struct memory_event *ev = q->newest_first ? TAILQ_LAST(all, memory_events) : oldest;
    page->entries = entries;
    page->oldest = oldest ? oldest->entry.id : 0;
    page->newest = oldest ? m->last[q->journal] : 0;
    page->removed = tally_removed(&m->tally, q);
    for (; ev && !page->more;
         ev = q->newest_first ? TAILQ_PREV(ev, memory_events, all) : TAILQ_NEXT(ev, all)) {
        if (!is_wanted(q, &ev->entry))
            continue;
        if (page->n < q->limit)
            entries[page->n++] = request_entry(&r->arena, ev->entry);
        else
            page->more = true;
    }
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(name_of(*(const struct memory_record *const *)a, 0),
                   name_of(*(const struct memory_record *const *)b, 0));
}

static int op_load(struct store *s, store_on_record on_record, void *cls, uint64_t *ret_revision,
                   struct err *e)
{
    struct memory *m = (struct memory *)s;
    struct memory_record **sorted = MEM_ARRAY(struct memory_record *, m->n_records);
    int done = 0;
    for (uint32_t i = 0; i < m->n_records; i++)
        sorted[i] = &m->records[i];
    qsort(sorted, m->n_records, sizeof(*sorted), by_name);
    for (uint32_t i = 0; i < m->n_records && done >= 0; i++) {
        const struct memory_record *r = sorted[i];
        struct store_record record = {.kind = {r->name, r->kind_n},
                                      .key = {r->name + r->kind_n + 1, r->key_n},
                                      .bytes = {r->bytes, r->bytes_n},
                                      .revision = r->revision};
        if (r->revision)
            done = on_record(cls, &record, e);
    }
    free(sorted);
    if (done < 0)
        return done;
    *ret_revision = m->revision;
    return 0;
}

static int op_start(struct store *s, void (*wake)(void *cls), void *cls, struct err *e)
{
    struct memory *m = (struct memory *)s;
    (void)e;
    m->queue.wake = wake;
    m->queue.wake_cls = cls;
    if (queue_answers(&m->queue)) /* of requests before the start */
        wake(cls);
    return 0;
}

static int ask(struct memory *m, struct request *r)
{
    int answer = queue_put(&m->queue, r);
    if (answer < 0)
        return answer;
    struct queue_work work = queue_wait(&m->queue, 1, 0);
    struct request_list done = work.commits.n ? work.commits : work.behind;
    if (done.first)
        run(m, done.first);
    if (work.read)
        request_list_put(&done, work.read);
    if (work.read && work.read->notice.about == STORE_READ)
        read_page(m, work.read);
    if (work.read && work.read->notice.about == STORE_BACKUP) {
        struct err why;
        err_set(&why, -EOPNOTSUPP, "the state is kept only in memory");
        request_fail(work.read, STORE_UNAVAILABLE, &why);
    }
    queue_answer(&m->queue, &done);
    return 0;
}

static int op_commit(struct store *s, const struct store_txn *txn)
{
    return ask((struct memory *)s, request_commit(txn));
}

static int op_read(struct store *s, const struct store_query *query)
{
    return ask((struct memory *)s, request_read(query));
}

static int op_backup(struct store *s, uint64_t tag, const char *path)
{
    return ask((struct memory *)s, request_backup(tag, path));
}

static void op_watch(struct store *s, uint64_t revision)
{
    (void)s;
    (void)revision;
}

static struct store_notice *op_take(struct store *s)
{
    struct request *r = queue_take(&((struct memory *)s)->queue);
    return r ? &r->notice : NULL;
}

static void op_notice_free(struct store_notice *n)
{
    request_free((struct request *)n);
}

static enum store_result op_health(struct store *s, struct err *ret_why)
{
    (void)s;
    (void)ret_why;
    return STORE_OK;
}

static void op_stats(struct store *s, struct store_stats *ret)
{
    struct memory *m = (struct memory *)s;
    *ret = m->stats;
    ret->queued = queue_pending(&m->queue);
}

static void op_retain(struct store *s, struct store_retention keep)
{
    struct memory *m = (struct memory *)s;
    m->keep = keep;
    trim(m);
}

static void op_stop(struct store *s)
{
    queue_stop(&((struct memory *)s)->queue);
}

static void op_close(struct store *s)
{
    struct memory *m = (struct memory *)s;
    for (uint32_t i = 0; i < m->n_records; i++) {
        free(m->records[i].name);
        free(m->records[i].bytes);
    }
    struct memory_event *ev;
    for (enum store_journal j = 0; j < STORE_JOURNALS; j++) {
        while ((ev = TAILQ_FIRST(&m->all[j]))) {
            TAILQ_REMOVE(&m->all[j], ev, all);
            event_free(ev);
        }
    }
    for (uint32_t i = 0; i < m->n_nodes; i++)
        free(m->nodes[i]);
    free(m->nodes);
    tally_done(&m->tally);
    free(m->records);
    map_done(&m->by_name);
    queue_done(&m->queue);
    free(m);
}

static const struct store_ops ops = {
    .load = op_load,
    .start = op_start,
    .commit = op_commit,
    .read = op_read,
    .backup = op_backup,
    .watch = op_watch,
    .take = op_take,
    .notice_free = op_notice_free,
    .health = op_health,
    .stats = op_stats,
    .retain = op_retain,
    .stop = op_stop,
    .close = op_close,
};

struct store *memory_new(struct store_limits limits, struct store_retention keep)
{
    struct memory *m = MEM_NEW(struct memory);
    m->store.ops = &ops;
    m->keep = keep;
    for (enum store_journal j = 0; j < STORE_JOURNALS; j++)
        TAILQ_INIT(&m->all[j]);
    init_lists(m->in_class);
    queue_init(&m->queue, limits.commits_max ? limits : STORE_LIMITS_DEFAULT);
    return &m->store;
}
