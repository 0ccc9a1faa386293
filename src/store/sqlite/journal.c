/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/db.h"

#include "base/buf.h"

#include <sqlite3.h>
#include <stdio.h>

/* A step takes a few milliseconds, which is the longest that a commit waits for one. */
#define TRIM_STEP_EVENTS (2 * JOURNAL_TIDY_EVENTS)
#define VACUUM_STEP_PAGES 64
#define VACUUM_STEP_SQL "PRAGMA incremental_vacuum(64)"
/* Free pages that are kept for new events. */
#define VACUUM_KEEP_PAGES 256

static const char *const tables[STORE_CLASSES] = {
    [STORE_CHANGE] = "event",          [STORE_REPORT] = "report",
    [STORE_BY_ADMIN] = "audit_admin",  [STORE_BY_NODE] = "audit_node",
    [STORE_REFUSED] = "audit_refused",
};

/* --- Pages ----------------------------------------------------------------------------------- */

/* The part of a page that comes from one table. "+kind" makes SQLite use the node's index: a node
 * has fewer events than a kind. Only changes are of several kinds, and have an index of them. */
static void add_select(struct buf *sql, const struct store_query *q, enum store_class class)
{
    buf_printf(sql,
               "%sSELECT id, revision, at_ms, node, kind, bytes, %s FROM %s"
               " WHERE id > ?1 AND id < ?2%s%s%s",
               sql->n ? " UNION ALL " : "", q->journal == STORE_AUDIT ? "who" : "''", tables[class],
               q->node.n ? " AND node = ?4" : "",
               !q->kind.n  ? ""
               : q->node.n ? " AND +kind = ?5"
                           : " AND kind = ?5",
               q->who.n ? " AND (who = ?6 OR substr(who, 1, length(?6) + 1) = ?6 || ' ')" : "");
}

static bool is_asked(const struct store_query *q, enum store_class c)
{
    return store_journal_of(c) == q->journal && (!q->kind.n || c == store_class_of(q->kind));
}

static sqlite3_stmt *prepare_page(struct db *db, const struct store_query *q)
{
    sqlite3_stmt *statement = NULL;
    struct buf sql;
    buf_init(&sql, 1024);
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        if (is_asked(q, c))
            add_select(&sql, q, c);
    }
    buf_printf(&sql, " ORDER BY id %s LIMIT ?3", q->newest_first ? "DESC" : "ASC");
    int code = sqlite3_prepare_v2(db->handle, sql.p, (int)sql.n, &statement, NULL);
    buf_done(&sql);
    if (code != SQLITE_OK)
        return NULL;
    bool all = q->before == 0 || q->before > INT64_MAX;
    sqlite3_bind_int64(statement, 1, q->after > INT64_MAX ? INT64_MAX : (int64_t)q->after);
    sqlite3_bind_int64(statement, 2, all ? INT64_MAX : (int64_t)q->before);
    sqlite3_bind_int64(statement, 3, (int64_t)q->limit + 1);
    if (q->node.n)
        sqlite3_bind_text(statement, 4, q->node.p, (int)q->node.n, SQLITE_STATIC);
    if (q->kind.n)
        sqlite3_bind_text(statement, 5, q->kind.p, (int)q->kind.n, SQLITE_STATIC);
    if (q->who.n)
        sqlite3_bind_text(statement, 6, q->who.p, (int)q->who.n, SQLITE_STATIC);
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
                  .bytes = column(a, statement, 5),
                  .who = column(a, statement, 6)},
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

/* 0: the journal is empty. */
static int find_oldest(struct db *db, enum store_journal journal, uint64_t *ret)
{
    struct buf sql;
    buf_init(&sql, 1024);
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        if (store_journal_of(c) == journal)
            buf_printf(&sql, "%sSELECT min(id) AS id FROM %s",
                       sql.n ? " UNION ALL " : "SELECT min(id) FROM (", tables[c]);
    }
    buf_str(&sql, STR(")"));
    int code = db_number(db, sql.p, ret);
    buf_done(&sql);
    return code;
}

enum store_result journal_read(struct db *db, struct request *r, struct err *ret_why)
{
    const struct store_query *q = &r->query;
    struct store_page *page = &r->notice.page;
    int code = read_page(db, r);
    if (code == SQLITE_OK)
        code = find_oldest(db, q->journal, &page->oldest);
    if (code == SQLITE_OK && page->oldest)
        page->newest = db->last[q->journal];
    if (code == SQLITE_OK)
        page->removed = tally_removed(&db->tally, q);
    enum store_result result = db_result(db, code, ret_why);
    if (result != STORE_OK)
        request_fail(r, result, ret_why);
    return result;
}

/* --- Counting -------------------------------------------------------------------------------- */

/* A statement over the class's table, whose name takes the place of %s. */
static int prepare(struct db *db, enum store_class class, const char *text, sqlite3_stmt **ret)
{
    char *sql = sqlite3_mprintf(text, tables[class]);
    int code = sql ? sqlite3_prepare_v2(db->handle, sql, -1, ret, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code;
}

static uint32_t node_at(struct db *db, sqlite3_stmt *statement, int i)
{
    const char *p = sqlite3_column_blob(statement, i);
    return tally_node(&db->tally,
                      (struct str){p ? p : "", (size_t)sqlite3_column_bytes(statement, i)});
}

/* Those after db->tallied; at first a whole table is counted by its index of nodes. */
static int count_class(struct db *db, enum store_class class)
{
    sqlite3_stmt *statement = NULL;
    uint64_t after = db->tallied[store_journal_of(class)];
    int code = prepare(db, class,
                       after ? "SELECT node, 1 FROM %s WHERE id > ?1 ORDER BY id"
                             : "SELECT node, count(*) FROM %s GROUP BY node",
                       &statement);
    if (code != SQLITE_OK)
        return code;
    if (after)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    while (sqlite3_step(statement) == SQLITE_ROW)
        tally_add(&db->tally, node_at(db, statement, 0), class,
                  (uint64_t)sqlite3_column_int64(statement, 1));
    return sqlite3_finalize(statement);
}

static int count(struct db *db)
{
    int code = SQLITE_OK;
    for (enum store_class c = 0; c < STORE_CLASSES && code == SQLITE_OK; c++)
        code = count_class(db, c);
    if (code == SQLITE_OK)
        memcpy(db->tallied, db->last, sizeof(db->tallied));
    return code;
}

static int read_removed(struct db *db)
{
    sqlite3_stmt *statement = NULL;
    int code =
        sqlite3_prepare_v2(db->handle, "SELECT node, class, id FROM removed", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        int64_t class = sqlite3_column_int64(statement, 1);
        if (class >= 0 && class < STORE_CLASSES)
            tally_remove(&db->tally, node_at(db, statement, 0), (enum store_class) class, 0,
                         (uint64_t)sqlite3_column_int64(statement, 2));
    }
    return sqlite3_finalize(statement);
}

int journal_count(struct db *db)
{
    memset(db->tallied, 0, sizeof(db->tallied));
    int code = count(db);
    return code == SQLITE_OK ? read_removed(db) : code;
}

/* --- Removing -------------------------------------------------------------------------------- */

/* What one step removes. */
struct victims {
    struct victim {
        uint64_t id;
        uint32_t node;
        enum store_class class;
    } list[TRIM_STEP_EVENTS];
    size_t n;
};

static void choose(struct victims *v, uint64_t id, uint32_t node, enum store_class class)
{
    v->list[v->n++] = (struct victim){id, node, class};
}

static int choose_of_node(struct db *db, enum store_class class, uint32_t node, uint64_t n,
                          struct victims *v)
{
    sqlite3_stmt *statement = NULL;
    const char *name = db->tally.nodes[node].name;
    uint64_t room = TRIM_STEP_EVENTS - v->n;
    int code =
        prepare(db, class, "SELECT id FROM %s WHERE node = ?1 ORDER BY id LIMIT ?2", &statement);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)(n < room ? n : room));
    while (sqlite3_step(statement) == SQLITE_ROW)
        choose(v, (uint64_t)sqlite3_column_int64(statement, 0), node, class);
    return sqlite3_finalize(statement);
}

static int choose_of_nodes(struct db *db, enum store_class class, uint64_t bound, struct victims *v)
{
    int code = SQLITE_OK;
    uint32_t i = bound ? tally_find_over(&db->tally, class, bound, 0) : MAP_NONE;
    while (i != MAP_NONE && v->n < TRIM_STEP_EVENTS && code == SQLITE_OK) {
        code = choose_of_node(db, class, i, db->tally.nodes[i].kept[class] - bound, v);
        i = tally_find_over(&db->tally, class, bound, i + 1);
    }
    return code;
}

static int choose_oldest(struct db *db, enum store_class class, const struct store_retention *keep,
                         int64_t now_ms, struct victims *v)
{
    sqlite3_stmt *statement = NULL;
    uint64_t left = db->tally.kept[class], max = keep->max_events[class];
    int64_t age_ms = keep->max_age_ms[store_journal_of(class)];
    int code =
        prepare(db, class, "SELECT id, at_ms, node FROM %s ORDER BY id LIMIT ?1", &statement);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)(TRIM_STEP_EVENTS - v->n));
    for (; sqlite3_step(statement) == SQLITE_ROW; left--) {
        bool is_old = age_ms && sqlite3_column_int64(statement, 1) < now_ms - age_ms;
        if (!(max && left > max) && !(is_old && left > keep->min_events))
            break;
        choose(v, (uint64_t)sqlite3_column_int64(statement, 0), node_at(db, statement, 2), class);
    }
    return sqlite3_finalize(statement);
}

/* What is beyond a node's bound goes first: the oldest of all may be another's. */
static int choose_victims(struct db *db, const struct store_retention *keep, int64_t now_ms,
                          struct victims *v)
{
    int code = SQLITE_OK;
    for (enum store_class c = 0; c < STORE_CLASSES && code == SQLITE_OK; c++)
        code = choose_of_nodes(db, c, keep->max_of_node[store_journal_of(c)], v);
    for (enum store_class c = 0; c < STORE_CLASSES && code == SQLITE_OK && !v->n; c++)
        code = choose_oldest(db, c, keep, now_ms, v);
    return code;
}

static int delete_victims(struct db *db, enum store_class class, const struct victims *v)
{
    sqlite3_stmt *statement = NULL;
    int code = prepare(db, class, "DELETE FROM %s WHERE id = ?1", &statement);
    for (size_t i = 0; i < v->n && code == SQLITE_OK; i++) {
        if (v->list[i].class != class)
            continue;
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)v->list[i].id);
        sqlite3_step(statement);
        code = sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return code;
}

/* Only the last id of a node's successive ones is written. */
static int note_removed(struct db *db, const struct victims *v)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle,
                                  "INSERT INTO removed (node, class, id) VALUES (?1, ?2, ?3)"
                                  " ON CONFLICT (node, class) DO UPDATE SET id = ?3",
                                  -1, &statement, NULL);
    for (size_t i = 0; i < v->n && code == SQLITE_OK; i++) {
        const struct victim *x = &v->list[i];
        if (i + 1 < v->n && x[1].node == x->node && x[1].class == x->class)
            continue;
        sqlite3_bind_text(statement, 1, db->tally.nodes[x->node].name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, x->class);
        sqlite3_bind_int64(statement, 3, (sqlite3_int64)x->id);
        sqlite3_step(statement);
        code = sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return code;
}

static int remove_victims(struct db *db, const struct victims *v)
{
    int code = db_run(db, DB_BEGIN);
    for (enum store_class c = 0; c < STORE_CLASSES && code == SQLITE_OK; c++)
        code = delete_victims(db, c, v);
    if (code == SQLITE_OK)
        code = note_removed(db, v);
    if (code == SQLITE_OK)
        code = db_run(db, DB_COMMIT);
    if (code != SQLITE_OK && !sqlite3_get_autocommit(db->handle))
        db_exec(db, "ROLLBACK");
    for (size_t i = 0; i < v->n && code == SQLITE_OK; i++)
        tally_remove(&db->tally, v->list[i].node, v->list[i].class, 1, v->list[i].id);
    return code;
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
    struct victims v;
    v.n = 0;
    *ret_more = false;
    int code = count(db);
    if (code == SQLITE_OK)
        code = choose_victims(db, keep, now_ms, &v);
    if (code == SQLITE_OK && v.n) {
        *ret_more = true; /* the next step may have only pages to return */
        code = remove_victims(db, &v);
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
