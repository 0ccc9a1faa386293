/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/failing_store.h"

#include "port/store_ops.h"
#include "store/memory.h"
#include "store/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define SCRIPT_MAX 64

struct script {
    enum store_result result;
    bool happens;
};

struct failing {
    struct store store; /* first */
    struct store *inner;
    struct request_list notices;
    struct script script[SCRIPT_MAX];
    size_t n_script, next_script;
    int refusal;
    enum store_result health;
    bool watched;
    bool stopped;
    void (*wake)(void *cls);
    void *wake_cls;
};

static const struct store_ops ops;

static struct failing *self_of(struct store *s)
{
    assert(s->ops == &ops);
    return (struct failing *)s;
}

static void say(struct failing *f, struct request *r)
{
    request_list_put(&f->notices, r);
    if (f->wake)
        f->wake(f->wake_cls);
}

/* The inner store answers at once. */
static void drain(struct failing *f)
{
    struct store_notice *n;
    while ((n = store_take(f->inner)))
        say(f, (struct request *)n);
}

static int put_changed(void *cls, const struct store_record *record, struct err *e)
{
    (void)e;
    say(cls, request_record(STORE_CHANGED, record));
    return 0;
}

void failing_store_start_over(struct store *s)
{
    struct failing *f = self_of(s);
    uint64_t revision;
    say(f, request_notice(STORE_START_OVER));
    store_load(f->inner, put_changed, f, &revision, NULL);
    struct request *end = request_notice(STORE_IN_STEP);
    end->notice.revision = revision;
    say(f, end);
}

void failing_store_script(struct store *s, enum store_result result, bool happens)
{
    struct failing *f = self_of(s);
    assert(f->n_script < SCRIPT_MAX);
    f->script[f->n_script++] = (struct script){result, happens};
}

void failing_store_refuse(struct store *s, int code)
{
    self_of(s)->refusal = code;
}

void failing_store_health(struct store *s, enum store_result health)
{
    self_of(s)->health = health;
    say(self_of(s), request_notice(STORE_HEALTH));
}

static uint64_t commit_unseen(struct failing *f, const struct store_txn *txn)
{
    int r = store_commit(f->inner, txn);
    struct store_notice *n = r == 0 ? store_take(f->inner) : NULL;
    uint64_t revision = n && n->result == STORE_OK ? n->revision : 0;
    store_notice_free(f->inner, n);
    return revision;
}

void failing_store_other(struct store *s, const struct store_txn *txn)
{
    struct failing *f = self_of(s);
    uint64_t revision = commit_unseen(f, txn);
    assert(revision);
    for (size_t i = 0; f->watched && i < txn->n_writes; i++) {
        const struct store_write *w = &txn->writes[i];
        struct store_record record = {w->kind, w->key, w->bytes, revision};
        if (w->op == STORE_PUT)
            say(f, request_record(STORE_CHANGED, &record));
        else if (w->op == STORE_DELETE)
            say(f, request_record(STORE_DELETED, &record));
    }
}

static void fail_as_told(struct failing *f, const struct store_txn *txn, struct script told)
{
    struct request *r = request_commit(txn);
    struct err why;
    err_set(&why, -EIO, "a test wants it so");
    if (told.result == STORE_UNKNOWN && told.happens)
        commit_unseen(f, txn);
    request_fail(r, told.result, &why);
    say(f, r);
    if (told.result == STORE_UNKNOWN)
        failing_store_start_over(&f->store);
}

static int op_commit(struct store *s, const struct store_txn *txn)
{
    struct failing *f = self_of(s);
    struct script told = {STORE_OK, true};
    if (f->refusal || f->stopped)
        return f->refusal ? f->refusal : -ESHUTDOWN;
    if (f->next_script < f->n_script)
        told = f->script[f->next_script++];
    if (told.result != STORE_OK) {
        fail_as_told(f, txn, told);
        return 0;
    }
    int r = store_commit(f->inner, txn);
    drain(f);
    return r;
}

static int op_read(struct store *s, const struct store_query *query)
{
    struct failing *f = self_of(s);
    if (f->refusal)
        return f->refusal;
    int r = store_read(f->inner, query);
    drain(f);
    return r;
}

static int op_backup(struct store *s, uint64_t tag, const char *path)
{
    int r = store_backup(self_of(s)->inner, tag, path);
    drain(self_of(s));
    return r;
}

static int op_load(struct store *s, store_on_record on_record, void *cls, uint64_t *ret_revision,
                   struct err *e)
{
    return store_load(self_of(s)->inner, on_record, cls, ret_revision, e);
}

static int op_start(struct store *s, void (*wake)(void *cls), void *cls, struct err *e)
{
    (void)e;
    self_of(s)->wake = wake;
    self_of(s)->wake_cls = cls;
    return 0;
}

static void op_watch(struct store *s, uint64_t revision)
{
    (void)revision;
    self_of(s)->watched = true;
}

static struct store_notice *op_take(struct store *s)
{
    struct request *r = request_list_take(&self_of(s)->notices);
    return r ? &r->notice : NULL;
}

static void op_notice_free(struct store_notice *n)
{
    request_free((struct request *)n);
}

static enum store_result op_health(struct store *s, struct err *ret_why)
{
    struct failing *f = self_of(s);
    if (f->health != STORE_OK && ret_why)
        err_set(ret_why, -EIO, "a test wants it so");
    return f->health;
}

static void op_stats(struct store *s, struct store_stats *ret)
{
    store_stats(self_of(s)->inner, ret);
}

static void op_retain(struct store *s, struct store_retention keep)
{
    store_retain(self_of(s)->inner, keep);
}

static void op_stop(struct store *s)
{
    self_of(s)->stopped = true;
    store_stop(self_of(s)->inner);
}

static void op_close(struct store *s)
{
    struct failing *f = self_of(s);
    request_list_free(&f->notices);
    store_close(f->inner);
    free(f);
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

struct store *failing_store_new(void)
{
    struct failing *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->store.ops = &ops;
    f->inner = memory_new((struct store_limits){0}, (struct store_retention){0});
    return &f->store;
}
