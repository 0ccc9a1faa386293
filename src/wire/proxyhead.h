/* SPDX-License-Identifier: Apache-2.0 */
/* proxyhead: what a load balancer says of its client before the connection's own bytes: the PROXY
 * protocol of HAProxy, versions 1 and 2 (proxy-protocol.txt, sections 2.1 and 2.2). */
#ifndef CLOUDSEED_WIRE_PROXYHEAD_H
#define CLOUDSEED_WIRE_PROXYHEAD_H

#include "model/address.h"

/* The longest that is taken: version 2 with some further fields, which are not read. */
#define PROXYHEAD_MAX_BYTES 1024

enum proxyhead_verdict {
    PROXYHEAD_WHOLE,
    PROXYHEAD_MORE, /* more must come */
    PROXYHEAD_BAD
};

struct proxyhead {
    size_t size; /* bytes; what follows is the client's */
    /* The client; address.family 0: the proxy speaks for itself, or does not say for whom. */
    struct endpoint client;
};

/* *ret is set only with PROXYHEAD_WHOLE. */
enum proxyhead_verdict proxyhead_parse(struct str bytes, struct proxyhead *ret);

#endif
