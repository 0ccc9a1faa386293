/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/sqlite.h"

#include "base/mem.h"
#include "port/store_ops.h"
#include "store/sqlite/writer.h"
#include "store/statefile.h"
#include "store/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sqlite_store {
    struct store store; /* first */
    struct writer writer;
    pthread_t thread;
    bool running;
    char *path, *copy_path;
    uint64_t noted; /* when it was opened */
};

static struct writer *writer_of(struct store *s)
{
    return &((struct sqlite_store *)s)->writer;
}

static int load_records(struct db *db, store_on_record on_record, void *cls, struct err *e)
{
    struct err why = {0};
    int code = db_records(db, STR(""), STR(""), INT64_MAX, on_record, cls, &why);
    if (code == SQLITE_OK)
        return 0;
    if (code != SQLITE_ABORT)
        return db_fail(db, code, e);
    if (!why.code)
        err_set(&why, -ECANCELED, "%s: a record could not be read", db->path);
    if (e)
        *e = why;
    return why.code;
}

static int op_load(struct store *s, store_on_record on_record, void *cls, uint64_t *ret_revision,
                   struct err *e)
{
    struct db *db = &writer_of(s)->db;
    int r = load_records(db, on_record, cls, e);
    if (r == 0)
        *ret_revision = db->revision;
    return r;
}

static int op_start(struct store *s, void (*wake)(void *cls), void *cls, struct err *e)
{
    struct sqlite_store *self = (struct sqlite_store *)s;
    self->writer.queue.wake = wake;
    self->writer.queue.wake_cls = cls;
    int r = store_thread_start(&self->thread, writer_run, &self->writer, e);
    self->running = r == 0;
    return r;
}

static int op_commit(struct store *s, const struct store_txn *txn)
{
    return queue_put(&writer_of(s)->queue, request_commit(txn));
}

static int op_read(struct store *s, const struct store_query *query)
{
    return queue_put(&writer_of(s)->queue, request_read(query));
}

static int op_backup(struct store *s, uint64_t tag, const char *path)
{
    return queue_put(&writer_of(s)->queue, request_backup(tag, path));
}

/* No other process can write to the file. */
static void op_watch(struct store *s, uint64_t revision)
{
    (void)s;
    (void)revision;
}

static struct store_notice *op_take(struct store *s)
{
    struct writer *w = writer_of(s);
    struct request *r = queue_take(&w->queue);
    if (!r && atomic_load(&w->feed.active))
        queue_poke(&w->queue); /* there is room for more of the feed */
    return r ? &r->notice : NULL;
}

static void op_notice_free(struct store_notice *n)
{
    request_free((struct request *)n);
}

static enum store_result op_health(struct store *s, struct err *ret_why)
{
    struct writer *w = writer_of(s);
    pthread_mutex_lock(&w->lock);
    enum store_result health = w->health;
    if (health != STORE_OK && ret_why)
        *ret_why = w->why;
    pthread_mutex_unlock(&w->lock);
    return health;
}

static void op_stats(struct store *s, struct store_stats *ret)
{
    struct writer *w = writer_of(s);
    pthread_mutex_lock(&w->lock);
    *ret = w->stats;
    pthread_mutex_unlock(&w->lock);
    ret->queued = queue_pending(&w->queue);
}

static void op_retain(struct store *s, struct store_retention keep)
{
    struct writer *w = writer_of(s);
    pthread_mutex_lock(&w->lock);
    w->keep = keep;
    w->keep_changed = true;
    pthread_mutex_unlock(&w->lock);
    queue_poke(&w->queue);
}

static void op_stop(struct store *s)
{
    struct sqlite_store *self = (struct sqlite_store *)s;
    queue_stop(&self->writer.queue);
    if (self->running)
        pthread_join(self->thread, NULL);
    self->running = false;
}

static void op_close(struct store *s)
{
    struct sqlite_store *self = (struct sqlite_store *)s;
    op_stop(s);
    /* Closing removes the log by its name, which may be another file's by now. */
    bool displaced = place_check(&self->writer.db.files, self->path, NULL) == -ESTALE;
    db_close(&self->writer.db, displaced);
    place_note_close(&self->writer.note);
    queue_done(&self->writer.queue);
    pthread_mutex_destroy(&self->writer.lock);
    free(self->path);
    free(self->copy_path);
    free(self);
}

static uint64_t op_noted(struct store *s)
{
    return ((struct sqlite_store *)s)->noted;
}

static void op_settle(struct store *s)
{
    struct writer *w = writer_of(s);
    atomic_store(&w->settled, true);
    queue_poke(&w->queue);
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
    .noted = op_noted,
    .settle = op_settle,
    .stop = op_stop,
    .close = op_close,
};

int sqlite_open(const struct sqlite_options *options, struct store **ret, struct err *e)
{
    struct sqlite_store *self = MEM_NEW(struct sqlite_store);
    char *path = mem_copy(options->path, strlen(options->path));
    self->store.ops = &ops;
    self->path = path;
    self->writer.db.path = path;
    self->writer.db.unsafe = options->unsafe;
    self->writer.keep = options->keep;
    queue_init(&self->writer.queue,
               options->limits.commits_max ? options->limits : STORE_LIMITS_DEFAULT);
    pthread_mutex_init(&self->writer.lock, NULL);
    self->writer.note.fd = -1;
    if (asprintf(&self->copy_path, "%s" BACKUP_SUFFIX, path) < 0)
        abort();
    self->writer.copy_path = self->copy_path;
    int r = db_open(&self->writer.db, e);
    if (r == 0)
        unlink(self->copy_path); /* of a process that was killed */
    if (r == 0)
        r = place_note_open(&self->writer.note, path, e);
    self->noted = self->writer.note.revision;
    self->writer.behind = self->noted > self->writer.db.revision;
    if (r == 0 && !self->writer.behind)
        place_note_write(&self->writer.note, self->writer.db.revision);
    if (r < 0) {
        op_close(&self->store);
        return r;
    }
    *ret = &self->store;
    return 0;
}

/* --- A file that no process uses -------------------------------------------------------------- */

static int count(struct db *db, struct sqlite_survey *s)
{
    s->revision = db->revision;
    memcpy(s->last, db->last, sizeof(s->last));
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        s->events += store_journal_of(c) == STORE_EVENTS ? db->tally.kept[c] : 0;
    return db_number(db,
                     "SELECT at_ms FROM (SELECT id, at_ms FROM event UNION ALL"
                     " SELECT id, at_ms FROM report) ORDER BY id DESC LIMIT 1",
                     &s->newest_ms);
}

static int survey(struct db *db, store_on_record on_record, void *cls, struct sqlite_survey *ret,
                  struct err *e)
{
    struct sqlite_survey s = {0};
    int r = load_records(db, on_record, cls, e);
    if (r < 0)
        return r;
    int code = count(db, &s);
    if (code != SQLITE_OK)
        return db_fail(db, code, e);
    *ret = s;
    return 0;
}

int sqlite_survey(const char *path, store_on_record on_record, void *cls, struct sqlite_survey *ret,
                  struct err *e)
{
    bool empty, unclean;
    struct db db = {.path = path, .doubtful = true, .is_offline = true};
    int r = statefile_check(path, &empty, &unclean, e);
    if (r == 0 && empty)
        r = err_set(e, -EINVAL, "%s: is empty", path);
    if (r == 0 && !unclean)
        r = statefile_check_size(path, e);
    if (r == 0)
        r = db_open(&db, e);
    if (r < 0)
        return r;
    r = survey(&db, on_record, cls, ret, e);
    db_close(&db, false);
    return r;
}

static int raise_counters(struct db *db, const struct sqlite_survey *past)
{
    char sql[200];
    if (past->revision > db->revision)
        db->revision = past->revision;
    for (enum store_journal j = 0; j < STORE_JOURNALS; j++) {
        if (past->last[j] > db->last[j])
            db->last[j] = past->last[j];
    }
    snprintf(sql, sizeof(sql),
             "UPDATE counter SET revision = %" PRIu64 ", event = %" PRIu64 ", audit = %" PRIu64,
             db->revision, db->last[STORE_EVENTS], db->last[STORE_AUDIT]);
    return db_exec(db, sql);
}

static int amend(struct db *db, struct request_list *list, const struct sqlite_survey *past,
                 struct err *e)
{
    struct err why = {0};
    int code = raise_counters(db, past);
    if (code != SQLITE_OK)
        return db_fail(db, code, e);
    enum store_result result = commit_group(db, list, &why);
    for (struct request *r = list->first; r && result == STORE_OK; r = r->next) {
        result = r->notice.result;
        why = r->notice.err;
    }
    return result == STORE_OK ? 0 : err_set(e, why.code ? why.code : -EIO, "%s", why.msg);
}

int sqlite_amend(const char *path, const struct store_txn *txns, size_t n,
                 const struct sqlite_survey *past, struct err *e)
{
    struct db db = {.path = path};
    struct request_list list = {0};
    int r = db_open(&db, e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        request_list_put(&list, request_commit(&txns[i]));
    r = amend(&db, &list, past, e);
    request_list_free(&list);
    db_close(&db, r < 0);
    return r;
}
