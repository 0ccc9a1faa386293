/* SPDX-License-Identifier: Apache-2.0 */
/* spawn: runs another program and takes what it prints. No shell comes between. */
#ifndef CLOUDSEED_CLI_COMMON_SPAWN_H
#define CLOUDSEED_CLI_COMMON_SPAWN_H

#include "base/buf.h"
#include "base/err.h"

struct spawned {
    struct buf out, said; /* its standard output and error */
    int status;           /* as it exited */
};

/* Runs argv[0], found by PATH, to its end, with nothing to read and in English. All of `ret` is
 * set, and to be ended, even where this fails: -EINTR where we were interrupted
 * (cli/interrupt.h) and it was ended, -ECHILD where a signal ended it, else why it did not run. */
int spawn_run(const char *const *argv, struct spawned *ret, struct err *e);
void spawned_done(struct spawned *s);
/* The first line of its complaint. */
struct str spawned_reason(const struct spawned *s);

#endif
