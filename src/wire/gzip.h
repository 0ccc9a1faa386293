/* SPDX-License-Identifier: Apache-2.0 */
/* gzip: one document compressed as a whole (RFC 1952). */
#ifndef CLOUDSEED_WIRE_GZIP_H
#define CLOUDSEED_WIRE_GZIP_H

#include "base/arena.h"

/* False where the result would not be smaller than `plain`. The same bytes for the same input:
 * no time, no name in the header. */
bool gzip_compress(struct str plain, struct arena *a, struct str *ret);

#endif
