/* SPDX-License-Identifier: Apache-2.0 */
#include "port/store.h"

#include "port/store_ops.h"

#include <errno.h>

static bool is_name(struct str s)
{
    return s.n > 0 && s.n <= STORE_NAME_MAX_BYTES && !memchr(s.p, '\0', s.n) &&
           str_is_utf8(s, &(size_t){0});
}

static bool is_name_or_none(struct str s)
{
    return s.n == 0 || is_name(s);
}

static enum store_journal journal_of(const struct store_event *ev)
{
    return store_journal_of(store_class_of(ev->kind));
}

static int check_txn(const struct store_txn *t)
{
    size_t bytes = 0;
    if (t->n_writes + t->n_events == 0)
        return -EINVAL;
    if (t->n_writes > STORE_TXN_MAX_ITEMS || t->n_events > STORE_TXN_MAX_ITEMS - t->n_writes)
        return -EMSGSIZE;
    for (size_t i = 0; i < t->n_writes; i++) {
        const struct store_write *w = &t->writes[i];
        if (!is_name(w->kind) || !is_name(w->key))
            return -EINVAL;
        if (w->op == STORE_PUT)
            bytes += w->bytes.n > STORE_TXN_MAX_BYTES ? STORE_TXN_MAX_BYTES + 1 : w->bytes.n;
    }
    for (size_t i = 0; i < t->n_events; i++) {
        const struct store_event *ev = &t->events[i];
        if (!is_name_or_none(ev->node) || !is_name(ev->kind))
            return -EINVAL;
        if (!is_name_or_none(ev->who) || journal_of(ev) != journal_of(t->events))
            return -EINVAL;
        bytes += ev->bytes.n > STORE_TXN_MAX_BYTES ? STORE_TXN_MAX_BYTES + 1 : ev->bytes.n;
    }
    return bytes > STORE_TXN_MAX_BYTES ? -EMSGSIZE : 0;
}

int store_load(struct store *s, store_on_record on_record, void *cls, uint64_t *ret_revision,
               struct err *e)
{
    return s->ops->load(s, on_record, cls, ret_revision, e);
}

int store_start(struct store *s, void (*wake)(void *cls), void *cls, struct err *e)
{
    return s->ops->start(s, wake, cls, e);
}

int store_commit(struct store *s, const struct store_txn *txn)
{
    int r = check_txn(txn);
    return r < 0 ? r : s->ops->commit(s, txn);
}

int store_read(struct store *s, const struct store_query *query)
{
    if (query->limit == 0 || query->limit > STORE_PAGE_MAX || !is_name_or_none(query->node) ||
        !is_name_or_none(query->kind) || !is_name_or_none(query->who) ||
        (query->kind.n && store_journal_of(store_class_of(query->kind)) != query->journal))
        return -EINVAL;
    return s->ops->read(s, query);
}

int store_backup(struct store *s, uint64_t tag, const char *path)
{
    return s->ops->backup(s, tag, path);
}

void store_watch(struct store *s, uint64_t revision)
{
    s->ops->watch(s, revision);
}

struct store_notice *store_take(struct store *s)
{
    return s->ops->take(s);
}

void store_notice_free(struct store *s, struct store_notice *n)
{
    if (n)
        s->ops->notice_free(n);
}

enum store_result store_health(struct store *s, struct err *ret_why)
{
    return s->ops->health(s, ret_why);
}

void store_stats(struct store *s, struct store_stats *ret)
{
    s->ops->stats(s, ret);
}

void store_retain(struct store *s, struct store_retention keep)
{
    s->ops->retain(s, keep);
}

uint64_t store_noted(struct store *s)
{
    return s->ops->noted ? s->ops->noted(s) : 0;
}

void store_settle(struct store *s)
{
    if (s->ops->settle)
        s->ops->settle(s);
}

void store_stop(struct store *s)
{
    s->ops->stop(s);
}

void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}
