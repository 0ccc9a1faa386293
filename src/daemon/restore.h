/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: makes a state folder from a backup.
 *
 * Offline: no server may use the folder, and it must not contain a state. A copy of the backup is
 * checked; the last step renames it, and a failure before that removes everything that was made.
 */
#ifndef CLOUDSEED_DAEMON_RESTORE_H
#define CLOUDSEED_DAEMON_RESTORE_H

#include "base/err.h"
#include "config/config.h"

/* `file` is the backup. `key_file` (NULL: the one in place) is its sealing key, which is put in
 * place if there is none. Files are read as the user that started us, and made as the daemon's
 * user. Prints what was restored. */
int restore_run(const struct config *c, const char *file, const char *key_file, struct err *e);

#endif
