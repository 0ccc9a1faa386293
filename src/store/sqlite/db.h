/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: the open state file, and what the store does with it.
 *
 *   db.c       layout and migrations, the connection, prepared statements, counters, records
 *   commit.c   many transactions in one of SQLite's
 *   journal.c  pages of the journals, and the removal of old entries
 *
 * Used by one thread at a time. It turns SQLite's codes into the port's results and messages, and
 * knows no queue. docs/formats/store.md describes the layout.
 */
#ifndef CLOUDSEED_STORE_SQLITE_DB_H
#define CLOUDSEED_STORE_SQLITE_DB_H

#include "store/request.h"
#include "store/sqlite/place.h"
#include "store/tally.h"

struct sqlite3;
struct sqlite3_stmt;

enum db_statement {
    DB_BEGIN,
    DB_COMMIT,
    DB_FIND,
    DB_INSERT,
    DB_UPDATE,
    DB_DELETE,
    DB_COUNT,
    DB_APPEND, /* to the first class, and so on */
    DB_STATEMENTS = DB_APPEND + STORE_CLASSES,
};

struct db {
    struct sqlite3 *handle; /* NULL: not open */
    struct sqlite3_stmt *statements[DB_STATEMENTS];
    const char *path; /* the caller's */
    bool unsafe;      /* synchronous=OFF: for tests that show what it would lose */
    bool doubtful;    /* check all of it when it is opened, even if it was closed cleanly */
    bool is_offline;  /* no server's: what to do about damage is for the caller to say */
    uint64_t revision, last[STORE_JOURNALS]; /* revision and ids, the last ones given */
    int wal_pages;                           /* in the write-ahead log after the last commit */
    struct tally tally;                      /* of the journals, up to the ids `tallied` */
    uint64_t tallied[STORE_JOURNALS];
    struct place_files files; /* as the last write left them; kept when the file is closed */
};

/* Makes, migrates and checks the file. `db` is all zero but path, unsafe, doubtful and
 * is_offline, or was closed by db_close: then it must be the same file. */
int db_open(struct db *db, struct err *e);
/* `broken`: as if the process had died, so that nothing doubtful is written. */
void db_close(struct db *db, bool broken);

/* Runs a statement without results, or SQL text; returns SQLite's code. */
int db_run(struct db *db, enum db_statement which);
int db_exec(struct db *db, const char *sql);
/* The first column of the first row. */
int db_number(struct db *db, const char *sql, uint64_t *ret);

/* Copies the write-ahead log into the file once it is long; returns SQLite's code. Not part of a
 * commit, which would have to wait for it. */
int db_checkpoint(struct db *db);

/* The result that SQLite's code stands for, and its reason. */
enum store_result db_result(struct db *db, int code, struct err *ret_why);
/* The same as a negative errno value, for a code that is not SQLITE_OK. */
int db_fail(struct db *db, int code, struct err *e);

/* All records after (kind, key) in their order, at most `limit`; returns SQLite's code, or
 * SQLITE_ABORT when on_record returned below 0. */
int db_records(struct db *db, struct str kind, struct str key, size_t limit,
               store_on_record on_record, void *cls, struct err *e);

/* --- Layout ---------------------------------------------------------------------------------- */

/* db_steps[i] makes version i+1 of version i. */
extern const char *const db_steps[];
extern const int db_version;

/* Brings the file to version `n`, each step in a transaction. -EPROTO if it is newer than that. */
int db_migrate(struct sqlite3 *handle, const char *const *steps, int n, struct err *e);

/* --- commit ---------------------------------------------------------------------------------- */

/* Commits a list of transactions with one wait for the disk, and fills the notice of each. One that
 * conflicts does not affect the others. Returns the result of the whole, with the reason. After
 * STORE_UNKNOWN the file must be opened again to learn what it contains. */
enum store_result commit_group(struct db *db, const struct request_list *list, struct err *ret_why);

/* Writes a transaction that changes nothing, to see whether the disk accepts one. */
enum store_result commit_probe(struct db *db, struct err *ret_why);

/* --- journal --------------------------------------------------------------------------------- */

/* Counts what the journal holds, after the file was opened; returns SQLite's code. */
int journal_count(struct db *db);

/* Fills the notice of a request_read. */
enum store_result journal_read(struct db *db, struct request *r, struct err *ret_why);

/* Tidying is due after so many new events, however busy we are. A step removes more than that, so
 * the journal cannot outgrow its limit by more. */
#define JOURNAL_TIDY_EVENTS 500

/* Removes at most a thousand events that need not be kept, or returns some free pages of the file.
 * *ret_more: there was enough for another step. */
enum store_result journal_tidy(struct db *db, const struct store_retention *keep, int64_t now_ms,
                               bool *ret_more, struct err *ret_why);

/* The size of the file, and of its free pages. */
void journal_size(struct db *db, uint64_t *ret_file_bytes, uint64_t *ret_free_bytes);

#endif
