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

/* Of a record that an earlier write of the transaction may make or delete. */
#define ID_UNKNOWN UINT64_MAX

/* Compares each write with the record that it will meet, and finds the rows of these. All of it
 * comes before the first write: a transaction that conflicts has changed nothing. */
static int check(struct db *db, struct request *r, uint64_t revision, uint64_t *ret_ids)
{
    const struct store_txn *t = &r->txn;
    for (size_t i = 0; i < t->n_writes; i++) {
        const struct store_write *w = &t->writes[i];
        uint64_t found;
        int code = find(db, w, &ret_ids[i], &found);
        if (code != SQLITE_OK)
            return code;
        if (request_written_before(t, i, revision, &found))
            ret_ids[i] = ID_UNKNOWN;
        if (w->expected != STORE_ANY && w->expected != found) {
            request_conflict(r, i, found);
            return CONFLICT;
        }
    }
    return SQLITE_OK;
}

static int write_one(struct db *db, const struct store_write *w, uint64_t id, uint64_t revision)
{
    uint64_t found;
    int code = id == ID_UNKNOWN ? find(db, w, &id, &found) : SQLITE_OK;
    if (code != SQLITE_OK)
        return code;
    if (w->op == STORE_PUT)
        return put(db, w, id, revision);
    if (w->op == STORE_CHECK || !id)
        return SQLITE_OK;
    bind_number(db->statements[DB_DELETE], 1, id);
    return db_run(db, DB_DELETE);
}

static int append(struct db *db, const struct store_event *ev, uint64_t id, uint64_t revision)
{
    enum store_class class = store_class_of(ev->kind);
    enum db_statement which = (enum db_statement)(DB_APPEND + class);
    sqlite3_stmt *statement = db->statements[which];
    bind_number(statement, 1, id);
    bind_number(statement, 2, revision);
    sqlite3_bind_int64(statement, 3, ev->at_ms);
    bind_str(statement, 4, ev->node);
    bind_str(statement, 5, ev->kind);
    bind_bytes(statement, 6, ev->bytes);
    if (store_journal_of(class) == STORE_AUDIT)
        bind_str(statement, 7, ev->who);
    return db_run(db, which);
}

/* Where the ids of its entries are counted. */
static uint64_t *last_of(struct db *db, const struct store_txn *t)
{
    enum store_journal j = STORE_EVENTS;
    if (t->n_events)
        j = store_journal_of(store_class_of(t->events[0].kind));
    return &db->last[j];
}

static int write_all(struct db *db, const struct store_txn *t, const uint64_t *ids,
                     uint64_t revision, uint64_t last)
{
    for (size_t i = 0; i < t->n_writes; i++) {
        int code = write_one(db, &t->writes[i], ids[i], revision);
        if (code != SQLITE_OK)
            return code;
    }
    for (size_t i = 0; i < t->n_events; i++) {
        int code = append(db, &t->events[i], last + 1 + i, revision);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

#define FEW_WRITES 8

static int run_one(struct db *db, struct request *r)
{
    const struct store_txn *t = &r->txn;
    uint64_t revision = db->revision + 1, few[FEW_WRITES];
    uint64_t *ids = t->n_writes > FEW_WRITES ? ARENA_ARRAY(&r->arena, uint64_t, t->n_writes) : few;
    uint64_t *last = last_of(db, t);
    int code = check(db, r, revision, ids);
    if (code == CONFLICT)
        return SQLITE_OK;
    if (code == SQLITE_OK)
        code = write_all(db, t, ids, revision, *last);
    if (code != SQLITE_OK)
        return code;
    r->notice.result = STORE_OK;
    r->notice.revision = db->revision = revision;
    r->notice.first_event = t->n_events ? *last + 1 : 0;
    *last += t->n_events;
    return SQLITE_OK;
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
        bind_number(db->statements[DB_COUNT], 2, db->last[STORE_EVENTS]);
        bind_number(db->statements[DB_COUNT], 3, db->last[STORE_AUDIT]);
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
    uint64_t revision = db->revision, last[STORE_JOURNALS];
    memcpy(last, db->last, sizeof(last));
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
    memcpy(db->last, last, sizeof(last));
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
