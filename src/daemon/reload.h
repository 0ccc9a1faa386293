/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: makes the next world while the old one goes on serving.
 *
 * It reads all of it again, or takes in the nodes that were registered meanwhile. Either runs on a
 * thread of libuv's pool, one at a time. A tree with faults changes nothing, and neither does one
 * in which a registered node has no place. Asked again while it works, it works once more
 * afterwards: what it read may be half old.
 */
#ifndef CLOUDSEED_DAEMON_RELOAD_H
#define CLOUDSEED_DAEMON_RELOAD_H

#include "config/config.h"
#include "core/core.h"
#include "daemon/checker.h"
#include "daemon/loader.h"
#include "daemon/state.h"

#include <uv.h>

struct reload {
    uv_work_t work;
    struct core *core;
    struct checker *checker;
    const struct config *config;
    struct state *state;
    struct sealed_cache cache;
    atomic_bool stop; /* what blocks on the thread is to end */
    uv_loop_t *loop;
    struct faults faults;
    struct loader_definitions definitions;
    struct snapshot *base;   /* what is extended; NULL: the files are read */
    struct snapshot *loaded; /* what came of it */
    uint64_t begun_ms;
    uint64_t number; /* of the latest reload that has begun */
    int result;
    bool again_soon; /* it is done, but a node is being written */
    bool reloading;  /* else it takes in registered nodes alone */
    bool running, again, extend, stopped;
};

/* From the start of the process until somebody listens for SIGHUP it waits instead of ending us:
 * the tree may have been read before it came. */
void reload_hold_signal(bool hold);

/* What was loaded is checked by `checker` from then on. */
void reload_init(struct reload *r, struct core *core, struct checker *checker,
                 const struct config *config, struct state *state, uv_loop_t *loop);
/* The number of the reload that reads the tree as it is now. */
uint64_t reload_start(struct reload *r);
/* Takes in the nodes that are registered by now. */
void reload_extend(struct reload *r);
/* What is still being read from files will be thrown away; the loop must run until it is. */
void reload_stop(struct reload *r);

#endif
