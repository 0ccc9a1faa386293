/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: makes the next snapshot while the current one is served.
 *
 * A reload reads everything from disk again; an extension only adds the nodes that were registered
 * since. Both run on a thread of libuv's pool, one at a time. A reload with faults changes nothing;
 * a registered node that conflicts with the new tree counts as one. A reload that is requested
 * during another one runs after it, because the first may have read old files.
 */
#ifndef CLOUDSEED_DAEMON_RELOAD_H
#define CLOUDSEED_DAEMON_RELOAD_H

#include "config/config.h"
#include "core/core.h"
#include "daemon/certificates.h"
#include "daemon/checker.h"
#include "daemon/loader.h"
#include "daemon/state.h"

#include <uv.h>

struct reload {
    uv_work_t work;
    uv_timer_t patience; /* with the reload that is under way when the loop is to end */
    struct core *core;
    struct checker *checker;
    struct certificates *certificates;
    const struct config *config;
    struct state *state;
    struct sealed_cache cache;
    atomic_bool stop; /* ends what blocks on the thread */
    uv_loop_t *loop;
    struct faults faults;
    struct loader_definitions definitions;
    struct snapshot *base;       /* to be extended; NULL: read the files first */
    struct snapshot *before;     /* what the result is compared with */
    struct snapshot *loaded;     /* the result */
    struct certificate provided; /* the same, of the files of a certificate */
    uint64_t begun_ms;
    uint64_t number; /* of the last reload that has begun */
    int result;
    bool again_soon; /* it is done, but a node is being registered: extend once more */
    bool reloading;  /* false: it only extends */
    bool running, again, extend, stopped, closing;
};

/* Blocks SIGHUP, or unblocks it once the loop handles it. One that comes earlier must not end us,
 * and must not be lost: the tree may have been read before it came. */
void reload_hold_signal(bool hold);

/* `checker` checks each snapshot that is activated, and `certificates` takes what was read of the
 * certificate's files. */
void reload_init(struct reload *r, struct core *core, struct checker *checker,
                 struct certificates *certificates, const struct config *config,
                 struct state *state, uv_loop_t *loop);
/* Returns the number of the reload that reads the tree as it is now. */
uint64_t reload_start(struct reload *r);
/* Adds the nodes that are registered by now. */
void reload_extend(struct reload *r);
/* Discards a reload that is under way; the loop must run until it has ended. */
void reload_stop(struct reload *r);
/* Once nothing else keeps the loop: waits a second for a reload that is under way, then stops the
 * loop. */
void reload_close(struct reload *r);
/* After the loop has ended: whether a reload is still under way. Its files lie on a share that does
 * not answer, and its thread may go on using what it was given. */
bool reload_is_stuck(const struct reload *r);

#endif
