/* SPDX-License-Identifier: Apache-2.0 */
/* refusals: connections that are refused, counted and logged: the first one at once, then what came
 * in each pause, so that a flood of them makes no flood of lines. */
#ifndef CLOUDSEED_NET_HTTP_REFUSALS_H
#define CLOUDSEED_NET_HTTP_REFUSALS_H

#include "model/address.h"

#include <uv.h>

enum http_refusal {
    REFUSE_FULL,
    REFUSE_BUSY, /* the rest is for addresses that have few */
    REFUSE_PEER_FULL,
    REFUSE_DESCRIPTORS,
    REFUSE_HANDSHAKE, /* gave way to another */
    REFUSE_NOT_TLS,
    REFUSE_NOT_PROXIED,
    REFUSE_REASONS
};

struct http_refusal_count {
    uint64_t n;          /* since they were last logged */
    struct address peer; /* the last one; family 0: none */
};

struct http_refusals {
    uv_timer_t pause; /* until the next lines */
    struct http_refusal_count counts[REFUSE_REASONS];
};

void http_refusals_init(struct http_refusals *r, uv_loop_t *loop);
/* Logs what has not been logged yet, before the end. */
void http_refusals_log(struct http_refusals *r);
void http_refusals_count(struct http_refusals *r, enum http_refusal reason, struct address peer);

#endif
