/* SPDX-License-Identifier: Apache-2.0 */
/* uri: percent-encoding of paths and queries (RFC 3986). */
#ifndef CLOUDSEED_WIRE_URI_H
#define CLOUDSEED_WIRE_URI_H

#include "base/arena.h"

/* Decodes one path segment. False for a "%" without two hex digits behind it, and for a control
 * character: our names contain none, and %00 is an attempt to truncate a path. */
bool uri_decode_segment(struct str s, struct arena *a, struct str *ret);

/* Percent-encodes all but unreserved characters. */
struct str uri_encode_segment(struct str s, struct arena *a);

#endif
