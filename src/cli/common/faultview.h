/* SPDX-License-Identifier: Apache-2.0 */
/* faultview: prints faults like a compiler: place, message, the line and a caret. */
#ifndef CLOUDSEED_CLI_COMMON_FAULTVIEW_H
#define CLOUDSEED_CLI_COMMON_FAULTVIEW_H

#include "base/fault.h"
#include "base/value.h"

#include <stdio.h>

/* Sorts and prints them, and the number of those that were not kept. A fault without an excerpt
 * gets one from its file, if that is readable. */
void faultview_print(FILE *f, struct faults *faults, bool color);

/* The same as a list for JSON. */
struct value faultview_value(struct faults *faults, struct arena *a);

#define FAULTVIEW_COUNT_SIZE 64
/* "25 errors, 1 warning"; "no faults". Returns `text`. */
const char *faultview_count(const struct faults *faults, char text[static FAULTVIEW_COUNT_SIZE]);

#endif
