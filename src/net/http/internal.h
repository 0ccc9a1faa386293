/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of net/http/ share; request.h has what they know of a request.
 *
 * The way of a request: accept.c takes the connection, connection.c keeps its deadline, run.c lets
 * libmicrohttpd read, request.c makes an exchange of what it read, respond.c an answer of what came
 * back; what waits is held and woken by hold.c. server.c begins and ends all of it.
 */
#ifndef CLOUDSEED_NET_HTTP_INTERNAL_H
#define CLOUDSEED_NET_HTTP_INTERNAL_H

#include "net/http/http.h"
#include "net/http/refuse.h"
#include "net/socket.h"

#include <microhttpd.h>
#include <sys/queue.h>

/* Connections are counted by a hash of their address: two addresses may share a slot, and then
 * they share its limit; memory stays the same whoever comes. */
#define PEER_SLOTS 8192
/* Connections beyond the limit, for this machine's own: admins look when all others are taken. */
#define LOCAL_RESERVE 16

/* What a connection is in the middle of, and so which deadline it has. */
enum http_phase {
    PHASE_WAITING,   /* for a request to come in whole */
    PHASE_ANSWERING, /* for an answer to be taken */
    PHASE_HELD,      /* for core, which said WAIT */
    PHASE_STREAMING, /* likewise, within a stream: for as long as it likes */
    PHASES
};

struct http_request;

struct http_connection {
    TAILQ_ENTRY(http_connection) entry;
    struct http_server *server;
    struct http_request *request; /* that is under way, NULL: none */
    struct endpoint peer;
    uint64_t deadline_ms; /* on the loop's clock */
    uint64_t taken;       /* of a file: what the peer had when it was last asked */
    uint32_t peer_slot, peer_uid;
    int fd;
    enum exchange_listener listener;
    enum http_phase phase; /* which list it is in */
    bool used;             /* has had an answer: idle, and nobody would miss it */
};

TAILQ_HEAD(http_connections, http_connection);

struct http_listener {
    LIST_ENTRY(http_listener) entry;
    struct http_server *server;
    uv_poll_t watch;
    int fd;
    enum exchange_listener kind;
};

struct http_server {
    uv_loop_t *loop;
    const struct exchange_port *port;
    const struct work_port *work; /* for files on shares */
    struct http_limits limits;
    struct MHD_Daemon *daemon;
    uv_poll_t watch;     /* libmicrohttpd's epoll */
    uv_timer_t again;    /* it wants to be run again */
    uv_timer_t deadline; /* of the connection that is due first */
    struct refuse refuse;
    unsigned handles; /* of the server's own four that are still open */
    LIST_HEAD(, http_listener) listeners;
    struct http_connections phases[PHASES]; /* each in the order of its deadlines */
    SLIST_HEAD(, http_request) spare_requests;
    unsigned spare_requests_n;
    struct slots requests; /* that have begun */
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
void http_connection_enter(struct http_connection *c, enum http_phase phase);
/* The request was answered, or will never be. */
void http_connection_waiting(struct http_connection *c);
void http_connections_close_idle(struct http_server *s);
void http_connections_cut(struct http_server *s);
void http_connections_arm(struct http_server *s, uint64_t deadline_ms);
void http_connections_on_deadline(uv_timer_t *timer);

#endif
