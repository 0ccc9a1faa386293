/* SPDX-License-Identifier: Apache-2.0 */
/* range: which part of a file a request wants (RFC 9110, section 14). */
#ifndef CLOUDSEED_WIRE_RANGE_H
#define CLOUDSEED_WIRE_RANGE_H

#include "base/str.h"

struct range {
    uint64_t offset, length;
};

enum range_verdict {
    RANGE_WHOLE, /* 200: none is asked for, or none that we answer */
    RANGE_PART,  /* 206 */
    RANGE_BEYOND /* 416: nothing of it lies within the file */
};

/* What the Range header says of a file of `size` bytes; p == NULL: there is none. *ret is set with
 * RANGE_PART alone. Several ranges get the whole file, as section 14.2 lets a server do: every
 * client must understand that, and none of those that boot machines asks for several. */
enum range_verdict range_parse(struct str header, uint64_t size, struct range *ret);

/* Whether If-Range lets the range count: it names this very entity tag, or there is none. A date
 * never does: two files may be of one second (section 13.1.5). */
bool range_applies(struct str if_range, struct str etag);

#define RANGE_TEXT_SIZE 80
/* The value of Content-Range: "bytes 0-499/1234", or with NULL, for 416, its form without a part.
 * Returns `text`. */
const char *range_text(const struct range *r, uint64_t size, char text[static RANGE_TEXT_SIZE]);

#endif
