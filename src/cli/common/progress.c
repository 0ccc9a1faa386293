/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/progress.h"

#include "cli/common/term.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

/* Waits for progress_end, at most until `until`. */
static bool has_ended(struct progress *p, const struct timespec *until)
{
    int r = 0;
    pthread_mutex_lock(&p->lock);
    while (!p->ended && r == 0)
        r = pthread_cond_timedwait(&p->ended_cond, &p->lock, until);
    bool ended = p->ended;
    pthread_mutex_unlock(&p->lock);
    return ended;
}

static void show_bar(const struct progress *p, uint32_t done, uint32_t total, int seconds)
{
    static const char full[] = "####################";
    const int width = sizeof(full) - 1;
    int have = done < total ? (int)((uint64_t)done * (unsigned)width / total) : width;
    fprintf(stderr, CLEAR_LINE "%s: [%.*s%*s] %u of %u MiB, %d s", p->what, have, full,
            width - have, "", done, total, seconds);
}

static void show(struct progress *p, int seconds)
{
    uint32_t total = atomic_load(&p->total), done = atomic_load(&p->done);
    if (p->mebibytes && total)
        show_bar(p, done, total, seconds);
    else if (p->mebibytes)
        fprintf(stderr, CLEAR_LINE "%s: %u MiB, %d s", p->what, done, seconds);
    else if (total)
        fprintf(stderr, CLEAR_LINE "%s: %u of %u, %d s", p->what, done, total, seconds);
    else
        fprintf(stderr, CLEAR_LINE "%s: %d s", p->what, seconds);
}

static void *tell(void *cls)
{
    struct progress *p = cls;
    struct timespec next;
    int seconds = 0;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (next.tv_sec++; !has_ended(p, &next); next.tv_sec++)
        show(p, ++seconds);
    if (seconds)
        fputs(CLEAR_LINE, stderr);
    return NULL;
}

static void begin(struct progress *p, const char *what, bool mebibytes)
{
    *p = (struct progress){.what = what, .mebibytes = mebibytes};
    if (!term_is_capable(STDERR_FILENO))
        return;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->ended_cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&p->lock, NULL);
    p->running = pthread_create(&p->thread, NULL, tell, p) == 0;
}

void progress_begin(struct progress *p, const char *what)
{
    begin(p, what, false);
}

void progress_begin_bytes(struct progress *p, const char *what)
{
    begin(p, what, true);
}

void progress_total(struct progress *p, uint32_t total)
{
    atomic_store(&p->total, total);
}

void progress_count(struct progress *p, uint32_t done)
{
    atomic_store_explicit(&p->done, done, memory_order_relaxed);
}

void progress_end(struct progress *p)
{
    if (!p->running)
        return;
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_signal(&p->ended_cond);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->ended_cond);
    pthread_mutex_destroy(&p->lock);
    p->running = false;
}
