/* SPDX-License-Identifier: Apache-2.0 */
/* folder: folders of our own, that are made, filled and removed as a whole. */
#ifndef CLOUDSEED_CLI_COMMON_FOLDER_H
#define CLOUDSEED_CLI_COMMON_FOLDER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

bool folder_is(const char *path);

/* Makes one that nobody had, for us alone; its name is `prefix` and six random characters. */
int folder_make(const char *prefix, struct arena *a, struct str *ret, struct err *e);
/* The same where temporary files belong: $TMPDIR, or /tmp. */
int folder_make_temporary(struct arena *a, struct str *ret, struct err *e);

/* With all that is in it; links are removed, not followed. */
int folder_remove(const char *folder, struct err *e);

#endif
