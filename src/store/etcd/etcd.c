/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/etcd.h"

#include "base/mem.h"
#include "port/store_ops.h"
#include "store/etcd/keeper.h"
#include "store/thread.h"

#include <errno.h>
#include <stdio.h>

#define PATIENCE_MS 10000

struct etcd_store {
    struct store store; /* first */
    struct keeper writer;
    pthread_t thread;
    bool running;
    bool loaded;
};

static struct keeper *keeper_of(struct store *s)
{
    return &((struct etcd_store *)s)->writer;
}

static int op_load(struct store *s, store_on_record on_record, void *cls, uint64_t *ret_revision,
                   struct err *e)
{
    struct keeper *k = keeper_of(s);
    int r = keeper_load(k, on_record, cls, e);
    if (r < 0)
        return r;
    ((struct etcd_store *)s)->loaded = true;
    *ret_revision = k->head.revision;
    return 0;
}

static int op_start(struct store *s, void (*wake)(void *cls), void *cls, struct err *e)
{
    struct etcd_store *self = (struct etcd_store *)s;
    uint64_t revision;
    int r = self->loaded ? 0 : op_load(s, NULL, NULL, &revision, e);
    if (r < 0)
        return r;
    self->writer.queue.wake = wake;
    self->writer.queue.wake_cls = cls;
    r = store_thread_start(&self->thread, keeper_run, &self->writer, e);
    self->running = r == 0;
    return r;
}

static int op_commit(struct store *s, const struct store_txn *txn)
{
    if (!group_can_ever_take(txn))
        return -EMSGSIZE;
    return queue_put(&keeper_of(s)->queue, request_commit(txn));
}

/* From memory, at once: it works while etcd is away. */
static int op_read(struct store *s, const struct store_query *query)
{
    struct keeper *k = keeper_of(s);
    struct request *r = request_read(query);
    int answer = queue_admit_read(&k->queue);
    if (answer < 0) {
        request_free(r);
        return answer;
    }
    struct request_list one = {0};
    batches_read(&k->journal, r);
    request_list_put(&one, r);
    queue_answer(&k->queue, &one);
    return 0;
}

static int op_backup(struct store *s, uint64_t tag, const char *path)
{
    return queue_put(&keeper_of(s)->queue, request_backup(tag, path));
}

/* A server that another one writes beside stops writing: there is nothing to follow. */
static void op_watch(struct store *s, uint64_t revision)
{
    (void)s;
    (void)revision;
}

static struct store_notice *op_take(struct store *s)
{
    struct keeper *k = keeper_of(s);
    struct request *r = queue_take(&k->queue);
    if (!r && atomic_load(&k->feed.active))
        queue_poke(&k->queue); /* there is room for more of the feed */
    return r ? &r->notice : NULL;
}

static void op_notice_free(struct store_notice *n)
{
    request_free((struct request *)n);
}

static enum store_result op_health(struct store *s, struct err *ret_why)
{
    struct keeper *k = keeper_of(s);
    pthread_mutex_lock(&k->lock);
    enum store_result health = k->health;
    if (health != STORE_OK && ret_why)
        *ret_why = k->why;
    pthread_mutex_unlock(&k->lock);
    return health;
}

static void op_stats(struct store *s, struct store_stats *ret)
{
    struct keeper *k = keeper_of(s);
    pthread_mutex_lock(&k->lock);
    *ret = k->stats;
    pthread_mutex_unlock(&k->lock);
    ret->queued = queue_pending(&k->queue);
}

static void op_retain(struct store *s, struct store_retention keep)
{
    struct keeper *k = keeper_of(s);
    pthread_mutex_lock(&k->lock);
    k->keep = keep;
    k->keep_changed = true;
    pthread_mutex_unlock(&k->lock);
    queue_poke(&k->queue);
}

static void op_stop(struct store *s)
{
    struct etcd_store *self = (struct etcd_store *)s;
    queue_stop(&self->writer.queue);
    if (self->running)
        pthread_join(self->thread, NULL);
    self->running = false;
}

static void op_close(struct store *s)
{
    op_stop(s);
    keeper_done(keeper_of(s));
    free(s);
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

int etcd_open(const struct etcd_options *options, struct store **ret, struct err *e)
{
    struct etcd_store *self = MEM_NEW(struct etcd_store);
    struct keeper *k = &self->writer;
    self->store.ops = &ops;
    keeper_init(k, options->limits.commits_max ? options->limits : STORE_LIMITS_DEFAULT,
                options->keep);
    k->patience_ms = options->patience_ms ? options->patience_ms : PATIENCE_MS;
    gateway_init(&k->gateway, options->turns, &options->access);
    snprintf(k->fleet, sizeof(k->fleet), "%.*s", STR_ARG(options->fleet));
    snprintf(k->name, sizeof(k->name), "%.*s", STR_ARG(options->writer));
    int r = keeper_take_over(k, e);
    if (r < 0)
        op_close(&self->store);
    else
        *ret = &self->store;
    return r;
}
