/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer: the thread that has the state file: commits, reads, copies, tidies, recovers.
 *
 * What the loop asked comes first; what the file needs for itself is done in small steps between.
 */
#ifndef CLOUDSEED_STORE_SQLITE_WRITER_H
#define CLOUDSEED_STORE_SQLITE_WRITER_H

#include "store/queue.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/db.h"

#include <stdatomic.h>

/* All records, given to the loop after what is in the file was in doubt. */
struct feed {
    atomic_bool active; /* the loop looks at it, too */
    bool begun;
    char kind[STORE_NAME_MAX_BYTES], key[STORE_NAME_MAX_BYTES]; /* of the last one given */
    size_t kind_n, key_n;
};

struct writer {
    struct queue queue;
    struct db db;
    struct backup backup;
    struct feed feed;
    uint64_t tidy_at_ms, probe_at_ms; /* boot-time clock */
    uint64_t untidied;                /* events since the last step */
    bool in_doubt;                    /* a commit's end is not known */
    pthread_mutex_t lock;             /* for what follows, which the loop sees as well */
    struct store_retention keep;
    bool keep_changed;
    enum store_result health;
    struct err why;
    struct store_stats stats;
};

/* The thread. It ends after queue_stop, when all is answered. */
void *writer_run(void *writer);

#endif
