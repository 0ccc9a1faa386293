/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/db.h"

#include <sqlite3.h>
#include <stdio.h>

/* A step takes a few milliseconds, which is the longest that a commit waits for one. */
#define TRIM_STEP_EVENTS (2 * JOURNAL_TIDY_EVENTS)
#define VACUUM_STEP_PAGES 64
#define VACUUM_STEP_SQL "PRAGMA incremental_vacuum(64)"
/* Free pages that are kept for new events. */
#define VACUUM_KEEP_PAGES 256

static sqlite3_stmt *prepare_page(struct db *db, const struct store_query *q)
{
    char sql[400];
    sqlite3_stmt *statement = NULL;
    /* "+kind" makes SQLite use the node's index: a node has fewer events than a kind. */
    snprintf(sql, sizeof(sql),
             "SELECT id, revision, at_ms, node, kind, bytes FROM event"
             " WHERE id > ?1 AND id < ?2%s%s ORDER BY id %s LIMIT ?3",
             q->node.n ? " AND node = ?4" : "",
             !q->kind.n  ? ""
             : q->node.n ? " AND +kind = ?5"
                         : " AND kind = ?5",
             q->newest_first ? "DESC" : "ASC");
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    bool all = q->before == 0 || q->before > INT64_MAX;
    sqlite3_bind_int64(statement, 1, q->after > INT64_MAX ? INT64_MAX : (int64_t)q->after);
    sqlite3_bind_int64(statement, 2, all ? INT64_MAX : (int64_t)q->before);
    sqlite3_bind_int64(statement, 3, (int64_t)q->limit + 1);
    if (q->node.n)
        sqlite3_bind_text(statement, 4, q->node.p, (int)q->node.n, SQLITE_STATIC);
    if (q->kind.n)
        sqlite3_bind_text(statement, 5, q->kind.p, (int)q->kind.n, SQLITE_STATIC);
    return statement;
}

static struct str column(struct arena *a, sqlite3_stmt *statement, int i)
{
    const char *p = sqlite3_column_blob(statement, i);
    return arena_str(a, (struct str){p ? p : "", (size_t)sqlite3_column_bytes(statement, i)});
}

static struct store_entry entry(struct arena *a, sqlite3_stmt *statement)
{
    return (struct store_entry){
        .id = (uint64_t)sqlite3_column_int64(statement, 0),
        .revision = (uint64_t)sqlite3_column_int64(statement, 1),
        .event = {.at_ms = sqlite3_column_int64(statement, 2),
                  .node = column(a, statement, 3),
                  .kind = column(a, statement, 4),
                  .bytes = column(a, statement, 5)},
    };
}

static int read_page(struct db *db, struct request *r)
{
    const struct store_query *q = &r->query;
    struct store_page *page = &r->notice.page;
    sqlite3_stmt *statement = prepare_page(db, q);
    if (!statement)
        return sqlite3_errcode(db->handle);
    struct store_entry *entries = ARENA_ARRAY(&r->arena, struct store_entry, q->limit);
    page->entries = entries;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        if (page->n == q->limit) {
            page->more = true;
            break;
        }
        entries[page->n++] = entry(&r->arena, statement);
    }
    return sqlite3_finalize(statement);
}

enum store_result journal_read(struct db *db, struct request *r, struct err *ret_why)
{
    struct store_page *page = &r->notice.page;
    int code = read_page(db, r);
    if (code == SQLITE_OK)
        code = db_number(db, "SELECT min(id) FROM event", &page->oldest);
    if (code == SQLITE_OK && page->oldest)
        page->newest = db->event;
    enum store_result result = db_result(db, code, ret_why);
    if (result != STORE_OK)
        request_fail(r, result, ret_why);
    return result;
}

/* The last id that this step removes; 0: none. */
static int find_cut(struct db *db, const struct store_retention *keep, int64_t now_ms,
                    uint64_t *ret_cut)
{
    sqlite3_stmt *statement = db->statements[DB_OLDEST];
    uint64_t by_count =
        keep->max_events && db->event > keep->max_events ? db->event - keep->max_events : 0;
    uint64_t by_age =
        keep->max_age_ms && db->event > keep->min_events ? db->event - keep->min_events : 0;
    uint64_t cut = 0;
    sqlite3_bind_int64(statement, 1, TRIM_STEP_EVENTS);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(statement, 0);
        bool is_old = sqlite3_column_int64(statement, 1) < now_ms - keep->max_age_ms;
        if (id > by_count && !(is_old && id <= by_age))
            break;
        cut = id;
    }
    *ret_cut = cut;
    return sqlite3_reset(statement);
}

static int drop_until(struct db *db, uint64_t cut)
{
    sqlite3_stmt *statement = NULL;
    int code =
        sqlite3_prepare_v2(db->handle, "DELETE FROM event WHERE id <= ?1", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(statement, 1, (int64_t)cut);
    sqlite3_step(statement);
    return sqlite3_finalize(statement);
}

static int vacuum(struct db *db, bool *ret_more)
{
    uint64_t pages = 0;
    int code = db_number(db, "PRAGMA freelist_count", &pages);
    if (code != SQLITE_OK || pages < VACUUM_KEEP_PAGES + VACUUM_STEP_PAGES)
        return code;
    *ret_more = true;
    return db_exec(db, VACUUM_STEP_SQL);
}

enum store_result journal_tidy(struct db *db, const struct store_retention *keep, int64_t now_ms,
                               bool *ret_more, struct err *ret_why)
{
    uint64_t cut;
    *ret_more = false;
    int code = find_cut(db, keep, now_ms, &cut);
    if (code == SQLITE_OK && cut) {
        *ret_more = true; /* the next step may have only pages to return */
        code = drop_until(db, cut);
    } else if (code == SQLITE_OK) {
        code = vacuum(db, ret_more);
    }
    place_remember_wal(&db->files, db->path);
    return db_result(db, code, ret_why);
}

void journal_size(struct db *db, uint64_t *ret_file_bytes, uint64_t *ret_free_bytes)
{
    uint64_t size = 0, pages = 0, unused = 0;
    if (db_number(db, "PRAGMA page_size", &size) == SQLITE_OK &&
        db_number(db, "PRAGMA page_count", &pages) == SQLITE_OK &&
        db_number(db, "PRAGMA freelist_count", &unused) == SQLITE_OK) {
        *ret_file_bytes = size * pages;
        *ret_free_bytes = size * unused;
    }
}
