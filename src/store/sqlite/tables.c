/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/tables.h"

#include "store/statefile.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define APPLICATION_ID TEXT(STATEFILE_APPLICATION_ID)

/* A record is found by an index that holds no bytes, so that rewriting one touches one page of the
 * table. An event's id is its rowid; AUTOINCREMENT is not needed, for `counter` remembers. */
const char *const tables_steps[] = {
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
};
const int tables_version = sizeof(tables_steps) / sizeof(tables_steps[0]);

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

static int migrate_one(sqlite3 *handle, const char *step, int version)
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

int tables_migrate(sqlite3 *handle, const char *const *steps, int n, struct err *e)
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
        if (migrate_one(handle, steps[version], version + 1) == SQLITE_OK)
            continue;
        err_set(e, -EIO, "could not be brought to version %d: %s", version + 1,
                sqlite3_errmsg(handle));
        if (!sqlite3_get_autocommit(handle))
            sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
        return -EIO;
    }
    return 0;
}
