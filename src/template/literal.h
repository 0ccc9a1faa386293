/* SPDX-License-Identifier: Apache-2.0 */
/* literal: what a number or a string of the template language means, by Python's rules. */
#ifndef CLOUDSEED_TEMPLATE_LITERAL_H
#define CLOUDSEED_TEMPLATE_LITERAL_H

#include "base/arena.h"

/* Each returns NULL, or what is wrong in one line. */

/* Decimal, 0x, 0o and 0b, with underscores. */
const char *literal_integer(struct str text, int64_t *ret);
const char *literal_float(struct str text, double *ret);
/* `text` is with its quotes; Python's escapes but \N{…}. */
const char *literal_string(struct str text, struct arena *a, struct str *ret);

#endif
