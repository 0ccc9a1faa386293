/* SPDX-License-Identifier: Apache-2.0 */
/* faultview: faults as a compiler shows them: place, message, the line and a caret. */
#ifndef CLOUDSEED_CLI_COMMON_FAULTVIEW_H
#define CLOUDSEED_CLI_COMMON_FAULTVIEW_H

#include "base/fault.h"
#include "base/value.h"

#include <stdio.h>

/* Sorts them and prints each; those that were not kept are counted on a line at the end. A fault
 * that brings no excerpt is given one from its file, where that can be read. */
void faultview_print(FILE *f, struct faults *faults, bool color);

/* The same as a list for JSON. */
struct value faultview_value(struct faults *faults, struct arena *a);

#define FAULTVIEW_COUNT_SIZE 64
/* "25 errors, 1 warning"; "no faults". Returns `text`. */
const char *faultview_count(const struct faults *faults, char text[static FAULTVIEW_COUNT_SIZE]);

#endif
