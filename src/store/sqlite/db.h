/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: the open state file: its connection, its prepared statements, its counters.
 *
 * Used by one thread at a time. It turns SQLite's codes into the port's results and into words, and
 * knows no queue.
 */
#ifndef CLOUDSEED_STORE_SQLITE_DB_H
#define CLOUDSEED_STORE_SQLITE_DB_H

#include "port/store.h"

struct sqlite3;
struct sqlite3_stmt;

enum db_statement {
    DB_BEGIN,
    DB_COMMIT,
    DB_SAVEPOINT,
    DB_RELEASE,
    DB_ROLLBACK_TO,
    DB_FIND,
    DB_INSERT,
    DB_UPDATE,
    DB_DELETE,
    DB_EVENT,
    DB_COUNT,
    DB_OLDEST,
    DB_STATEMENTS,
};

struct db {
    struct sqlite3 *handle; /* NULL: not open */
    struct sqlite3_stmt *statements[DB_STATEMENTS];
    const char *path;         /* the caller's */
    bool unsafe;              /* synchronous=OFF: for tests that show what it would lose */
    bool doubtful;            /* looked through when it is opened, however it was closed */
    uint64_t revision, event; /* the last ones given */
    int wal_pages;            /* in the write-ahead log after the last commit */
};

/* Makes, migrates and checks what is there. `db` is all zero but path, unsafe and doubtful. */
int db_open(struct db *db, struct err *e);
/* `broken`: as if the process had died, so that nothing of doubt is written down. */
void db_close(struct db *db, bool broken);

/* Runs a statement without results, or SQL text; an SQLite code. */
int db_run(struct db *db, enum db_statement which);
int db_exec(struct db *db, const char *sql);
/* The first column of the first row. */
int db_number(struct db *db, const char *sql, uint64_t *ret);

/* Brings the log into the file once it is long; an SQLite code. Not done within a commit, which
 * would have to wait for it. */
int db_checkpoint(struct db *db);

/* What an SQLite code means for what was being done, and in words. */
enum store_result db_result(struct db *db, int code, struct err *ret_why);

/* All records behind (kind, key) in their order, at most `limit`; returns SQLite's code, or
 * SQLITE_ABORT when on_record returned below 0. */
int db_records(struct db *db, struct str kind, struct str key, size_t limit,
               store_on_record on_record, void *cls, struct err *e);

#endif
