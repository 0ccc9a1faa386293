/* SPDX-License-Identifier: Apache-2.0 */
#include "store/queue.h"

#include <errno.h>
#include <time.h>

/* Under a load that never ends, what is written behind has its turn after so many groups. */
#define PASS_OVER_MAX 32

void queue_init(struct queue *q, struct store_limits limits)
{
    pthread_condattr_t attr;
    *q = (struct queue){.limits = limits};
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    /* The wall clock may jump. */
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->work, &attr);
    pthread_condattr_destroy(&attr);
}

void queue_done(struct queue *q)
{
    request_list_free(&q->commits);
    request_list_free(&q->behind);
    request_list_free(&q->reads);
    request_list_free(&q->answers);
    pthread_cond_destroy(&q->work);
    pthread_mutex_destroy(&q->lock);
}

static int admit_read(struct queue *q)
{
    if (q->stopping)
        return -ESHUTDOWN;
    if (q->reads_pending >= q->limits.reads_max)
        return -EBUSY;
    q->reads_pending++;
    return 0;
}

static int admit(struct queue *q, struct request *r)
{
    if (r->notice.about != STORE_COMMIT) {
        int answer = admit_read(q);
        if (answer == 0)
            request_list_put(&q->reads, r);
        return answer;
    }
    if (q->stopping)
        return -ESHUTDOWN;
    if (q->commits_pending >= q->limits.commits_max ||
        (q->commits_pending && q->bytes_pending + r->bytes > q->limits.bytes_max))
        return -EBUSY;
    q->commits_pending++;
    q->bytes_pending += r->bytes;
    request_list_put(r->txn.behind ? &q->behind : &q->commits, r);
    return 0;
}

int queue_put(struct queue *q, struct request *r)
{
    pthread_mutex_lock(&q->lock);
    int answer = admit(q, r);
    pthread_mutex_unlock(&q->lock);
    if (answer < 0)
        request_free(r);
    else
        pthread_cond_signal(&q->work);
    return answer;
}

int queue_admit_read(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    int answer = admit_read(q);
    pthread_mutex_unlock(&q->lock);
    return answer;
}

struct request *queue_take(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct request *r = request_list_take(&q->answers);
    if (r && r->notice.about == STORE_COMMIT) {
        q->commits_pending--;
        q->bytes_pending -= r->bytes;
    } else if (r && (r->notice.about == STORE_READ || r->notice.about == STORE_BACKUP)) {
        q->reads_pending--;
    }
    pthread_mutex_unlock(&q->lock);
    return r;
}

size_t queue_pending(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->commits_pending;
    pthread_mutex_unlock(&q->lock);
    return n;
}

void queue_poke(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->poked = true;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_signal(&q->work);
}

void queue_stop(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stopping = true;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_signal(&q->work);
}

static void wait_for_work(struct queue *q, uint64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!q->commits.n && !q->behind.n && !q->reads.n && !q->stopping && !q->poked) {
        if (pthread_cond_timedwait(&q->work, &q->lock, &until) == ETIMEDOUT)
            return;
    }
}

static struct request_list take_behind(struct queue *q, bool is_busy)
{
    struct request_list list = {0};
    if (!q->behind.n || (is_busy && q->passed_over++ < PASS_OVER_MAX))
        return list;
    q->passed_over = 0;
    request_list_put(&list, request_list_take(&q->behind));
    return list;
}

struct queue_work queue_wait(struct queue *q, size_t commits_max, uint64_t wait_ms)
{
    struct queue_work w = {0};
    pthread_mutex_lock(&q->lock);
    if (wait_ms)
        wait_for_work(q, wait_ms);
    q->poked = false;
    if (q->commits.n <= commits_max) {
        w.commits = q->commits;
        q->commits = (struct request_list){0};
    }
    while (w.commits.n < commits_max && q->commits.n)
        request_list_put(&w.commits, request_list_take(&q->commits));
    w.behind = take_behind(q, w.commits.n > 0);
    w.read = request_list_take(&q->reads);
    w.stop = q->stopping && !w.commits.n && !w.behind.n && !w.read;
    pthread_mutex_unlock(&q->lock);
    return w;
}

void queue_answer(struct queue *q, struct request_list *answers)
{
    struct request *r;
    if (!answers->n)
        return;
    pthread_mutex_lock(&q->lock);
    bool was_empty = !q->answers.n;
    while ((r = request_list_take(answers)))
        request_list_put(&q->answers, r);
    pthread_mutex_unlock(&q->lock);
    if (was_empty && q->wake)
        q->wake(q->wake_cls);
}

size_t queue_answers(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->answers.n;
    pthread_mutex_unlock(&q->lock);
    return n;
}
