/* SPDX-License-Identifier: Apache-2.0 */
/* range: which part of a file a request wants (RFC 9110, section 14). */
#ifndef CLOUDSEED_WIRE_RANGE_H
#define CLOUDSEED_WIRE_RANGE_H

#include "base/str.h"

struct range {
    uint64_t offset, length;
};

enum range_verdict {
    RANGE_WHOLE, /* 200: no range is requested, or none that is supported */
    RANGE_PART,  /* 206 */
    RANGE_BEYOND /* 416: it lies outside of the file */
};

/* What the Range header (p == NULL: none) requests of a file of `size` bytes. *ret is set only with
 * RANGE_PART. Several ranges get the whole file, as section 14.2 permits: every client must
 * understand that, and no boot client requests several. */
enum range_verdict range_parse(struct str header, uint64_t size, struct range *ret);

/* Whether the range applies: there is no If-Range, or it names this entity tag. A date never
 * matches: a file may change twice in a second (section 13.1.5). */
bool range_applies(struct str if_range, struct str etag);

#define RANGE_TEXT_SIZE 80
/* The value of Content-Range: "bytes 0-499/1234", or with NULL, for 416, the form without a
 * part. Returns `text`. */
const char *range_text(const struct range *r, uint64_t size, char text[static RANGE_TEXT_SIZE]);

#endif
