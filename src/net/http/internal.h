/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of net/http/ share.
 *
 * The way of a request: accept.c takes the connection, connection.c keeps its deadline, run.c lets
 * libmicrohttpd read, request.c makes an exchange of what it read, respond.c an answer of what came
 * back. server.c begins and ends all of it.
 */
#ifndef CLOUDSEED_NET_HTTP_INTERNAL_H
#define CLOUDSEED_NET_HTTP_INTERNAL_H

#include "net/http/http.h"
#include "net/socket.h"

#include <microhttpd.h>
#include <sys/queue.h>

/* Connections are counted by a hash of their address: two addresses may share a slot, and then
 * they share its limit; memory stays the same whoever comes. */
#define PEER_SLOTS 8192

struct http_connection {
    TAILQ_ENTRY(http_connection) entry;
    struct http_server *server;
    struct endpoint peer;
    uint64_t deadline_ms; /* on the loop's clock */
    uint32_t peer_slot;
    int fd;
    enum exchange_listener listener;
    bool answering; /* which list it is in */
    bool used;      /* has had an answer: idle, and nobody would miss it */
};

TAILQ_HEAD(http_connections, http_connection);

struct http_listener {
    LIST_ENTRY(http_listener) entry;
    struct http_server *server;
    uv_poll_t watch;
    int fd;
    enum exchange_listener kind;
};

struct http_request {
    SLIST_ENTRY(http_request) entry; /* among those that are free */
    struct http_server *server;
    struct http_connection *connection;
    struct exchange exchange;
    uint64_t begun_ns;
    bool begun;
    const char *refusal; /* of the request's form: why it is a 400 */
    unsigned host_n, length_n, encoding_n, odd_names_n;
    bool close;
};

struct http_server {
    uv_loop_t *loop;
    const struct exchange_port *port;
    struct http_limits limits;
    struct MHD_Daemon *daemon;
    uv_poll_t watch;     /* libmicrohttpd's epoll */
    uv_timer_t again;    /* it wants to be run again */
    uv_timer_t deadline; /* of the connection that is due first */
    unsigned handles;    /* of the server's own three that are still open */
    LIST_HEAD(, http_listener) listeners;
    struct http_connections waiting;   /* for a request: in the order of their deadlines */
    struct http_connections answering; /* likewise */
    SLIST_HEAD(, http_request) spare_requests;
    unsigned spare_requests_n;
    uint32_t connections_n;
    uint32_t peers[PEER_SLOTS];
    int spare_fd;                           /* kept for the day when descriptors run out */
    const struct http_connection *arriving; /* what accept.c tells connection.c */
    bool draining, freeing;
    uint64_t drain_until_ms;
    void (*on_drained)(void *cls);
    void *drained_cls;
};

/* run.c: lets libmicrohttpd do what there is to do, now or at the loop's next turn. */
void http_server_run(struct http_server *s);
void http_server_run_soon(struct http_server *s);

/* accept.c */
void http_listener_close(struct http_listener *l);
void http_accept_rest(struct http_listener *l);

/* connection.c: libmicrohttpd's notices of connections that begin and end. */
void http_connection_notice(void *cls, struct MHD_Connection *m, void **context,
                            enum MHD_ConnectionNotificationCode code);
uint32_t http_connection_slot(struct address peer);
void http_connection_answering(struct http_connection *c);
void http_connection_waiting(struct http_connection *c);
void http_connections_close_idle(struct http_server *s);
void http_connections_cut(struct http_server *s);
void http_connections_arm(struct http_server *s, uint64_t deadline_ms);
void http_connections_on_deadline(uv_timer_t *timer);

/* request.c: libmicrohttpd's callbacks of a request, in their order. */
void *http_request_begin(void *cls, const char *target, struct MHD_Connection *m);
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *m, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_n, void **context);
void http_request_end(void *cls, struct MHD_Connection *m, void **context,
                      enum MHD_RequestTerminationCode how);
void http_requests_free_spare(struct http_server *s);

/* respond.c: the answer as libmicrohttpd wants it. MHD_NO where it could not be queued. */
enum MHD_Result http_respond(struct MHD_Connection *m, const struct exchange_out *out, bool close);

#endif
