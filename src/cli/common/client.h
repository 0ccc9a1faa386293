/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: HTTP requests to the server, and its stream of events.
 *
 * Only its source uses libcurl in the tool. The meaning of requests and answers belongs to
 * cli/common/api.h and the commands.
 */
#ifndef CLOUDSEED_CLI_COMMON_CLIENT_H
#define CLOUDSEED_CLI_COMMON_CLIENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct server_address {
    const char *where;  /* as it was given, for messages; NULL: no server */
    const char *socket; /* NULL: `url` */
    const char *url;    /* without a slash at its end */
    bool named;         /* by option, environment or context, not the configuration */
    struct str ca;      /* PEM: verifies an https URL only by these; empty: the system's */
    struct str token;   /* shown to an https URL; empty: none */
    const char *group;  /* may open the socket, by the configuration; NULL: unknown */
};

struct client;

struct client_request {
    const char *method;
    struct str target; /* "/v1/nodes?limit=100" */
    struct str body;   /* JSON; p == NULL: none */
    struct str if_match;
};

struct client_answer {
    int status;
    struct str etag, text; /* in the arena */
};

/* `server` must outlive it. Sends nothing. Never NULL. */
struct client *client_new(const struct server_address *server);
void client_free(struct client *cl);

/* Sends a request and waits for the whole answer, whatever its status. -errno with a message for
 * the user: -ENOENT or -ECONNREFUSED if no server is there, -EACCES without permission or trust,
 * -ETIMEDOUT, -EIO. */
int client_ask(struct client *cl, const struct client_request *q, struct arena *a,
               struct client_answer *ret, struct err *e);

/* --- sse: server-sent events, parsed from the bytes of a response (HTML, section 9.2.6) ----- */

#define SSE_EVENT_MAX_BYTES ((size_t)1024 * 1024)

struct sse_event {
    struct str id;   /* of this event, or the last one given */
    struct str kind; /* "message" if none is given */
    struct str data;
};

typedef void (*sse_event_fn)(void *cls, const struct sse_event *event);

struct sse {
    struct buf line, id, kind, data;
    struct buf last; /* the id of the last complete event */
    bool cr; /* the previous byte was a carriage return: a line feed after it is not a line */
    sse_event_fn on_event;
    void *cls;
};

void sse_init(struct sse *s, sse_event_fn on_event, void *cls);
void sse_done(struct sse *s);
/* A new connection: drops an incomplete event and its id. */
void sse_restart(struct sse *s);
/* False if an event exceeds SSE_EVENT_MAX_BYTES. */
bool sse_feed(struct sse *s, struct str bytes);

/* --- The stream of events ------------------------------------------------------------------- */

/*
 * A stream of events. It reconnects after the last event received, and waits for a server that
 * restarts.
 */
struct client_stream;

/* `after` is the id of the last known event. Sends nothing. */
struct client_stream *client_stream_new(struct client *cl, struct str target, struct str after,
                                        sse_event_fn on_event, void *cls);
void client_stream_free(struct client_stream *s);

/* Passes on the events that arrive within `timeout_ms`; returns early after events, when `fd` is
 * readable (-1: none) or after a signal. -errno if the server permanently refuses the stream. */
int client_stream_wait(struct client_stream *s, int timeout_ms, int fd, struct err *e);

/* Why the connection is lost; NULL: it is not, or the first attempt has not failed yet. */
const char *client_stream_trouble(const struct client_stream *s);

#endif
