/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: HTTP requests to the server, and its stream of events.
 *
 * It alone knows libcurl. What requests and answers mean is cli/api.h's and the commands' business.
 */
#ifndef CLOUDSEED_CLI_COMMON_CLIENT_H
#define CLOUDSEED_CLI_COMMON_CLIENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct server_address {
    const char *where;  /* as it was named, for messages; NULL: there shall be none */
    const char *socket; /* NULL: `url` */
    const char *url;    /* without a slash at its end */
    bool named;         /* for this very call, by option or environment */
    const char *group;  /* whose members may open the socket, as far as the configuration tells */
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

/* `server` must last. Nothing is sent yet. Never NULL. */
struct client *client_new(const struct server_address *server);
void client_free(struct client *cl);

/* Asks and waits for the whole answer, of whatever status. Else -errno, and why in words that help:
 * -ENOENT and -ECONNREFUSED: nobody is there, -EACCES: not for us, -ETIMEDOUT, -EIO. */
int client_ask(struct client *cl, const struct client_request *q, struct arena *a,
               struct client_answer *ret, struct err *e);

/* --- sse: server-sent events, parsed from the bytes of a response (HTML, section 9.2.6) --------
 */

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

/* --- The stream of events ----------------------------------------------------------------------
 */

/*
 * The stream of events. It connects again by itself, from the last event on: a server that is
 * restarted is waited for.
 */
struct client_stream;

/* `after` is the id of the last event known. Nothing is sent yet. */
struct client_stream *client_stream_new(struct client *cl, struct str target, struct str after,
                                        sse_event_fn on_event, void *cls);
void client_stream_free(struct client_stream *s);

/* Hands on what comes within `timeout_ms`, at least once; ends early once something came, `fd` can
 * be read (-1: none), or a signal. -errno where the server refuses it for good. */
int client_stream_wait(struct client_stream *s, int timeout_ms, int fd, struct err *e);

/* Why there is no connection just now; NULL: there is one, or the first has not failed yet. */
const char *client_stream_trouble(const struct client_stream *s);

#endif
