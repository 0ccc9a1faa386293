/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pool.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

STAILQ_HEAD(work_queue, work);
TAILQ_HEAD(work_list, work);

struct pool {
    struct work_port port;
    struct pool_limits limits;
    uv_loop_t *loop;
    uv_async_t news;
    uv_timer_t deadline;
    struct work_list pending; /* neither ended nor late, in order of deadlines */
    uint32_t pending_n;
    uint32_t stuck; /* late, but running in a thread */
    /* From here on: shared with the threads. */
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct work_queue queue, done;
    uint32_t queue_n, threads, idle;
    unsigned handles; /* that are open */
    bool closed;
};

/* --- The threads ------------------------------------------------------------------------------ */

static void release(struct pool *p)
{
    pthread_cond_destroy(&p->wanted);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Called with the lock held. NULL: the pool is closed. */
static struct work *next(struct pool *p)
{
    p->idle++;
    while (!p->closed && STAILQ_EMPTY(&p->queue))
        pthread_cond_wait(&p->wanted, &p->lock);
    p->idle--;
    struct work *w = p->closed ? NULL : STAILQ_FIRST(&p->queue);
    if (w) {
        STAILQ_REMOVE_HEAD(&p->queue, queued);
        p->queue_n--;
        w->is_begun = true;
    }
    return w;
}

/* Work that ends after the pool was closed is not reported; here leak checkers find it. */
static struct work_queue abandoned = STAILQ_HEAD_INITIALIZER(abandoned);

static void *work_on(void *cls)
{
    struct pool *p = cls;
    struct work *w;
    pthread_mutex_lock(&p->lock);
    while ((w = next(p))) {
        pthread_mutex_unlock(&p->lock);
        w->run(w);
        pthread_mutex_lock(&p->lock);
        STAILQ_INSERT_TAIL(p->closed ? &abandoned : &p->done, w, queued);
        if (!p->closed)
            uv_async_send(&p->news);
    }
    bool last = --p->threads == 0 && p->handles == 0;
    pthread_mutex_unlock(&p->lock);
    if (last)
        release(p);
    return NULL;
}

/* With all signals blocked: the loop handles them. */
static bool add_thread(struct pool *p)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    bool ok = pthread_create(&thread, &attr, work_on, p) == 0;
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    p->threads += ok;
    return ok;
}

/* --- On the loop ------------------------------------------------------------------------------ */

static void on_deadline(uv_timer_t *timer);

static void arm(struct pool *p)
{
    struct work *first = TAILQ_FIRST(&p->pending);
    uint64_t now = uv_now(p->loop);
    if (!first)
        uv_timer_stop(&p->deadline);
    else if (!uv_is_active((uv_handle_t *)&p->deadline))
        uv_timer_start(&p->deadline, on_deadline, first->due_ms > now ? first->due_ms - now : 0, 0);
}

static void settle(struct pool *p, struct work *w)
{
    if (!w->is_pending)
        return;
    TAILQ_REMOVE(&p->pending, w, pending);
    p->pending_n--;
    w->is_pending = false;
}

/* True where it had not begun. It is then taken out of the queue, unless it is patient. */
static bool take_back(struct pool *p, struct work *w)
{
    pthread_mutex_lock(&p->lock);
    bool waits = !w->is_begun;
    if (waits && !w->is_patient) {
        STAILQ_REMOVE(&p->queue, w, work, queued);
        p->queue_n--;
    }
    pthread_mutex_unlock(&p->lock);
    return waits;
}

static void give_up(struct pool *p, struct work *w)
{
    settle(p, w);
    if (!w->is_patient)
        w->late(w);
    w->is_stuck = !take_back(p, w);
    if (w->is_stuck)
        p->stuck++;
    else if (!w->is_patient)
        w->ended(w, false);
}

static void on_deadline(uv_timer_t *timer)
{
    struct pool *p = timer->data;
    struct work *w;
    while ((w = TAILQ_FIRST(&p->pending)) && w->due_ms <= uv_now(p->loop))
        give_up(p, w);
    arm(p);
}

static void on_news(uv_async_t *news)
{
    struct pool *p = news->data;
    struct work_queue done = STAILQ_HEAD_INITIALIZER(done);
    struct work *w;
    pthread_mutex_lock(&p->lock);
    STAILQ_CONCAT(&done, &p->done);
    pthread_mutex_unlock(&p->lock);
    while ((w = STAILQ_FIRST(&done)) != NULL) {
        STAILQ_REMOVE_HEAD(&done, queued);
        p->stuck -= w->is_stuck;
        settle(p, w);
        w->ended(w, true);
    }
    arm(p);
}

/* Starts another thread where none is idle: those that are running may hang. Where it cannot be
 * started, the existing ones must do. */
static bool enqueue(struct pool *p, struct work *w)
{
    pthread_mutex_lock(&p->lock);
    if (p->idle <= p->queue_n && p->threads < p->limits.threads)
        add_thread(p);
    bool ok = p->threads > 0;
    if (ok) {
        STAILQ_INSERT_TAIL(&p->queue, w, queued);
        p->queue_n++;
        pthread_cond_signal(&p->wanted);
    }
    pthread_mutex_unlock(&p->lock);
    return ok;
}

static bool start(void *cls, struct work *w)
{
    struct pool *p = cls;
    bool refused = p->stuck >= p->limits.threads || p->pending_n >= p->limits.queue;
    w->is_begun = w->is_stuck = false;
    if ((refused && !w->is_patient) || !enqueue(p, w))
        return false;
    w->due_ms = uv_now(p->loop) + p->limits.deadline_ms;
    w->is_pending = true;
    TAILQ_INSERT_TAIL(&p->pending, w, pending);
    p->pending_n++;
    arm(p);
    return true;
}

struct pool *pool_new(uv_loop_t *loop, const struct pool_limits *limits)
{
    struct pool *p = MEM_NEW(struct pool);
    p->port = (struct work_port){start, p};
    p->limits = *limits;
    p->loop = loop;
    TAILQ_INIT(&p->pending);
    STAILQ_INIT(&p->queue);
    STAILQ_INIT(&p->done);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wanted, NULL);
    if (uv_async_init(loop, &p->news, on_news) < 0)
        abort();
    uv_timer_init(loop, &p->deadline);
    p->handles = 2;
    p->news.data = p->deadline.data = p;
    return p;
}

const struct work_port *pool_port(const struct pool *p)
{
    return &p->port;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct pool *p = handle->data;
    pthread_mutex_lock(&p->lock);
    bool last = --p->handles == 0 && p->threads == 0;
    pthread_mutex_unlock(&p->lock);
    if (last)
        release(p);
}

void pool_free(struct pool *p)
{
    struct work_queue left = STAILQ_HEAD_INITIALIZER(left);
    struct work *w;
    if (!p)
        return;
    on_news(&p->news); /* work that has ended but was not reported */
    pthread_mutex_lock(&p->lock);
    STAILQ_CONCAT(&left, &p->queue);
    p->closed = true;
    pthread_cond_broadcast(&p->wanted);
    pthread_mutex_unlock(&p->lock);
    while ((w = STAILQ_FIRST(&left)) != NULL) {
        STAILQ_REMOVE_HEAD(&left, queued);
        settle(p, w);
        w->ended(w, false);
    }
    uv_close((uv_handle_t *)&p->news, on_handle_closed);
    uv_close((uv_handle_t *)&p->deadline, on_handle_closed);
}
