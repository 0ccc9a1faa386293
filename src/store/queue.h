/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: between the loop, which puts requests and takes answers, and the thread that writes.
 *
 * It is bounded: a request counts until its answer has been taken. It knows no disk. The first
 * group of functions is for the loop's thread, the second for the writer's.
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
    struct request_list commits, behind, reads, answers;
    unsigned passed_over; /* how often commits went before those that are written behind */
    size_t commits_pending, bytes_pending, reads_pending;
    bool stopping;
    bool poked;
    void (*wake)(void *cls);
    void *wake_cls;
};

void queue_init(struct queue *q, struct store_limits limits);
void queue_done(struct queue *q);

/* Takes `r` over; on -EBUSY and -ESHUTDOWN it is freed. */
int queue_put(struct queue *q, struct request *r);
/* For a read that is answered at once, by queue_answer: 0, or what queue_put would say. */
int queue_admit_read(struct queue *q);
/* The next answer, or NULL. */
struct request *queue_take(struct queue *q);
/* The number of commits whose answers have not been taken. */
size_t queue_pending(struct queue *q);
/* Ends the writer's wait. */
void queue_poke(struct queue *q);
void queue_stop(struct queue *q);

/* What the writer does next. */
struct queue_work {
    struct request_list commits; /* all that is queued, at most `commits_max` */
    struct request_list behind;  /* one that is written behind, or none */
    struct request *read;        /* one, or NULL */
    bool stop;                   /* queue_stop was called, and nothing is left */
};
/* Waits for work, at most `wait_ms` (0: not at all). */
struct queue_work queue_wait(struct queue *q, size_t commits_max, uint64_t wait_ms);
/* Hands answers over, and empties the list. */
void queue_answer(struct queue *q, struct request_list *answers);
/* The number of answers that the loop has not taken. */
size_t queue_answers(struct queue *q);

#endif
