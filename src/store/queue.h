/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: between the loop, which asks and takes, and the one thread that writes.
 *
 * Bounded: what was asked counts until its answer was taken. It knows no disk. The functions in the
 * first part are the loop's, those in the second the writer's.
 */
#ifndef CLOUDSEED_STORE_QUEUE_H
#define CLOUDSEED_STORE_QUEUE_H

#include "store/request.h"

#include <pthread.h>

struct store_limits {
    size_t commits_max;
    size_t bytes_max; /* of all commits together */
    size_t reads_max; /* and backups */
};
#define STORE_LIMITS_DEFAULT \
    ((struct store_limits){.commits_max = 10000, .bytes_max = 32 << 20, .reads_max = 64})

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct store_limits limits;
    struct request_list commits, reads, answers;
    size_t commits_pending, bytes_pending, reads_pending;
    bool stopping;
    bool poked;
    void (*wake)(void *cls);
    void *wake_cls;
};

void queue_init(struct queue *q, struct store_limits limits);
void queue_done(struct queue *q);

/* Takes `r` over, or answers -EBUSY or -ESHUTDOWN and frees it. */
int queue_put(struct queue *q, struct request *r);
/* NULL: none. */
struct request *queue_take(struct queue *q);
/* How many commits were asked whose answers were not taken. */
size_t queue_pending(struct queue *q);
/* Gets the writer out of its wait. */
void queue_poke(struct queue *q);
void queue_stop(struct queue *q);

/* What there is to do next. */
struct queue_work {
    struct request_list commits; /* all that is queued, at most `commits_max` */
    struct request *read;        /* one, or NULL */
    bool stop;                   /* and nothing is left */
};
/* Waits for work, at most `wait_ms` (0: not at all). */
struct queue_work queue_wait(struct queue *q, size_t commits_max, uint64_t wait_ms);
/* Hands answers over, and empties the list. */
void queue_answer(struct queue *q, struct request_list *answers);
/* How many answers wait for the loop. */
size_t queue_answers(struct queue *q);

#endif
