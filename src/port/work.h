/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work: what may block for long, done by a thread beside the loop's, with a deadline.
 *
 * A share that went away keeps a thread in the kernel for as long as it likes: nothing can be done
 * about that thread. So whoever gives work away does not wait for its end, but for its end or its
 * deadline; and what the work needs must live until its end, which may never come.
 */
#ifndef CLOUDSEED_PORT_WORK_H
#define CLOUDSEED_PORT_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct work {
    void (*run)(struct work *w); /* on another thread; touches nothing but what hangs on `w` */
    /* On the loop: the deadline has passed. It is told once at most, and before `ended`. */
    void (*late)(struct work *w);
    /* On the loop, once: it has run, or never will where `ran` is false. `w` is the owner's
     * again. Where the process ends first, it is not called. */
    void (*ended)(struct work *w, bool ran);
    /* It may wait for as long as it takes: `late` is never told, and it is refused only where there
     * is no thread at all. */
    bool is_patient;
    /* Whoever does it keeps these: */
    STAILQ_ENTRY(work) queued;
    TAILQ_ENTRY(work) pending;
    uint64_t due_ms;
    bool is_pending, is_begun, is_stuck;
};

struct work_port {
    /* False where it cannot be begun: too much of it waits, or all threads are stuck. Nothing is
     * called then. */
    bool (*start)(void *cls, struct work *w);
    void *cls;
};

#endif
