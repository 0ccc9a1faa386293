/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: makes a state folder of a backup.
 *
 * Offline: nobody may use the folder, and no state may be in it. All is checked on a copy; the last
 * step gives the copy its name, and until then whatever was made is taken away again.
 */
#ifndef CLOUDSEED_DAEMON_RESTORE_H
#define CLOUDSEED_DAEMON_RESTORE_H

#include "base/err.h"
#include "config/config.h"

/* `file` is the backup. `key_file` (NULL: the one in place) is the sealing key, which is put in
 * place where none is. Files are read as whoever started us, and made as the daemon's user. Prints
 * what was restored. */
int restore_run(const struct config *c, const char *file, const char *key_file, struct err *e);

#endif
