/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work: work that may block for long, done on another thread, with a deadline.
 *
 * A network share that went away may block a thread in the kernel for ever, and nothing can be done
 * about that thread. So the owner of the work waits for its end or its deadline, and what the work
 * needs must live until its end, which may never come.
 */
#ifndef CLOUDSEED_PORT_WORK_H
#define CLOUDSEED_PORT_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct work {
    void (*run)(struct work *w); /* on another thread; touches only what belongs to `w` */
    /* On the loop: the deadline has passed. Called at most once, before `ended`. */
    void (*late)(struct work *w);
    /* On the loop, once: it has run or, where `ran` is false, never will. `w` belongs to the owner
     * again. Not called where the process ends first. */
    void (*ended)(struct work *w, bool ran);
    /* No deadline: `late` is never called, and it is refused only where there is no thread at all.
     */
    bool is_patient;
    /* For the implementation: */
    STAILQ_ENTRY(work) queued;
    TAILQ_ENTRY(work) pending;
    uint64_t due_ms;
    bool is_pending, is_begun, is_stuck;
};

struct work_port {
    /* False where it cannot be started: too much is queued, or all threads are stuck. Nothing is
     * called then. */
    bool (*start)(void *cls, struct work *w);
    void *cls;
};

#endif
