/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/db.h"

#include "store/sqlite/gather.h"
#include "store/statefile.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

/* How long the process before us may take to end. */
#define BUSY_MS 1000
#define WAL_PAGES_MAX 1000 /* 4 MiB */

#define APPEND_EVENT(table) \
    "INSERT INTO " table " (id, revision, at_ms, node, kind, bytes) VALUES (?,?,?,?,?,?)"
#define APPEND_AUDIT(table) \
    "INSERT INTO " table " (id, revision, at_ms, node, kind, bytes, who) VALUES (?,?,?,?,?,?,?)"

static const char *const texts[DB_STATEMENTS] = {
    [DB_BEGIN] = "BEGIN IMMEDIATE",
    [DB_COMMIT] = "COMMIT",
    [DB_FIND] = "SELECT id, revision FROM record WHERE kind = ?1 AND key = ?2",
    [DB_INSERT] = "INSERT INTO record (kind, key, revision, bytes) VALUES (?1, ?2, ?3, ?4)",
    [DB_UPDATE] = "UPDATE record SET revision = ?2, bytes = ?3 WHERE id = ?1",
    [DB_DELETE] = "DELETE FROM record WHERE id = ?1",
    [DB_COUNT] = "UPDATE counter SET revision = ?1, event = ?2, audit = ?3 WHERE id = 1",
    [DB_APPEND + STORE_CHANGE] = APPEND_EVENT("event"),
    [DB_APPEND + STORE_REPORT] = APPEND_EVENT("report"),
    [DB_APPEND + STORE_BY_ADMIN] = APPEND_AUDIT("audit_admin"),
    [DB_APPEND + STORE_BY_NODE] = APPEND_AUDIT("audit_node"),
    [DB_APPEND + STORE_REFUSED] = APPEND_AUDIT("audit_refused"),
};

/* --- Layout ---------------------------------------------------------------------------------- */

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define APPLICATION_ID TEXT(STATEFILE_APPLICATION_ID)

#define AUDIT_TABLE(name)                                                                 \
    "CREATE TABLE " name " (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL,"           \
    " at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL," \
    " bytes BLOB NOT NULL) STRICT;"                                                       \
    "CREATE INDEX " name "_of_node ON " name " (node, id);"

/* The index that finds a record does not contain its bytes, so that rewriting one touches one page
 * of the table. An event's id is its rowid; `counter` makes AUTOINCREMENT unnecessary. */
const char *const db_steps[] = {
    "PRAGMA application_id = " APPLICATION_ID ";"
    "CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1),"
    " revision INTEGER NOT NULL, event INTEGER NOT NULL) STRICT;"
    "INSERT INTO counter VALUES (1, 0, 0);"
    "CREATE TABLE record (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL,"
    " revision INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (kind, key)) STRICT;"
    "CREATE TABLE event (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL,"
    " bytes BLOB NOT NULL) STRICT;"
    "CREATE INDEX event_of_node ON event (node, id);"
    "CREATE INDEX event_of_kind ON event (kind, id);",
    /* Reports have a table of their own: the old one, since most events are reports. `removed` has
     * the highest id that retention removed of each node and class; of no node: of any. */
    "CREATE TABLE removed (node TEXT NOT NULL, class INTEGER NOT NULL, id INTEGER NOT NULL,"
    " PRIMARY KEY (node, class)) STRICT, WITHOUT ROWID;"
    "INSERT INTO removed SELECT '', c.class, f.id"
    " FROM (SELECT 0 AS class UNION ALL SELECT 1) AS c,"
    " (SELECT coalesce((SELECT min(id) - 1 FROM event), event) AS id FROM counter) AS f"
    " WHERE f.id > 0;"
    "DROP INDEX event_of_node;"
    "DROP INDEX event_of_kind;"
    "ALTER TABLE event RENAME TO report;"
    "CREATE TABLE event (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL,"
    " bytes BLOB NOT NULL) STRICT;"
    "INSERT INTO event SELECT * FROM report WHERE kind <> '" STORE_REPORT_KIND "' ORDER BY id;"
    "DELETE FROM report WHERE kind <> '" STORE_REPORT_KIND "';"
    "CREATE INDEX event_of_node ON event (node, id);"
    "CREATE INDEX event_of_kind ON event (kind, id);"
    "CREATE INDEX report_of_node ON report (node, id);",
    /* The audit, with ids of its own. Only the node has an index: each costs a fetch. */
    "ALTER TABLE counter ADD COLUMN audit INTEGER NOT NULL DEFAULT 0;" AUDIT_TABLE("audit_admin")
        AUDIT_TABLE("audit_node") AUDIT_TABLE("audit_refused"),
};
const int db_version = sizeof(db_steps) / sizeof(db_steps[0]);

static int version_of(sqlite3 *handle, int *ret)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static int run_step(sqlite3 *handle, const char *step, int version)
{
    char set[64];
    snprintf(set, sizeof(set), "PRAGMA user_version = %d", version);
    int code = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, step, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, set, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
    return code;
}

int db_migrate(sqlite3 *handle, const char *const *steps, int n, struct err *e)
{
    int version = 0;
    if (version_of(handle, &version) != SQLITE_OK)
        return err_set(e, -EIO, "%s", sqlite3_errmsg(handle));
    if (version > n)
        return err_set(e, -EPROTO,
                       "was written by a newer cloudseed (version %d of the state, this one knows "
                       "%d): install that one, or restore a backup of this one",
                       version, n);
    for (; version < n; version++) {
        if (run_step(handle, steps[version], version + 1) == SQLITE_OK)
            continue;
        err_set(e, -EIO, "could not be brought to version %d: %s", version + 1,
                sqlite3_errmsg(handle));
        if (!sqlite3_get_autocommit(handle))
            sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
        return -EIO;
    }
    return 0;
}

/* --- Statements and codes --------------------------------------------------------------------- */

int db_exec(struct db *db, const char *sql)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

int db_run(struct db *db, enum db_statement which)
{
    sqlite3_stmt *statement = db->statements[which];
    sqlite3_step(statement);
    return sqlite3_reset(statement); /* the step's code; SQLITE_OK for SQLITE_DONE */
}

int db_number(struct db *db, const char *sql, uint64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        *ret = (uint64_t)sqlite3_column_int64(statement, 0);
    int end = sqlite3_finalize(statement);
    return code != SQLITE_OK ? code : end;
}

static int damaged(const struct db *db, const char *how, struct err *e)
{
    return err_set(e, -EIO, "%s: the state is damaged%s%s%s", db->path, how ? ": " : "",
                   how ? how : "", db->is_offline ? "" : "; restore a backup");
}

enum store_result db_result(struct db *db, int code, struct err *ret_why)
{
    int system = db->handle ? sqlite3_system_errno(db->handle) : 0;
    int kind = code & 0xff;
    if (code == SQLITE_OK)
        return STORE_OK;
    if (kind == SQLITE_FULL || (kind == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT))) {
        err_set(ret_why, -ENOSPC, "%s: no space left for the state", db->path);
        return STORE_FULL;
    }
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        err_set(ret_why, -EBUSY, "%s: another process uses the state", db->path);
    else if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
        damaged(db, NULL, ret_why);
    else if (kind == SQLITE_IOERR && system)
        err_errno(ret_why, -system, "%s: the state could not be written", db->path);
    else
        err_set(ret_why, -EIO, "%s: %s", db->path, sqlite3_errstr(code));
    return STORE_UNAVAILABLE;
}

int db_fail(struct db *db, int code, struct err *e)
{
    struct err why;
    db_result(db, code, &why);
    if (e)
        *e = why;
    return why.code;
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* Page size and auto_vacuum must be set before the first table is made, the rest on each
 * connection. The exclusive lock keeps a second server out, and makes the WAL's shared memory
 * unnecessary. */
static int set_up(struct db *db, bool empty)
{
    int code = SQLITE_OK;
    if (empty)
        code = db_exec(db, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL");
    if (code == SQLITE_OK)
        code = db_exec(db, "PRAGMA locking_mode = EXCLUSIVE;"
                           "PRAGMA temp_store = MEMORY;"
                           "PRAGMA trusted_schema = OFF;"
                           "PRAGMA cell_size_check = ON;"
                           "PRAGMA journal_size_limit = " TEXT(PLACE_WAL_LIMIT_BYTES));
    if (code == SQLITE_OK)
        code = db_exec(db, db->unsafe ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL");
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return code;
}

static int on_wal(void *cls, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = cls;
    (void)handle;
    (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

int db_checkpoint(struct db *db)
{
    if (db->wal_pages < WAL_PAGES_MAX)
        return SQLITE_OK;
    db->wal_pages = 0; /* if it fails for lack of room, it is tried again after as many more */
    int code = sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    place_remember_file(&db->files, db->path);
    place_remember_wal(&db->files, db->path);
    return code;
}

static int switch_to_wal(struct db *db)
{
    sqlite3_stmt *statement = NULL;
    bool is_wal = false;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        is_wal = str_is(str_from((const char *)sqlite3_column_text(statement, 0)), "wal");
    int end = sqlite3_finalize(statement);
    if (code == SQLITE_OK)
        code = end;
    return code == SQLITE_OK && !is_wal ? SQLITE_CANTOPEN : code;
}

static int check(struct db *db, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int r = 0;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW) {
        r = damaged(db, sqlite3_errmsg(db->handle), e);
    } else {
        const char *said = (const char *)sqlite3_column_text(statement, 0);
        if (!str_is(str_from(said), "ok"))
            r = damaged(db, said, e);
    }
    sqlite3_finalize(statement);
    return r;
}

static int prepare(struct db *db)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(db->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &db->statements[i], NULL);
        if (code != SQLITE_OK)
            return code;
    }
    int code = db_number(db, "SELECT revision FROM counter", &db->revision);
    if (code == SQLITE_OK)
        code = db_number(db, "SELECT event FROM counter", &db->last[STORE_EVENTS]);
    if (code == SQLITE_OK)
        code = db_number(db, "SELECT audit FROM counter", &db->last[STORE_AUDIT]);
    return code == SQLITE_OK ? journal_count(db) : code;
}

static int open_handle(struct db *db, bool empty, struct err *e)
{
    /* Without a sync nothing would make what is gathered leave the process. */
    const char *vfs = db->unsafe ? NULL : gather_vfs();
    int code =
        sqlite3_open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, vfs);
    if (code != SQLITE_OK)
        return db_fail(db, code, e);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    code = set_up(db, empty);
    if (code == SQLITE_OK) /* takes the lock, and recovers after a crash */
        code = db_exec(db, "SELECT count(*) FROM sqlite_schema");
    return code == SQLITE_OK ? 0 : db_fail(db, code, e);
}

static int migrate(struct db *db, struct err *e)
{
    int r = db_migrate(db->handle, db_steps, db_version, e);
    return r < 0 ? err_prefix(e, "%s", db->path) : 0;
}

/* A log or journal of a file that was removed: SQLite would write its pages into the new one. It is
 * kept under another name, since it may be all that is left. */
static int set_aside(const char *path, const char *suffix, struct err *e)
{
    char from[PATH_MAX], to[PATH_MAX];
    if ((size_t)snprintf(from, sizeof(from), "%s%s", path, suffix) >= sizeof(from) ||
        (size_t)snprintf(to, sizeof(to), "%s.orphan", from) >= sizeof(to))
        return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
    return rename(from, to) < 0 && errno != ENOENT ? err_errno(e, -errno, "%s", from) : 0;
}

/* Makes the file under another name and renames it when it is complete, so that an interrupted
 * start leaves nothing that the next one would misread. */
static int create(const char *path, struct err *e)
{
    char fresh[PATH_MAX], journal[PATH_MAX];
    struct db db = {.path = fresh};
    if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh) ||
        (size_t)snprintf(journal, sizeof(journal), "%s-journal", fresh) >= sizeof(journal))
        return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
    unlink(journal);
    unlink(fresh);
    int r = set_aside(path, "-wal", e);
    if (r == 0)
        r = set_aside(path, "-journal", e);
    if (r == 0)
        r = statefile_create(fresh, e);
    if (r == 0)
        r = open_handle(&db, true, e);
    if (r == 0)
        r = migrate(&db, e);
    db_close(&db, r < 0);
    return r == 0 ? statefile_rename(fresh, path, e) : r;
}

static int open_whole(struct db *db, bool unclean, struct err *e)
{
    int r = open_handle(db, false, e);
    if (r == 0 && unclean)
        r = check(db, e);
    if (r == 0)
        r = migrate(db, e);
    if (r < 0)
        return r;
    int code = switch_to_wal(db);
    sqlite3_wal_hook(db->handle, on_wal, db); /* replaces the automatic checkpoint */
    if (code == SQLITE_OK)
        code = prepare(db);
    return code == SQLITE_OK ? 0 : db_fail(db, code, e);
}

int db_open(struct db *db, struct err *e)
{
    bool empty, unclean;
    int r = place_check_file(&db->files, db->path, e);
    if (r == 0)
        r = statefile_check(db->path, &empty, &unclean, e);
    if (r == 0 && empty && db->files.file.inode)
        r = err_set(e, -ESTALE, "%s: was emptied while the server uses it", db->path);
    else if (r == 0 && empty)
        r = create(db->path, e);
    if (r == 0)
        r = open_whole(db, unclean || db->doubtful, e);
    if (r < 0)
        db_close(db, true);
    else
        place_learn(&db->files, db->path);
    return r;
}

void db_close(struct db *db, bool broken)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    memset(db->statements, 0, sizeof(db->statements));
    if (db->handle && broken)
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db->handle);
    tally_done(&db->tally);
    db->handle = NULL;
}

/* --- Records ---------------------------------------------------------------------------------- */

static struct str column(sqlite3_stmt *statement, int i)
{
    const char *p = sqlite3_column_blob(statement, i);
    return (struct str){p ? p : "", (size_t)sqlite3_column_bytes(statement, i)};
}

int db_records(struct db *db, struct str kind, struct str key, size_t limit,
               store_on_record on_record, void *cls, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int r = 0;
    int code = sqlite3_prepare_v2(db->handle,
                                  "SELECT kind, key, revision, bytes FROM record"
                                  " WHERE (kind, key) > (?1, ?2) ORDER BY kind, key LIMIT ?3",
                                  -1, &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_text(statement, 1, kind.p, (int)kind.n, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, key.p, (int)key.n, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)limit);
    while (r >= 0 && sqlite3_step(statement) == SQLITE_ROW) {
        struct store_record record = {.kind = column(statement, 0),
                                      .key = column(statement, 1),
                                      .revision = (uint64_t)sqlite3_column_int64(statement, 2),
                                      .bytes = column(statement, 3)};
        r = on_record(cls, &record, e);
    }
    code = sqlite3_finalize(statement);
    return r < 0 ? SQLITE_ABORT : code;
}
