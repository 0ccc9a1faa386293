/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_source: the value of a secret, read from where the configuration says that it is.
 *
 * A file, a variable or a command. No error of it says anything of the value. It blocks: not for
 * the loop's thread.
 */
#ifndef CLOUDSEED_DAEMON_SECRET_SOURCE_H
#define CLOUDSEED_DAEMON_SECRET_SOURCE_H

#include "base/err.h"
#include "config/config.h"

#include <stdatomic.h>

#define SECRET_MAX_BYTES ((size_t)64 * 1024)
#define SECRET_COMMAND_MS 10000

/* Wiped by whoever is done with it. */
struct secret_value {
    char bytes[SECRET_MAX_BYTES + 2];
    size_t n;
};

/* UTF-8 text of at least a byte, one line end behind it dropped. A command is killed, with all that
 * it has started, after `command_ms` and when *stop (NULL: never) becomes true. */
int secret_source_read(const struct config_secret *s, unsigned command_ms, const atomic_bool *stop,
                       struct secret_value *ret, struct err *e);

#endif
