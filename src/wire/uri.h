/* SPDX-License-Identifier: Apache-2.0 */
/* uri: percent-encoding of paths and queries (RFC 3986). */
#ifndef CLOUDSEED_WIRE_URI_H
#define CLOUDSEED_WIRE_URI_H

#include "base/arena.h"

/* Decodes one path segment. False for a "%" without two hex digits behind it, and for what decodes
 * to a control character: no name of ours holds one, and %00 is how paths get cut short. */
bool uri_decode_segment(struct str s, struct arena *a, struct str *ret);

/* The segment with all but unreserved characters percent-encoded. */
struct str uri_encode_segment(struct str s, struct arena *a);

#endif
