/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batches: the batches of both journals, as etcd has them, and their index.
 *
 * They are kept in memory: pages are read while etcd is away, and retention knows what it removes.
 * It asks nothing of etcd: what is to be removed is given out as a trim, and takes effect once the
 * caller has written that. Pages may be read on any thread.
 */
#ifndef CLOUDSEED_STORE_ETCD_BATCHES_H
#define CLOUDSEED_STORE_ETCD_BATCHES_H

#include "store/etcd/layout.h"
#include "store/request.h"
#include "store/tally.h"

#include <pthread.h>
#include <sys/queue.h>

struct batch;

struct batches_class {
    TAILQ_HEAD(batch_list, batch) batches; /* the oldest first */
    struct batches_entry *entries;         /* that are not removed, by id */
    uint32_t n, room;
    uint64_t bytes; /* of the batches */
};

struct batches {
    pthread_mutex_t lock;
    struct batches_class classes[STORE_CLASSES];
    struct tally tally;
    uint64_t last[STORE_JOURNALS]; /* ids */
};

void batches_init(struct batches *j);
void batches_done(struct batches *j);

/* Before the batches: what was removed of a node. */
void batches_note_removed(struct batches *j, struct str node,
                          const uint64_t removed[static STORE_CLASSES]);
/* Checks the batch and copies it. Batches of a class come in the order of their ids. */
int batches_add(struct batches *j, enum store_class class, uint64_t first, struct str batch,
                struct err *e);
/* The last ids used; at least those of the entries. */
void batches_set_last(struct batches *j, const uint64_t last[static STORE_JOURNALS]);

/* Fills the notice of a read. */
void batches_read(struct batches *j, struct request *r);

/* A step of retention. */
#define BATCHES_TRIM_NODES 60
#define BATCHES_TRIM_BATCHES 60
struct batches_trim {
    enum store_class class;
    struct batches_mark {
        uint32_t node;    /* in the tally */
        uint64_t removed; /* up to this id */
    } marks[BATCHES_TRIM_NODES];
    size_t n_marks;
    struct batch *batches[BATCHES_TRIM_BATCHES]; /* of which nothing is left */
    size_t n_batches;
};

/* False: there is nothing to remove. */
bool batches_trim_choose(struct batches *j, const struct store_retention *keep, int64_t now_ms,
                         struct batches_trim *ret);
/* The keys and values that the step writes … */
struct str batches_trim_mark(const struct batches *j, const struct batches_trim *t, size_t i,
                             struct arena *a, struct str *ret_value);
/* … and the keys that it deletes. */
struct str batches_trim_batch(const struct batches_trim *t, size_t i, struct arena *a);
void batches_trim_apply(struct batches *j, const struct batches_trim *t);

#endif
