/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: the thread that writes the state to etcd: commits in groups, retention, and what follows
 * a failure.
 *
 * Requests come first. While etcd does not answer, commits are refused at once, and it is asked
 * again every second. docs/why/etcd.md has the reasons.
 */
#ifndef CLOUDSEED_STORE_ETCD_KEEPER_H
#define CLOUDSEED_STORE_ETCD_KEEPER_H

#include "store/etcd/gateway.h"
#include "store/etcd/group.h"
#include "store/queue.h"

#include <stdatomic.h>

#define KEEPER_NAME_SIZE 64

/* All records, sent to the loop again after a commit whose outcome was unknown. */
struct feed {
    atomic_bool active; /* the loop reads it, too */
    bool begun;
    struct arena arena;
    struct str after; /* the last key sent; in the arena */
};

struct keeper {
    struct queue queue;
    struct gateway gateway;
    struct batches journal;
    struct revisions known;
    struct layout_head head; /* as etcd has it, if not in doubt */
    uint64_t mod_revision;   /* of the head */
    char fleet[KEEPER_NAME_SIZE], name[KEEPER_NAME_SIZE];
    uint32_t patience_ms;
    struct group group; /* that is written now; in doubt: the one whose outcome is unknown */
    struct group fence; /* written in its place to settle that */
    bool in_doubt;
    bool displaced; /* the head is not ours any more: nothing more is written */
    struct feed feed;
    uint64_t tidy_at_ms, look_at_ms; /* boot-time clock */
    pthread_mutex_t lock;            /* for what follows, which the loop uses as well */
    struct store_retention keep;
    bool keep_changed;
    enum store_result health;
    struct err why;
    struct store_stats stats;
};

void keeper_init(struct keeper *k, struct store_limits limits, struct store_retention keep);
void keeper_done(struct keeper *k);

/* Before the thread: makes the head, or takes it over from another process. */
int keeper_take_over(struct keeper *k, struct err *e);
/* Before the thread or after it: reads what etcd has, and calls `on_record` (may be NULL). */
int keeper_load(struct keeper *k, store_on_record on_record, void *cls, struct err *e);

/* The thread. It ends after queue_stop, when every request is answered. */
void *keeper_run(void *cls);

#endif
