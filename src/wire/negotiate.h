/* SPDX-License-Identifier: Apache-2.0 */
/* negotiate: the request headers that choose among answers (RFC 9110, sections 12.5.3 and 13.1.2).
 */
#ifndef CLOUDSEED_WIRE_NEGOTIATE_H
#define CLOUDSEED_WIRE_NEGOTIATE_H

#include "base/str.h"

/* Whether Accept-Encoding lets us answer with gzip: named, or "*", and not with a weight of 0. */
bool negotiate_gzip(struct str accept_encoding);

/* Whether If-None-Match names this entity tag (with its quotes), by weak comparison, or is "*". */
bool negotiate_etag_listed(struct str if_none_match, struct str etag);

#endif
