/* SPDX-License-Identifier: Apache-2.0 */
/* request: one request on its way to core and back, as libmicrohttpd calls us for it. */
#ifndef CLOUDSEED_NET_HTTP_REQUEST_H
#define CLOUDSEED_NET_HTTP_REQUEST_H

#include "net/http/internal.h"

struct http_request {
    SLIST_ENTRY(http_request) entry; /* among those that are free */
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *m;
    struct exchange exchange;
    struct buf body; /* the peer's */
    uint64_t begun_ns;
    uint64_t streamed;        /* bytes of a stream that went out */
    size_t stream_at;         /* of what is in the exchange's buffer */
    struct http_block *block; /* of a file on a share, NULL: none is sent */
    const char *refusal;      /* of the request's form: why it is refused */
    int refusal_status;
    unsigned host_n, length_n, encoding_n, odd_names_n;
    uint64_t length; /* of the body, as it was announced */
    bool begun, close;
    bool held;    /* libmicrohttpd lets it rest */
    bool woken;   /* before it was held, or while it is */
    bool expired; /* held for too long */
    bool ended;   /* the stream's last step was done */
};

/* request.c: libmicrohttpd's callbacks of a request, in their order. */
void *http_request_begin(void *cls, const char *target, struct MHD_Connection *m);
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *m, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_n, void **context);
void http_request_end(void *cls, struct MHD_Connection *m, void **context,
                      enum MHD_RequestTerminationCode how);
void http_requests_free_spare(struct http_server *s);
/* Steps until the exchange says DONE, or was not woken meanwhile. */
enum exchange_verdict http_request_advance(struct http_request *r);

/* hold.c: requests that wait for core. */
void http_hold(struct http_request *r, enum http_phase phase);
/* Lets a request that is held go on. */
void http_hold_release(struct http_request *r);

/* share.c: the body out of a file on a share. It takes the file over. */
struct MHD_Response *http_share_response(struct http_request *r);
/* Whether the share ended the answer before its time. */
bool http_share_failed(const struct http_request *r);
void http_share_end(struct http_request *r);

/* respond.c: the answer as libmicrohttpd wants it. MHD_NO where it could not be queued. */
enum MHD_Result http_respond(struct http_request *r, bool close);

#endif
