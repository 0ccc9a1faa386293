/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/group.h"

#include <assert.h>

void group_init(struct group *g)
{
    *g = (struct group){0};
    arena_init(&g->arena, 64 << 10);
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        buf_init(&g->batches[c], SIZE_MAX - 1);
}

void group_done(struct group *g)
{
    arena_done(&g->arena);
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        buf_done(&g->batches[c]);
}

void group_begin(struct group *g, const struct layout_head *head)
{
    arena_reset(&g->arena);
    g->head = *head;
    g->head.sequence++;
    g->n_writes = g->bytes = 0;
    g->trims = false;
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        buf_clear(&g->batches[c]);
}

/* --- Commits ---------------------------------------------------------------------------------- */

#define ENTRY_NUMBERS_MAX (7 * STR_U64_SIZE + 1)

static size_t bytes_of(const struct store_txn *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_writes; i++)
        n += t->writes[i].kind.n + t->writes[i].key.n + t->writes[i].bytes.n + 2 * STR_U64_SIZE;
    for (size_t i = 0; i < t->n_events; i++)
        n += t->events[i].node.n + t->events[i].kind.n + t->events[i].who.n + t->events[i].bytes.n +
             ENTRY_NUMBERS_MAX;
    return n;
}

static size_t writes_of(const struct store_txn *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_writes; i++)
        n += t->writes[i].op != STORE_CHECK;
    return n;
}

bool group_can_ever_take(const struct store_txn *t)
{
    return writes_of(t) <= GROUP_WRITES_MAX && bytes_of(t) <= GROUP_TXN_BYTES_MAX;
}

static struct group_write *find(struct group *g, struct str key)
{
    for (size_t i = 0; i < g->n_writes; i++) {
        if (str_eq(g->writes[i].key, key))
            return &g->writes[i];
    }
    return NULL;
}

/* What a write meets: earlier ones of its own transaction, of the group, or what etcd has. */
static uint64_t revision_met(struct group *g, const struct revisions *known,
                             const struct store_txn *t, size_t at, struct str key)
{
    const struct group_write *before = find(g, key);
    uint64_t found = before ? before->revision : revisions_get(known, key);
    request_written_before(t, at, g->head.revision + 1, &found);
    return found;
}

/* The write that conflicts; n_writes: none. */
static size_t find_conflict(struct group *g, const struct revisions *known,
                            const struct store_txn *t, uint64_t *ret_found)
{
    for (size_t i = 0; i < t->n_writes; i++) {
        const struct store_write *w = &t->writes[i];
        if (w->expected == STORE_ANY)
            continue;
        struct str key = layout_record_key(&g->arena, w->kind, w->key);
        *ret_found = revision_met(g, known, t, i, key);
        if (*ret_found != w->expected)
            return i;
    }
    return t->n_writes;
}

/* etcd refuses a transaction that names a key twice: the last write of a record counts. */
static void write_one(struct group *g, const struct store_write *w)
{
    struct str key = layout_record_key(&g->arena, w->kind, w->key);
    struct group_write *to = find(g, key);
    if (w->op == STORE_CHECK)
        return;
    if (!to) {
        assert(g->n_writes < GROUP_WRITES_MAX);
        to = &g->writes[g->n_writes++];
        to->key = key;
    }
    to->revision = w->op == STORE_PUT ? g->head.revision : 0;
    if (w->op == STORE_PUT)
        to->value = layout_record(&g->arena, to->revision, w->bytes);
}

static void append(struct group *g, const struct store_event *ev)
{
    enum store_class class = store_class_of(ev->kind);
    struct store_entry entry = {
        .id = ++g->head.last[store_journal_of(class)], .revision = g->head.revision, .event = *ev};
    if (!g->batches[class].n)
        g->first[class] = entry.id;
    layout_entry(&g->batches[class], &entry);
}

static uint64_t next_event(const struct group *g, const struct store_txn *t)
{
    return t->n_events ? g->head.last[store_journal_of(store_class_of(t->events[0].kind))] + 1 : 0;
}

bool group_add(struct group *g, const struct revisions *known, struct request *r)
{
    const struct store_txn *t = &r->txn;
    size_t bytes = bytes_of(t);
    uint64_t found;
    if (g->bytes &&
        (g->n_writes + writes_of(t) > GROUP_WRITES_MAX || g->bytes + bytes > GROUP_BYTES_MAX))
        return false;
    size_t at = find_conflict(g, known, t, &found);
    if (at < t->n_writes) {
        request_conflict(r, at, found);
        return true;
    }
    g->bytes += bytes;
    r->notice.revision = ++g->head.revision;
    r->notice.first_event = next_event(g, t);
    for (size_t i = 0; i < t->n_writes; i++)
        write_one(g, &t->writes[i]);
    for (size_t i = 0; i < t->n_events; i++)
        append(g, &t->events[i]);
    return true;
}

bool group_changes_anything(const struct group *g)
{
    return g->bytes > 0 || g->trims;
}

/* --- etcd ------------------------------------------------------------------------------------- */

static void add(struct codec_op *ops, size_t *n, bool is_delete, struct str key, struct str value)
{
    assert(*n < CODEC_OPS_MAX);
    ops[(*n)++] = (struct codec_op){is_delete, key, value};
}

static void add_trim(struct group *g, const struct batches *j, struct codec_op *ops, size_t *n)
{
    struct str value;
    for (size_t i = 0; i < g->trim.n_marks; i++) {
        struct str key = batches_trim_mark(j, &g->trim, i, &g->arena, &value);
        add(ops, n, false, key, value);
    }
    for (size_t i = 0; i < g->trim.n_batches; i++)
        add(ops, n, true, batches_trim_batch(&g->trim, i, &g->arena), STR(""));
}

struct str group_request(struct group *g, const struct batches *j, struct str prefix,
                         uint64_t mod_revision)
{
    struct codec_op ops[CODEC_OPS_MAX];
    size_t n = 0;
    add(ops, &n, false, STR(LAYOUT_HEAD), layout_head(&g->arena, &g->head));
    for (size_t i = 0; i < g->n_writes; i++)
        add(ops, &n, !g->writes[i].revision, g->writes[i].key, g->writes[i].value);
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        if (g->batches[c].n)
            add(ops, &n, false, layout_batch_key(&g->arena, c, g->first[c]),
                buf_view(&g->batches[c]));
    }
    if (g->trims)
        add_trim(g, j, ops, &n);
    return codec_txn(&g->arena, prefix, STR(LAYOUT_HEAD), mod_revision, ops, n);
}

void group_apply(struct group *g, struct revisions *known, struct batches *j)
{
    for (size_t i = 0; i < g->n_writes; i++)
        revisions_set(known, g->writes[i].key, g->writes[i].revision);
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        int r =
            g->batches[c].n ? batches_add(j, c, g->first[c], buf_view(&g->batches[c]), NULL) : 0;
        assert(r == 0);
        (void)r;
    }
    batches_set_last(j, g->head.last);
    if (g->trims)
        batches_trim_apply(j, &g->trim);
}
