/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checker: checks every node of a snapshot that was not checked yet, while the snapshot is served.
 *
 * It uses all cores, at the lowest priority, so that loading and serving do not wait for it. The
 * result is logged at the end. A check of a snapshot that is no longer served is stopped.
 */
#ifndef CLOUDSEED_DAEMON_CHECKER_H
#define CLOUDSEED_DAEMON_CHECKER_H

#include "core/core.h"

#include <uv.h>

struct checker {
    uv_async_t done;
    uv_thread_t thread; /* starts further ones (render/check.h) */
    struct core *core;
    struct snapshot *snapshot; /* being checked; the loop's reference */
    const struct tree *tree;   /* the one of the snapshot's two that the thread is at */
    struct faults faults;
    struct check_result result;
    int outcome;
    int priority_errno; /* why the priority could not be lowered; 0: it was */
    uint64_t begun_ms;
    atomic_bool stop;
    bool running, again, closing;
};

void checker_init(struct checker *c, struct core *core, uv_loop_t *loop);
/* Checks what core serves now; a check that is running is stopped. */
void checker_start(struct checker *c);
/* The same, but a check that is running is finished first: for when only a few nodes are new. */
void checker_continue(struct checker *c);
/* The loop must run until the threads have ended; they stop after the node that they are at. */
void checker_close(struct checker *c);

#endif
