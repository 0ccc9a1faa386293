/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: reads the world again while the old one goes on serving.
 *
 * Loading runs on a thread of libuv's pool. A world with faults changes nothing. Asked again while
 * it loads, it loads once more afterwards: what it read may be half old.
 */
#ifndef CLOUDSEED_DAEMON_RELOAD_H
#define CLOUDSEED_DAEMON_RELOAD_H

#include "config/config.h"
#include "core/core.h"
#include "daemon/checker.h"

#include <uv.h>

struct reload {
    uv_work_t work;
    struct core *core;
    struct checker *checker;
    const struct config *config;
    struct faults faults;
    struct snapshot *loaded;
    uint64_t begun_ms;
    uint64_t number; /* of the latest that has begun */
    int result;
    bool running, again, stopped;
};

/* From the start of the process until somebody listens for SIGHUP it waits instead of ending us:
 * the tree may have been read before it came. */
void reload_hold_signal(bool hold);

/* What was loaded is checked by `checker` from then on. */
void reload_init(struct reload *r, struct core *core, struct checker *checker,
                 const struct config *config);
/* The number of the reload that reads the tree as it is now. */
uint64_t reload_start(struct reload *r, uv_loop_t *loop);
/* What is still being loaded will be thrown away; the loop must run until it is. */
void reload_stop(struct reload *r);

#endif
