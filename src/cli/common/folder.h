/* SPDX-License-Identifier: Apache-2.0 */
/* folder: folders that we create and remove as a whole. */
#ifndef CLOUDSEED_CLI_COMMON_FOLDER_H
#define CLOUDSEED_CLI_COMMON_FOLDER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

bool folder_is(const char *path);

/* Creates a new folder with mode 0700, named `prefix` and six random characters. */
int folder_make(const char *prefix, struct arena *a, struct str *ret, struct err *e);
/* The same below $TMPDIR or /tmp. */
int folder_make_temporary(struct arena *a, struct str *ret, struct err *e);

/* Removes it with its contents; does not follow links. */
int folder_remove(const char *folder, struct err *e);

#endif
