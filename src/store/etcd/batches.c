/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/batches.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

struct batch {
    TAILQ_ENTRY(batch) of_class;
    uint64_t first;
    uint32_t left;  /* entries that are not removed */
    uint32_t dying; /* of them, in the step that is being chosen */
    char *bytes;
    size_t n;
};

struct batches_entry {
    uint64_t id;
    int64_t at_ms;
    uint32_t node; /* in the tally */
    uint32_t at;   /* in the batch's bytes */
    struct batch *batch;
};

/* Of the batches of each class: together an eighth of etcd's quota, unless that was changed. */
static const uint64_t bytes_max[STORE_CLASSES] = {
    [STORE_CHANGE] = 24U << 20,  [STORE_REPORT] = 8U << 20,  [STORE_BY_ADMIN] = 8U << 20,
    [STORE_BY_NODE] = 16U << 20, [STORE_REFUSED] = 8U << 20,
};

void batches_init(struct batches *j)
{
    *j = (struct batches){0};
    pthread_mutex_init(&j->lock, NULL);
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        TAILQ_INIT(&j->classes[c].batches);
}

static void drop_batch(struct batches_class *class, struct batch *batch)
{
    TAILQ_REMOVE(&class->batches, batch, of_class);
    class->bytes -= batch->n;
    free(batch->bytes);
    free(batch);
}

void batches_done(struct batches *j)
{
    struct batch *batch;
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        while ((batch = TAILQ_FIRST(&j->classes[c].batches)))
            drop_batch(&j->classes[c], batch);
        free(j->classes[c].entries);
    }
    tally_done(&j->tally);
    pthread_mutex_destroy(&j->lock);
}

/* --- What etcd has ---------------------------------------------------------------------------- */

void batches_note_removed(struct batches *j, struct str node,
                          const uint64_t removed[static STORE_CLASSES])
{
    uint32_t i = tally_node(&j->tally, node);
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        tally_remove(&j->tally, i, c, 0, removed[c]);
}

static void add_entry(struct batches *j, enum store_class c, struct batch *batch,
                      const struct store_entry *entry, size_t at)
{
    struct batches_class *class = &j->classes[c];
    uint64_t *last = &j->last[store_journal_of(c)];
    uint32_t node = tally_node(&j->tally, entry->event.node);
    if (entry->id > *last)
        *last = entry->id;
    if (entry->id <= j->tally.nodes[node].removed[c])
        return;
    class->entries = mem_grow(class->entries, class->n, &class->room, sizeof(*class->entries));
    class->entries[class->n++] = (struct batches_entry){
        .id = entry->id,
        .at_ms = entry->event.at_ms,
        .node = node,
        .at = (uint32_t)at,
        .batch = batch,
    };
    batch->left++;
    tally_add(&j->tally, node, c, 1);
}

static int check_batch(const struct batches *j, enum store_class class, uint64_t first,
                       struct str batch, struct err *e)
{
    const struct batches_class *in = &j->classes[class];
    const struct batch *before = TAILQ_LAST(&in->batches, batch_list);
    uint64_t id = first - 1, least = in->n ? in->entries[in->n - 1].id : 0;
    struct store_entry entry;
    while (batch.n) {
        int r = layout_read_entry(&batch, &entry, e);
        if (r < 0)
            return r;
        if (entry.id <= id || store_class_of(entry.event.kind) != class ||
            (id == first - 1 && entry.id != first))
            return err_set(e, -EBADMSG, "etcd: a batch of the journal is not in order");
        id = entry.id;
    }
    if (first <= least || (before && first <= before->first) || id < first)
        return err_set(e, -EBADMSG, "etcd: two batches of the journal overlap");
    return 0;
}

int batches_add(struct batches *j, enum store_class class, uint64_t first, struct str bytes,
                struct err *e)
{
    pthread_mutex_lock(&j->lock);
    int r = check_batch(j, class, first, bytes, e);
    if (r == 0) {
        struct batch *batch = MEM_NEW(struct batch);
        batch->first = first;
        batch->bytes = mem_copy(bytes.p, bytes.n);
        batch->n = bytes.n;
        TAILQ_INSERT_TAIL(&j->classes[class].batches, batch, of_class);
        j->classes[class].bytes += bytes.n;
        struct str rest = {batch->bytes, batch->n};
        struct store_entry entry;
        for (size_t at = 0; layout_read_entry(&rest, &entry, NULL) == 0; at = batch->n - rest.n)
            add_entry(j, class, batch, &entry, at);
    }
    pthread_mutex_unlock(&j->lock);
    return r;
}

void batches_set_last(struct batches *j, const uint64_t last[static STORE_JOURNALS])
{
    pthread_mutex_lock(&j->lock);
    for (enum store_journal k = 0; k < STORE_JOURNALS; k++) {
        if (last[k] > j->last[k])
            j->last[k] = last[k];
    }
    pthread_mutex_unlock(&j->lock);
}

/* --- Pages ------------------------------------------------------------------------------------ */

static struct store_entry whole(const struct batches_entry *entry)
{
    struct store_entry ret = {0};
    struct str rest = {entry->batch->bytes + entry->at, entry->batch->n - entry->at};
    layout_read_entry(&rest, &ret, NULL); /* was checked when it came */
    return ret;
}

/* The number of entries whose id is at most this. */
static uint32_t count_up_to(const struct batches_class *class, uint64_t id)
{
    uint32_t from = 0, to = class->n;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (class->entries[middle].id <= id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Goes through the asked classes at once. */
struct cursor {
    const struct batches_entry *next[STORE_CLASSES], *end[STORE_CLASSES]; /* from, to */
    bool backward;
};

static struct cursor cursor_of(const struct batches *j, const struct store_query *q)
{
    struct cursor cursor = {.backward = q->newest_first};
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        const struct batches_class *class = &j->classes[c];
        if (store_journal_of(c) != q->journal || (q->kind.n && c != store_class_of(q->kind)) ||
            !class->n)
            continue;
        uint32_t from = count_up_to(class, q->after);
        uint32_t to = q->before ? count_up_to(class, q->before - 1) : class->n;
        if (from > to)
            from = to;
        cursor.next[c] = class->entries + from;
        cursor.end[c] = class->entries + to;
    }
    return cursor;
}

static const struct batches_entry *step(struct cursor *cursor)
{
    const struct batches_entry *best = NULL;
    enum store_class of = 0;
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        if (cursor->next[c] == cursor->end[c])
            continue;
        const struct batches_entry *x = cursor->backward ? cursor->end[c] - 1 : cursor->next[c];
        if (!best || (cursor->backward ? x->id > best->id : x->id < best->id)) {
            best = x;
            of = c;
        }
    }
    if (best && cursor->backward)
        cursor->end[of]--;
    else if (best)
        cursor->next[of]++;
    return best;
}

static uint64_t oldest_of(const struct batches *j, enum store_journal journal)
{
    uint64_t oldest = 0;
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        const struct batches_class *class = &j->classes[c];
        if (store_journal_of(c) == journal && class->n &&
            (!oldest || class->entries[0].id < oldest))
            oldest = class->entries[0].id;
    }
    return oldest;
}

static void read_entries(const struct batches *j, struct request *r)
{
    const struct store_query *q = &r->query;
    struct store_page *page = &r->notice.page;
    struct store_entry *entries = ARENA_ARRAY(&r->arena, struct store_entry, q->limit);
    struct cursor cursor = cursor_of(j, q);
    const struct batches_entry *x;
    page->entries = entries;
    while (!page->more && (x = step(&cursor))) {
        if (q->node.n && !str_is(q->node, j->tally.nodes[x->node].name))
            continue;
        struct store_entry entry = whole(x);
        if ((q->kind.n && !str_eq(q->kind, entry.event.kind)) ||
            !store_who_fits(entry.event.who, q->who))
            continue;
        if (page->n < q->limit)
            entries[page->n++] = request_entry(&r->arena, entry);
        else
            page->more = true;
    }
}

void batches_read(struct batches *j, struct request *r)
{
    struct store_page *page = &r->notice.page;
    pthread_mutex_lock(&j->lock);
    read_entries(j, r);
    page->oldest = oldest_of(j, r->query.journal);
    page->newest = page->oldest ? j->last[r->query.journal] : 0;
    page->removed = tally_removed(&j->tally, &r->query);
    pthread_mutex_unlock(&j->lock);
}

/* --- Retention: only the writer's thread changes the journal, so it reads it without the lock ---
 */

/* False: the step has no room for another node. */
static bool mark(struct batches_trim *t, const struct batches_entry *x)
{
    size_t i = 0;
    while (i < t->n_marks && t->marks[i].node != x->node)
        i++;
    if (i == BATCHES_TRIM_NODES)
        return false;
    if (i == t->n_marks)
        t->marks[t->n_marks++].node = x->node;
    t->marks[i].removed = x->id;
    x->batch->dying++;
    return true;
}

static void choose_of_nodes(struct batches *j, uint64_t bound, struct batches_trim *t)
{
    const struct batches_class *class = &j->classes[t->class];
    if (!bound || tally_find_over(&j->tally, t->class, bound, 0) == MAP_NONE)
        return;
    uint64_t *left = MEM_ARRAY(uint64_t, j->tally.n);
    for (uint32_t i = 0; i < j->tally.n; i++)
        left[i] = j->tally.nodes[i].kept[t->class];
    for (uint32_t i = 0; i < class->n; i++) {
        const struct batches_entry *x = &class->entries[i];
        if (*j->tally.nodes[x->node].name && left[x->node] > bound && mark(t, x))
            left[x->node]--;
    }
    free(left);
}

static void choose_oldest(struct batches *j, const struct store_retention *keep, int64_t now_ms,
                          struct batches_trim *t)
{
    const struct batches_class *class = &j->classes[t->class];
    uint64_t max = keep->max_events[t->class], bytes = class->bytes;
    int64_t age_ms = keep->max_age_ms[store_journal_of(t->class)];
    for (uint32_t i = 0; i < class->n; i++) {
        const struct batches_entry *x = &class->entries[i];
        uint64_t kept = class->n - i;
        bool is_old = age_ms && x->at_ms < now_ms - age_ms;
        if (!(max && kept > max) && !(is_old && kept > keep->min_events) &&
            bytes <= bytes_max[t->class])
            return;
        if (!mark(t, x))
            return;
        if (x->batch->dying == x->batch->left)
            bytes -= x->batch->n;
    }
}

/* Those of which nothing is left with this step, or since one that could not take them all. */
static void choose_batches(struct batches *j, struct batches_trim *t)
{
    struct batch *batch;
    TAILQ_FOREACH(batch, &j->classes[t->class].batches, of_class)
    {
        if (batch->dying == batch->left && t->n_batches < BATCHES_TRIM_BATCHES)
            t->batches[t->n_batches++] = batch;
        batch->dying = 0;
    }
}

bool batches_trim_choose(struct batches *j, const struct store_retention *keep, int64_t now_ms,
                         struct batches_trim *ret)
{
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        ret->class = c;
        ret->n_marks = ret->n_batches = 0;
        choose_of_nodes(j, keep->max_of_node[store_journal_of(c)], ret);
        if (!ret->n_marks)
            choose_oldest(j, keep, now_ms, ret);
        choose_batches(j, ret);
        if (ret->n_marks || ret->n_batches)
            return true;
    }
    return false;
}

struct str batches_trim_mark(const struct batches *j, const struct batches_trim *t, size_t i,
                             struct arena *a, struct str *ret_value)
{
    const struct tally_node *node = &j->tally.nodes[t->marks[i].node];
    uint64_t removed[STORE_CLASSES];
    memcpy(removed, node->removed, sizeof(removed));
    removed[t->class] = t->marks[i].removed;
    *ret_value = layout_removed(a, removed);
    return layout_removed_key(a, str_from(node->name));
}

struct str batches_trim_batch(const struct batches_trim *t, size_t i, struct arena *a)
{
    return layout_batch_key(a, t->class, t->batches[i]->first);
}

static void drop_entries(struct batches *j, const struct batches_trim *t)
{
    struct batches_class *class = &j->classes[t->class];
    uint32_t kept = 0;
    for (size_t i = 0; i < t->n_marks; i++)
        tally_remove(&j->tally, t->marks[i].node, t->class, 0, t->marks[i].removed);
    for (uint32_t i = 0; i < class->n; i++) {
        struct batches_entry *x = &class->entries[i];
        if (x->id > j->tally.nodes[x->node].removed[t->class]) {
            class->entries[kept++] = *x;
            continue;
        }
        x->batch->left--;
        tally_remove(&j->tally, x->node, t->class, 1, x->id);
    }
    class->n = kept;
}

void batches_trim_apply(struct batches *j, const struct batches_trim *t)
{
    pthread_mutex_lock(&j->lock);
    drop_entries(j, t);
    for (size_t i = 0; i < t->n_batches; i++)
        drop_batch(&j->classes[t->class], t->batches[i]);
    pthread_mutex_unlock(&j->lock);
}
