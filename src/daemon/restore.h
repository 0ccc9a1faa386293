/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: makes a state folder from a backup.
 *
 * Offline: no server may use the folder. A copy of the backup is checked, its build windows are
 * closed, and it is compared with the state that is there; the last step renames it, and a failure
 * before that removes everything that was made. Killed at any moment, it leaves the old state or
 * the new one. restored.h has what is closed and compared.
 */
#ifndef CLOUDSEED_DAEMON_RESTORE_H
#define CLOUDSEED_DAEMON_RESTORE_H

#include "base/err.h"
#include "config/config.h"

/* `file` is the backup. `key_file` (NULL: the one in place) is its sealing key, or a copy for a
 * recovery passphrase, which is asked for; it is put in place if there is none. Files are read as
 * the user that started us, and made as the daemon's user. Prints what was restored. */
int restore_run(const struct config *c, const char *file, const char *key_file, struct err *e);

#endif
