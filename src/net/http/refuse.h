/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse: connections that are one too many, turned away in words and counted for the log.
 *
 * A flood of them may not become a flood of lines: the first is told at once, the others together,
 * every few seconds. Who is refused, and when, is for others to say.
 */
#ifndef CLOUDSEED_NET_HTTP_REFUSE_H
#define CLOUDSEED_NET_HTTP_REFUSE_H

#include "model/address.h"

#include <uv.h>

enum refuse_reason { REFUSE_FULL, REFUSE_PEER_FULL, REFUSE_DESCRIPTORS, REFUSE_REASONS };

struct refuse_count {
    uint64_t n;          /* since they were told last */
    struct address peer; /* the last one; family 0: none */
};

struct refuse {
    uv_timer_t pause; /* until the next lines */
    struct refuse_count counts[REFUSE_REASONS];
};

/* The timer is closed by whoever closes the server's handles. */
void refuse_init(struct refuse *r, uv_loop_t *loop);

/* Answers 503 and closes `fd`. */
void refuse_connection(struct refuse *r, int fd, enum refuse_reason reason, struct address peer);

/* Tells what was not told yet: for the end. */
void refuse_tell(struct refuse *r);

#endif
