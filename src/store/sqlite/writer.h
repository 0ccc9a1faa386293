/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer: the thread that owns the state file: it commits, reads, backs up, tidies and recovers.
 *
 * Requests come first; upkeep is done in small steps between them.
 */
#ifndef CLOUDSEED_STORE_SQLITE_WRITER_H
#define CLOUDSEED_STORE_SQLITE_WRITER_H

#include "store/queue.h"
#include "store/sqlite/db.h"

#include <stdatomic.h>

struct carry;
struct sqlite3_backup;

/* A copy of the file that is made some pages at a time, beside it. What is committed between two
 * steps goes into the copy as well. Then it is carried to the file that was asked for. */
struct backup {
    struct request *request; /* NULL: no backup is under way */
    struct sqlite3 *to;
    struct sqlite3_backup *copy;
    struct carry *carry; /* it may go on after the request was refused */
    uint64_t due_ms;     /* boot-time clock */
};

#define BACKUP_SUFFIX "-backup"

/* All records, sent to the loop again after a commit whose outcome is unknown. */
struct feed {
    atomic_bool active; /* the loop reads it, too */
    bool begun;
    char kind[STORE_NAME_MAX_BYTES], key[STORE_NAME_MAX_BYTES]; /* of the last one sent */
    size_t kind_n, key_n;
};

struct writer {
    struct queue queue;
    struct db db;
    struct backup backup;
    const char *copy_path; /* where a backup is made */
    struct feed feed;
    struct place_note note;
    bool behind; /* commits were lost, which the loop has not stored yet: the note stays as it is */
    atomic_bool settled;              /* the loop has stored it */
    bool displaced;                   /* the files are not as they were left */
    uint64_t tidy_at_ms, probe_at_ms; /* boot-time clock */
    uint64_t place_at_ms;             /* when the files are looked at next */
    uint64_t untidied;                /* events since the last step */
    bool in_doubt;                    /* the outcome of a commit is unknown */
    pthread_mutex_t lock;             /* for what follows, which the loop uses as well */
    struct store_retention keep;
    bool keep_changed;
    enum store_result health;
    struct err why;
    struct store_stats stats;
};

/* The thread. It ends after queue_stop, when every request is answered. */
void *writer_run(void *writer);

#endif
