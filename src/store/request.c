/* SPDX-License-Identifier: Apache-2.0 */
#include "store/request.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

static struct request *request_new(enum store_about about, uint64_t tag, size_t room)
{
    struct request *r = MEM_NEW(struct request);
    r->notice.about = about;
    r->notice.tag = tag;
    arena_init(&r->arena, room);
    return r;
}

static size_t txn_bytes(const struct store_txn *t)
{
    size_t n = t->n_writes * sizeof(*t->writes) + t->n_events * sizeof(*t->events);
    for (size_t i = 0; i < t->n_writes; i++)
        n += t->writes[i].kind.n + t->writes[i].key.n + t->writes[i].bytes.n;
    for (size_t i = 0; i < t->n_events; i++)
        n += t->events[i].node.n + t->events[i].kind.n + t->events[i].bytes.n + t->events[i].who.n;
    /* Each text is followed by a NUL, and each allocation is aligned. */
    return n + (t->n_writes + t->n_events) * 4 * (1 + _Alignof(max_align_t));
}

static void copy_event(struct arena *a, struct store_event *ev)
{
    ev->node = arena_str(a, ev->node);
    ev->kind = arena_str(a, ev->kind);
    ev->bytes = arena_str(a, ev->bytes);
    if (ev->who.n)
        ev->who = arena_str(a, ev->who);
}

static struct store_write *copy_writes(struct arena *a, const struct store_txn *t)
{
    struct store_write *list = ARENA_ARRAY(a, struct store_write, t->n_writes);
    for (size_t i = 0; i < t->n_writes; i++) {
        list[i] = t->writes[i];
        list[i].kind = arena_str(a, list[i].kind);
        list[i].key = arena_str(a, list[i].key);
        list[i].bytes = arena_str(a, list[i].op == STORE_PUT ? list[i].bytes : STR(""));
    }
    return list;
}

static struct store_event *copy_events(struct arena *a, const struct store_txn *t)
{
    struct store_event *list = ARENA_ARRAY(a, struct store_event, t->n_events);
    for (size_t i = 0; i < t->n_events; i++) {
        list[i] = t->events[i];
        copy_event(a, &list[i]);
    }
    return list;
}

struct request *request_commit(const struct store_txn *txn)
{
    size_t bytes = txn_bytes(txn);
    struct request *r = request_new(STORE_COMMIT, txn->tag, bytes);
    r->bytes = bytes + sizeof(*r);
    r->txn = *txn;
    if (txn->n_writes)
        r->txn.writes = copy_writes(&r->arena, txn);
    if (txn->n_events)
        r->txn.events = copy_events(&r->arena, txn);
    return r;
}

struct request *request_read(const struct store_query *query)
{
    struct request *r = request_new(STORE_READ, query->tag, 16 << 10);
    r->query = *query;
    r->query.node = arena_str(&r->arena, query->node);
    r->query.kind = arena_str(&r->arena, query->kind);
    r->query.who = arena_str(&r->arena, query->who);
    return r;
}

struct request *request_backup(uint64_t tag, const char *path)
{
    struct request *r = request_new(STORE_BACKUP, tag, 512);
    r->path = arena_str(&r->arena, str_from(path)).p;
    return r;
}

struct request *request_notice(enum store_about about)
{
    return request_new(about, 0, 512);
}

struct request *request_record(enum store_about about, const struct store_record *record)
{
    struct request *r = request_new(about, 0, 512);
    r->notice.revision = record->revision;
    r->notice.record = *record;
    r->notice.record.kind = arena_str(&r->arena, record->kind);
    r->notice.record.key = arena_str(&r->arena, record->key);
    r->notice.record.bytes = arena_str(&r->arena, record->bytes);
    return r;
}

void request_free(struct request *r)
{
    if (!r)
        return;
    arena_done(&r->arena);
    free(r);
}

struct store_entry request_entry(struct arena *a, struct store_entry entry)
{
    entry.event.node = arena_str(a, entry.event.node);
    entry.event.kind = arena_str(a, entry.event.kind);
    entry.event.bytes = arena_str(a, entry.event.bytes);
    entry.event.who = arena_str(a, entry.event.who);
    return entry;
}

void request_fail(struct request *r, enum store_result result, const struct err *why)
{
    struct store_notice *n = &r->notice;
    n->result = result;
    n->revision = n->first_event = 0;
    n->conflict = 0;
    n->page = (struct store_page){0};
    if (why)
        n->err = *why;
}

void request_conflict(struct request *r, size_t write, uint64_t found)
{
    const struct store_write *w = &r->txn.writes[write];
    request_fail(r, STORE_CONFLICT, NULL);
    r->notice.conflict = write;
    r->notice.revision = found;
    const char *what = !found                        ? "is not there any more"
                       : w->expected == STORE_ABSENT ? "is there already"
                                                     : "was changed by somebody else meanwhile";
    err_set(&r->notice.err, -EAGAIN, "%.*s '%.*s' %s", STR_ARG(w->kind), STR_ARG(w->key), what);
}

bool request_written_before(const struct store_txn *t, size_t at, uint64_t revision,
                            uint64_t *ret_found)
{
    const struct store_write *w = &t->writes[at];
    bool is_written = false;
    for (size_t i = 0; i < at; i++) {
        const struct store_write *before = &t->writes[i];
        if (before->op == STORE_CHECK || !str_eq(before->key, w->key) ||
            !str_eq(before->kind, w->kind))
            continue;
        *ret_found = before->op == STORE_PUT ? revision : 0;
        is_written = true;
    }
    return is_written;
}

void request_list_put(struct request_list *l, struct request *r)
{
    r->next = NULL;
    *(l->last ? &l->last->next : &l->first) = r;
    l->last = r;
    l->n++;
    l->bytes += r->bytes;
}

struct request *request_list_take(struct request_list *l)
{
    struct request *r = l->first;
    if (!r)
        return NULL;
    l->first = r->next;
    if (!l->first)
        l->last = NULL;
    l->n--;
    l->bytes -= r->bytes;
    return r;
}

void request_list_free(struct request_list *l)
{
    struct request *r;
    while ((r = request_list_take(l)))
        request_free(r);
}
