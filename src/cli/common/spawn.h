/* SPDX-License-Identifier: Apache-2.0 */
/* spawn: runs another program, without a shell, and captures its output. */
#ifndef CLOUDSEED_CLI_COMMON_SPAWN_H
#define CLOUDSEED_CLI_COMMON_SPAWN_H

#include "base/buf.h"
#include "base/err.h"

struct spawned {
    struct buf out, said; /* standard output and standard error */
    int status;           /* exit status */
};

/* Runs argv[0], found in PATH, with empty standard input and LC_ALL=C, and waits for its end, but
 * no longer than `timeout_ms` (0: no limit). -ENOENT if there is no such program, -ETIMEDOUT if it
 * took too long, -EINTR if we were interrupted (cli_interrupted); in both cases it was ended.
 * -ECHILD if a signal ended it, otherwise the reason why it did not run. Call spawned_done in any
 * case. */
int spawn_run(const char *const *argv, unsigned timeout_ms, struct spawned *ret, struct err *e);
void spawned_done(struct spawned *s);
/* The first line of its standard error. */
struct str spawned_reason(const struct spawned *s);

#endif
