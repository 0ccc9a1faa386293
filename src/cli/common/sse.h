/* SPDX-License-Identifier: Apache-2.0 */
/* sse: server-sent events out of the bytes that they come in (HTML, section 9.2.6). */
#ifndef CLOUDSEED_CLI_COMMON_SSE_H
#define CLOUDSEED_CLI_COMMON_SSE_H

#include "base/buf.h"

#define SSE_EVENT_MAX_BYTES ((size_t)1024 * 1024)

struct sse_event {
    struct str id;   /* of this event, or of one before where it has none */
    struct str kind; /* "message" where none is told */
    struct str data;
};

typedef void (*sse_event_fn)(void *cls, const struct sse_event *event);

struct sse {
    struct buf line, id, kind, data;
    struct buf last; /* the id of the last event that came whole */
    bool cr;         /* the byte before was a carriage return: a line feed belongs to it */
    sse_event_fn on_event;
    void *cls;
};

void sse_init(struct sse *s, sse_event_fn on_event, void *cls);
void sse_done(struct sse *s);
/* A new connection: what has not ended yet is forgotten, with its id. */
void sse_restart(struct sse *s);
/* False where an event is larger than we take. */
bool sse_feed(struct sse *s, struct str bytes);

#endif
