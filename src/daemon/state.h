/* SPDX-License-Identifier: Apache-2.0 */
/* state: the state folder, the store in it, the fleet above it, and what both need of the loop. */
#ifndef CLOUDSEED_DAEMON_STATE_H
#define CLOUDSEED_DAEMON_STATE_H

#include "config/config.h"
#include "crypto/sealing.h"
#include "daemon/secret.h"

#include <uv.h>

#define BOOT_ID_SIZE 40

struct state {
    int lock; /* on the state folder, so that only one process uses it */
    struct fleet *fleet;
    struct sealer *sealer;
    struct record_writer writer; /* usable from state_open on */
    char boot_id[BOOT_ID_SIZE];
    uv_async_t store_ready;
    uv_timer_t alarm;
    bool started;   /* the handles are initialised */
    bool unhealthy; /* which was logged */
    uint64_t due_boot_ms;
    uint64_t audit_lost; /* of which the log has a line */
};

/* Locks the state folder, which is made if it is missing. Returns a descriptor that holds the lock;
 * -EBUSY if another process has it. */
int state_lock(const char *folder, struct err *e);
/* The path of a file in it; empty if that is too long. */
#define STATE_PATH_SIZE 4096
void state_path(const struct config *c, const char *file, char ret[static STATE_PATH_SIZE]);
/* The path of the sealing key: from the configuration, or in the state folder. */
void state_key_path(const struct config *c, char ret[static STATE_PATH_SIZE]);

/* Opens state.db in the state folder. state_close is needed even after a failure. */
int state_open(struct state *s, const struct config *c, struct err *e);
/* Begins to follow the store. */
int state_start(struct state *s, uv_loop_t *loop, struct err *e);
/* Writes what is queued and closes the loop's handles; state_close, after the loop, does the rest.
 */
void state_stop(struct state *s);
void state_close(struct state *s);

#endif
