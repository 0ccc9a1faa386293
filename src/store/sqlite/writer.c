/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/writer.h"

#include "base/clock.h"
#include "store/sqlite/carry.h"
#include "store/statefile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <unistd.h>

#define GROUP_MAX 1000   /* transactions, so that answers do not wait for a long queue */
#define TIDY_MS 60000    /* when nothing happens */
#define TIDY_BUSY_MS 250 /* after a commit */
#define PROBE_MS 1000    /* while the disk refuses */
#define PLACE_MS 1000    /* between two looks at the files */
#define FEED_STEP 256    /* records */
#define FEED_ANSWERS_MAX 1024
#define BACKUP_STEP_PAGES 128
#define CARRY_MS 40000   /* shorter than a request waits */
#define CARRY_LOOK_MS 20 /* between two looks at it */

/* --- Backup ----------------------------------------------------------------------------------- */

static void backup_fail(struct backup *b, const char *path, int code)
{
    struct err why;
    struct db target = {.handle = b->to, .path = path};
    enum store_result result = db_result(&target, code, &why);
    request_fail(b->request, result, &why);
}

static void backup_refuse(struct backup *b, const struct err *why)
{
    request_fail(b->request, why->code == -ENOSPC ? STORE_FULL : STORE_UNAVAILABLE, why);
}

static void backup_begin(struct backup *b, struct db *db, const char *path, struct request *r)
{
    struct err why;
    assert(db->handle && !b->request);
    *b = (struct backup){.request = r};
    unlink(path);
    if (statefile_create(path, &why) < 0) {
        backup_refuse(b, &why);
        return;
    }
    int code = sqlite3_open_v2(path, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        b->copy = sqlite3_backup_init(b->to, "main", db->handle, "main");
        code = b->copy ? SQLITE_OK : sqlite3_errcode(b->to);
    }
    if (code != SQLITE_OK)
        backup_fail(b, path, code);
}

/* The copy is made, or could not be. Its descriptor is all that is needed of it. */
static void backup_carry(struct backup *b, const char *path)
{
    struct request *r = b->request;
    struct err why;
    sqlite3_backup_finish(b->copy);
    if (sqlite3_close(b->to) != SQLITE_OK && r->notice.result == STORE_OK)
        request_fail(r, STORE_UNAVAILABLE, NULL);
    b->copy = NULL;
    b->to = NULL;
    int fd = r->notice.result == STORE_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (r->notice.result == STORE_OK && fd < 0) {
        err_errno(&why, -errno, "%s", path);
        backup_refuse(b, &why);
    }
    unlink(path);
    if (fd < 0)
        return;
    b->carry = carry_start(fd, r->path, &why);
    b->due_ms = clock_boot_ms() + CARRY_MS;
    if (!b->carry)
        backup_refuse(b, &why);
}

/* The request, with its notice filled. */
static struct request *backup_end(struct backup *b, const char *path)
{
    struct request *r = b->request;
    if (b->copy || b->to)
        backup_carry(b, path); /* only cleans up: it has failed */
    b->request = NULL;
    return r;
}

static void backup_forget_carry(struct backup *b)
{
    carry_free(b->carry);
    b->carry = NULL;
}

/* Confined by its unit, the server can write hardly anywhere, whatever a folder's mode says. */
static void name_folder(struct err *why, const char *path)
{
    const char *slash = strrchr(path, '/');
    const struct err said = *why;
    bool may_be_confined = said.code == -EROFS || said.code == -EACCES || said.code == -EPERM ||
                           said.code == -ENOENT || said.code == -ENOTDIR;
    if (may_be_confined && slash)
        err_set(why, said.code, "%s; the server can write to %.*s", said.msg, (int)(slash - path),
                path);
}

static struct request *backup_await(struct backup *b, const char *path)
{
    struct err why;
    if (carry_ended(b->carry)) {
        if (b->request && carry_result(b->carry, &b->request->notice.bytes, &why) < 0) {
            name_folder(&why, path);
            backup_refuse(b, &why);
        }
        backup_forget_carry(b);
        return b->request ? backup_end(b, path) : NULL;
    }
    if (!b->request || clock_boot_ms() < b->due_ms || !carry_refuse(b->carry))
        return NULL;
    err_set(&why, -ETIMEDOUT, "%s: was not written within %d s: its share may be gone",
            b->request->path, CARRY_MS / 1000);
    backup_refuse(b, &why);
    return backup_end(b, path);
}

/* The request, with its notice filled, once it has ended; NULL: it goes on. */
static struct request *backup_step(struct backup *b, const char *path)
{
    if (b->carry)
        return backup_await(b, path);
    if (b->request->notice.result != STORE_OK)
        return backup_end(b, path);
    int code = sqlite3_backup_step(b->copy, BACKUP_STEP_PAGES);
    if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return NULL;
    if (code != SQLITE_DONE)
        backup_fail(b, path, code);
    backup_carry(b, path);
    return NULL;
}

static struct request *backup_abandon(struct backup *b, const char *path, const struct err *why)
{
    request_fail(b->request, STORE_UNAVAILABLE, why);
    return backup_end(b, path);
}

/* The copy is not made from the open file any more: only the carrying goes on. */
static bool backup_is_copying(const struct backup *b)
{
    return b->request && !b->carry;
}

/* The writer ends. A thread that hangs is left behind. */
static struct request *backup_leave(struct backup *b, const char *path, const struct err *why)
{
    struct request *r = NULL;
    if (b->carry && !carry_refuse(b->carry)) {
        while (!carry_ended(b->carry)) /* it is complete, and about to end */
            sched_yield();
        r = backup_await(b, path);
    } else if (b->request) {
        r = backup_abandon(b, path, why);
    }
    backup_forget_carry(b);
    return r;
}

/* --- Health ----------------------------------------------------------------------------------- */

static void answer(struct writer *w, struct request *r)
{
    struct request_list one = {0};
    request_list_put(&one, r);
    queue_answer(&w->queue, &one);
}

static void set_health(struct writer *w, enum store_result result, const struct err *why)
{
    pthread_mutex_lock(&w->lock);
    bool changed = w->health != result;
    w->health = result;
    w->why = result == STORE_OK ? (struct err){0} : *why;
    pthread_mutex_unlock(&w->lock);
    if (changed)
        answer(w, request_notice(STORE_HEALTH));
}

static void feed_begin(struct writer *w)
{
    w->feed.begun = false;
    w->feed.kind_n = w->feed.key_n = 0;
    atomic_store(&w->feed.active, true);
}

/* After a disk error it is unknown what the disk has: the file is closed and opened again. */
static void give_up(struct writer *w)
{
    db_close(&w->db, true);
    w->probe_at_ms = 0; /* try at once */
}

static void reopen(struct writer *w)
{
    struct err why;
    uint64_t revision = w->db.revision;
    if (db_open(&w->db, &why) < 0) {
        set_health(w, STORE_UNAVAILABLE, &why);
        return;
    }
    if (w->in_doubt || w->db.revision != revision)
        feed_begin(w);
    w->in_doubt = false;
    set_health(w, STORE_OK, NULL);
}

/* To be called with the result of each step that used the disk. */
static void outcome(struct writer *w, enum store_result result, const struct err *why)
{
    set_health(w, result, why);
    if (result != STORE_OK)
        w->probe_at_ms = clock_boot_ms() + PROBE_MS;
    if (result == STORE_UNKNOWN)
        w->in_doubt = true;
    if (result == STORE_UNKNOWN || (result == STORE_UNAVAILABLE && why->code != -EBUSY)) {
        if (backup_is_copying(&w->backup))
            answer(w, backup_abandon(&w->backup, w->copy_path, why));
        give_up(w);
    }
}

/* Whether the files are as we left them. While they are not the open file is kept: it can still be
 * read and backed up, but nothing more is written to it. */
static bool is_in_place(struct writer *w)
{
    struct err why;
    if (!w->db.handle)
        return true;
    int r = place_check(&w->db.files, w->db.path, &why);
    w->place_at_ms = clock_boot_ms() + PLACE_MS;
    w->displaced = r < 0;
    if (r == 0)
        return true;
    set_health(w, STORE_UNAVAILABLE, &why);
    w->probe_at_ms = clock_boot_ms() + PROBE_MS;
    if (r == -ENOLINK && !backup_is_copying(&w->backup)) {
        db_close(&w->db, false); /* copies the log into the file, which probe opens again */
        w->displaced = false;
    }
    return false;
}

/* Notes how far the state has come. */
static void note(struct writer *w)
{
    if (w->behind && !atomic_load(&w->settled))
        return;
    w->behind = false;
    if (w->note.revision != w->db.revision)
        place_note_write(&w->note, w->db.revision);
}

static void refuse(struct writer *w, struct request *list)
{
    struct err why;
    pthread_mutex_lock(&w->lock);
    why = w->why;
    pthread_mutex_unlock(&w->lock);
    for (struct request *r = list; r; r = r->next)
        request_fail(r, STORE_UNAVAILABLE, &why);
}

/* --- Requests --------------------------------------------------------------------------------- */

static void count(struct writer *w, const struct request_list *list)
{
    uint64_t commits = 0, conflicts = 0;
    for (const struct request *r = list->first; r; r = r->next) {
        commits += r->notice.result == STORE_OK;
        conflicts += r->notice.result == STORE_CONFLICT;
    }
    pthread_mutex_lock(&w->lock);
    w->stats.commits += commits;
    w->stats.conflicts += conflicts;
    w->stats.groups += commits > 0;
    pthread_mutex_unlock(&w->lock);
}

static uint64_t entries_given(const struct db *db)
{
    return db->last[STORE_EVENTS] + db->last[STORE_AUDIT];
}

static void commit(struct writer *w, struct request_list *list)
{
    struct err why = {0};
    if (!is_in_place(w) || !w->db.handle) {
        refuse(w, list->first);
        queue_answer(&w->queue, list);
        return;
    }
    uint64_t revision = w->db.revision, given = entries_given(&w->db);
    enum store_result result = commit_group(&w->db, list, &why);
    bool written = w->db.revision != revision;
    count(w, list);
    w->untidied += entries_given(&w->db) - given;
    if (written)
        note(w);
    /* Before the answers, so that a caller that reads one and then the health sees the same. */
    if (written || result != STORE_OK)
        outcome(w, result, &why);
    queue_answer(&w->queue, list);
    uint64_t soon = clock_boot_ms() + TIDY_BUSY_MS;
    if (written && w->tidy_at_ms > soon)
        w->tidy_at_ms = soon;
}

static void serve(struct writer *w, struct request *r)
{
    struct err why = {0};
    if (!w->db.handle) {
        refuse(w, r);
        answer(w, r);
    } else if (r->notice.about == STORE_READ) {
        enum store_result result = journal_read(&w->db, r, &why);
        if (result != STORE_OK)
            outcome(w, result, &why);
        answer(w, r);
    } else if (w->backup.request) {
        err_set(&why, -EALREADY, "another backup is being made");
        request_fail(r, STORE_UNAVAILABLE, &why);
        answer(w, r);
    } else if (w->backup.carry) {
        err_set(&why, -EALREADY, "the backup to %s still waits for its share",
                carry_path(w->backup.carry));
        request_fail(r, STORE_UNAVAILABLE, &why);
        answer(w, r);
    } else {
        backup_begin(&w->backup, &w->db, w->copy_path, r);
    }
}

static void step_backup(struct writer *w)
{
    struct request *done = backup_step(&w->backup, w->copy_path);
    if (done)
        answer(w, done);
}

/* --- The feed --------------------------------------------------------------------------------- */

struct feeding {
    struct feed *feed;
    struct request_list list;
};

static void remember(char *name, size_t *ret_n, struct str s)
{
    memcpy(name, s.p, s.n);
    *ret_n = s.n;
}

static int feed_record(void *cls, const struct store_record *record, struct err *e)
{
    struct feeding *f = cls;
    (void)e;
    remember(f->feed->kind, &f->feed->kind_n, record->kind);
    remember(f->feed->key, &f->feed->key_n, record->key);
    request_list_put(&f->list, request_record(STORE_CHANGED, record));
    return 0;
}

/* Commits may come between two steps: their notices take their place among the feed's. */
static void feed_step(struct writer *w)
{
    struct feed *f = &w->feed;
    struct feeding feeding = {.feed = f};
    char kind[STORE_NAME_MAX_BYTES], key[STORE_NAME_MAX_BYTES];
    struct str from_kind = {memcpy(kind, f->kind, f->kind_n), f->kind_n};
    struct str from_key = {memcpy(key, f->key, f->key_n), f->key_n};
    if (!f->begun)
        answer(w, request_notice(STORE_START_OVER));
    f->begun = true;
    int code = db_records(&w->db, from_kind, from_key, FEED_STEP, feed_record, &feeding, NULL);
    if (code != SQLITE_OK) {
        struct err why;
        enum store_result result = db_result(&w->db, code, &why);
        request_list_free(&feeding.list);
        w->in_doubt = true; /* the feed begins again */
        outcome(w, result, &why);
        return;
    }
    if (feeding.list.n < FEED_STEP) {
        request_list_put(&feeding.list, request_notice(STORE_IN_STEP));
        atomic_store(&f->active, false);
    }
    queue_answer(&w->queue, &feeding.list);
}

/* --- Upkeep ----------------------------------------------------------------------------------- */

static void publish_size(struct writer *w)
{
    uint64_t file = 0, unused = 0;
    journal_size(&w->db, &file, &unused);
    pthread_mutex_lock(&w->lock);
    w->stats.file_bytes = file;
    w->stats.free_bytes = unused;
    pthread_mutex_unlock(&w->lock);
}

static void tidy(struct writer *w, uint64_t now_ms)
{
    struct err why = {0};
    bool more;
    pthread_mutex_lock(&w->lock);
    struct store_retention keep = w->keep;
    w->keep_changed = false;
    pthread_mutex_unlock(&w->lock);
    enum store_result result = journal_tidy(&w->db, &keep, clock_wall_ms(), &more, &why);
    w->untidied = 0;
    w->tidy_at_ms = now_ms + (more && result == STORE_OK ? 0 : TIDY_MS);
    if (result == STORE_OK)
        publish_size(w);
    else
        outcome(w, result, &why);
}

static void checkpoint(struct writer *w)
{
    struct err why = {0};
    enum store_result result = db_result(&w->db, db_checkpoint(&w->db), &why);
    /* On a full disk the log grows until a commit fails as well. */
    if (result != STORE_OK && result != STORE_FULL)
        outcome(w, result, &why);
}

/* A probe is small: it would succeed where commits still fail. */
static bool is_full(const struct writer *w)
{
    return w->health == STORE_FULL; /* only this thread writes it */
}

static void probe(struct writer *w, uint64_t now_ms)
{
    struct err why = {0};
    w->probe_at_ms = now_ms + PROBE_MS;
    if (!w->db.handle)
        reopen(w);
    else if (!is_in_place(w))
        return;
    else if (!is_full(w) || statefile_has_room(w->db.path))
        outcome(w, commit_probe(&w->db, &why), &why);
}

static bool is_healthy(const struct writer *w)
{
    return w->health == STORE_OK;
}

static bool tidy_is_due(struct writer *w, uint64_t now_ms, bool idle)
{
    pthread_mutex_lock(&w->lock);
    bool asked = w->keep_changed;
    pthread_mutex_unlock(&w->lock);
    /* A backup would have to copy again each page that vacuum moves. */
    if (backup_is_copying(&w->backup) || !is_healthy(w))
        return false;
    return asked || w->untidied >= JOURNAL_TIDY_EVENTS || (idle && now_ms >= w->tidy_at_ms);
}

static void look_after(struct writer *w, bool idle)
{
    uint64_t now_ms = clock_boot_ms();
    if (!is_healthy(w) && now_ms >= w->probe_at_ms)
        probe(w, now_ms);
    else if (is_healthy(w) && now_ms >= w->place_at_ms)
        is_in_place(w);
    if (!w->db.handle || w->displaced)
        return;
    note(w);
    checkpoint(w);
    if (w->db.handle && tidy_is_due(w, now_ms, idle))
        tidy(w, now_ms);
}

static bool feed_can_go_on(struct writer *w)
{
    return atomic_load(&w->feed.active) && w->db.handle &&
           queue_answers(&w->queue) < FEED_ANSWERS_MAX;
}

static uint64_t wait_ms(struct writer *w)
{
    uint64_t now_ms = clock_boot_ms();
    uint64_t next_ms = w->probe_at_ms;
    if (is_healthy(w))
        next_ms = w->tidy_at_ms < w->place_at_ms ? w->tidy_at_ms : w->place_at_ms;
    if (backup_is_copying(&w->backup) || feed_can_go_on(w) || next_ms <= now_ms)
        return 0;
    bool looks = w->backup.carry && next_ms - now_ms > CARRY_LOOK_MS;
    return looks ? CARRY_LOOK_MS : next_ms - now_ms;
}

void *writer_run(void *writer)
{
    struct writer *w = writer;
    struct err ends;
    err_set(&ends, -ESHUTDOWN, "the server is stopping");
    /* Where both share a core, the end of a sync does not interrupt the loop: what it is about to
     * queue then shares the next sync. It is only a hint. */
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
    for (;;) {
        struct queue_work work = queue_wait(&w->queue, GROUP_MAX, wait_ms(w));
        bool idle = !work.commits.n && !work.behind.n;
        if (work.stop)
            break;
        if (work.commits.n)
            commit(w, &work.commits);
        if (work.behind.n)
            commit(w, &work.behind);
        if (work.read)
            serve(w, work.read);
        if (w->backup.request || w->backup.carry)
            step_backup(w);
        if (feed_can_go_on(w))
            feed_step(w);
        look_after(w, idle);
    }
    struct request *left = backup_leave(&w->backup, w->copy_path, &ends);
    if (left)
        answer(w, left);
    return NULL;
}
