/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: HTTP requests to the server, and its stream of events.
 *
 * It alone knows libcurl. What requests and answers mean is cli/api.h's and the commands' business.
 */
#ifndef CLOUDSEED_CLI_COMMON_CLIENT_H
#define CLOUDSEED_CLI_COMMON_CLIENT_H

#include "base/err.h"
#include "cli/common/server.h"
#include "cli/common/sse.h"

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
