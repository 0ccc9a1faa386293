/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/db.h"

#include <assert.h>
#include <sqlite3.h>

#define CONFLICT (-1) /* not one of SQLite's codes */

static void bind_str(sqlite3_stmt *statement, int at, struct str s)
{
    sqlite3_bind_text(statement, at, s.p, (int)s.n, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *statement, int at, uint64_t n)
{
    sqlite3_bind_int64(statement, at, (sqlite3_int64)n);
}

static void bind_bytes(sqlite3_stmt *statement, int at, struct str bytes)
{
    sqlite3_bind_blob(statement, at, bytes.p, (int)bytes.n, SQLITE_STATIC);
}

/* The record's row and revision; both 0 if there is no record. */
static int find(struct db *db, const struct store_write *w, uint64_t *ret_id, uint64_t *ret_found)
{
    sqlite3_stmt *statement = db->statements[DB_FIND];
    bind_str(statement, 1, w->kind);
    bind_str(statement, 2, w->key);
    *ret_id = *ret_found = 0;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *ret_id = (uint64_t)sqlite3_column_int64(statement, 0);
        *ret_found = (uint64_t)sqlite3_column_int64(statement, 1);
    }
    return sqlite3_reset(statement);
}

static int put(struct db *db, const struct store_write *w, uint64_t id, uint64_t revision)
{
    if (id) {
        sqlite3_stmt *update = db->statements[DB_UPDATE];
        bind_number(update, 1, id);
        bind_number(update, 2, revision);
        bind_bytes(update, 3, w->bytes);
        return db_run(db, DB_UPDATE);
    }
    sqlite3_stmt *insert = db->statements[DB_INSERT];
    bind_str(insert, 1, w->kind);
    bind_str(insert, 2, w->key);
    bind_number(insert, 3, revision);
    bind_bytes(insert, 4, w->bytes);
    return db_run(db, DB_INSERT);
}

static int write_one(struct db *db, const struct store_write *w, uint64_t revision,
                     uint64_t *ret_found)
{
    uint64_t id;
    int code = find(db, w, &id, ret_found);
    if (code != SQLITE_OK)
        return code;
    if (w->expected != STORE_ANY && w->expected != *ret_found)
        return CONFLICT;
    if (w->op == STORE_PUT)
        return put(db, w, id, revision);
    if (w->op == STORE_CHECK || !id)
        return SQLITE_OK;
    bind_number(db->statements[DB_DELETE], 1, id);
    return db_run(db, DB_DELETE);
}

static int append(struct db *db, const struct store_event *ev, uint64_t id, uint64_t revision)
{
    enum db_statement which = store_class_of(ev->kind) == STORE_REPORT ? DB_REPORT : DB_EVENT;
    sqlite3_stmt *statement = db->statements[which];
    bind_number(statement, 1, id);
    bind_number(statement, 2, revision);
    sqlite3_bind_int64(statement, 3, ev->at_ms);
    bind_str(statement, 4, ev->node);
    bind_str(statement, 5, ev->kind);
    bind_bytes(statement, 6, ev->bytes);
    return db_run(db, which);
}

static int run_all(struct db *db, struct request *r, uint64_t revision)
{
    const struct store_txn *t = &r->txn;
    for (size_t i = 0; i < t->n_writes; i++) {
        uint64_t found;
        int code = write_one(db, &t->writes[i], revision, &found);
        if (code == CONFLICT)
            request_conflict(r, i, found);
        if (code != SQLITE_OK)
            return code;
    }
    for (size_t i = 0; i < t->n_events; i++) {
        int code = append(db, &t->events[i], db->event + 1 + i, revision);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static int run_one(struct db *db, struct request *r)
{
    int code = db_run(db, DB_SAVEPOINT);
    if (code != SQLITE_OK)
        return code;
    code = run_all(db, r, db->revision + 1);
    if (code == CONFLICT) {
        code = db_run(db, DB_ROLLBACK_TO);
    } else if (code == SQLITE_OK) {
        r->notice.result = STORE_OK;
        r->notice.revision = ++db->revision;
        r->notice.first_event = r->txn.n_events ? db->event + 1 : 0;
        db->event += r->txn.n_events;
    }
    return code == SQLITE_OK ? db_run(db, DB_RELEASE) : code;
}

/* SQLite rolls back by itself after some errors. */
static void roll_back(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        db_exec(db, "ROLLBACK");
}

static int run_group(struct db *db, const struct request_list *list, bool *ret_in_doubt)
{
    uint64_t before = db->revision;
    int code = db_run(db, DB_BEGIN);
    for (struct request *r = list->first; r && code == SQLITE_OK; r = r->next)
        code = run_one(db, r);
    if (code == SQLITE_OK && db->revision != before) {
        bind_number(db->statements[DB_COUNT], 1, db->revision);
        bind_number(db->statements[DB_COUNT], 2, db->event);
        code = db_run(db, DB_COUNT);
    }
    if (code != SQLITE_OK)
        return code;
    code = db_run(db, DB_COMMIT);
    *ret_in_doubt = code != SQLITE_OK;
    return code;
}

enum store_result commit_group(struct db *db, const struct request_list *list, struct err *ret_why)
{
    uint64_t revision = db->revision, event = db->event;
    bool in_doubt = false;
    assert(db->handle && sqlite3_get_autocommit(db->handle));
    int code = run_group(db, list, &in_doubt);
    place_remember_wal(&db->files, db->path);
    if (code == SQLITE_OK)
        return STORE_OK;
    enum store_result result = db_result(db, code, ret_why);
    /* A commit that met a full disk or a lock was not completed. Any other error may have come
     * later: after a failed sync it is unknown what the disk has. */
    if (in_doubt && result == STORE_UNAVAILABLE && (code & 0xff) != SQLITE_BUSY)
        result = STORE_UNKNOWN;
    roll_back(db);
    db->revision = revision;
    db->event = event;
    /* Conflicts, too: they may have been with writes that were rolled back. */
    for (struct request *r = list->first; r; r = r->next)
        request_fail(r, result, ret_why);
    return result;
}

enum store_result commit_probe(struct db *db, struct err *ret_why)
{
    int code = db_exec(db, "UPDATE counter SET revision = revision WHERE id = 1");
    place_remember_wal(&db->files, db->path);
    return db_result(db, code, ret_why);
}
