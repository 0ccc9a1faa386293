/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checker: checks every node of a snapshot that was not checked yet, while it is being served.
 *
 * A thread of its own, at the lowest priority, so that loading and serving wait for nothing. It
 * says what it found when it is done; a snapshot that is no longer served is given up at once.
 */
#ifndef CLOUDSEED_DAEMON_CHECKER_H
#define CLOUDSEED_DAEMON_CHECKER_H

#include "core/core.h"

#include <uv.h>

struct checker {
    uv_async_t done;
    uv_thread_t thread;
    struct core *core;
    struct snapshot *snapshot; /* that it works on; a reference of the loop's */
    const struct tree *tree;   /* of its two, the thread's */
    struct faults faults;
    struct check_result result;
    int outcome;
    uint64_t begun_ms;
    atomic_bool stop;
    bool running, again, closing;
};

void checker_init(struct checker *c, struct core *core, uv_loop_t *loop);
/* Checks what core serves now; what it was checking is given up. */
void checker_start(struct checker *c);
/* The same where some nodes alone may be new: what it is checking is finished first. */
void checker_continue(struct checker *c);
/* The loop must run until the thread has ended, which it does after the node that it is at. */
void checker_close(struct checker *c);

#endif
