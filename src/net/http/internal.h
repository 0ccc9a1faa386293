/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of net/http/ share.
 *
 * The path of a request: accept.c takes the connection, connection.c keeps its deadline, server.c
 * lets libmicrohttpd read, request.c makes an exchange of what it read and suspends it while core
 * waits, respond.c sends the answer.
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
/* Connections beyond the limit, for this machine's own: admins look when all others are taken. */
#define LOCAL_RESERVE 16

/* What a connection is in the middle of, and so which deadline it has. */
enum http_phase {
    PHASE_WAITING,   /* for a request to come in whole */
    PHASE_ANSWERING, /* for an answer to be taken */
    PHASE_SUSPENDED, /* for core, which said WAIT */
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
    uint64_t acked;       /* of a file: what the peer had when it was last asked */
    uint32_t peer_slot, peer_uid;
    int fd;
    enum exchange_listener listener;
    enum http_phase phase; /* which list it is in */
    bool used;             /* has had an answer: idle, and nobody would miss it */
};

TAILQ_HEAD(http_connections, http_connection);

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
    bool suspended; /* libmicrohttpd lets it rest */
    bool expired;   /* held for too long */
    bool ended;     /* the stream's last step was done */
};

struct http_listener {
    LIST_ENTRY(http_listener) entry;
    struct http_server *server;
    uv_poll_t watch;
    int fd;
    enum exchange_listener kind;
};

enum http_refusal { REFUSE_FULL, REFUSE_PEER_FULL, REFUSE_DESCRIPTORS, REFUSE_REASONS };

struct http_refusal_count {
    uint64_t n;          /* since they were told last */
    struct address peer; /* the last one; family 0: none */
};

struct http_refusals {
    uv_timer_t pause; /* until the next lines */
    struct http_refusal_count counts[REFUSE_REASONS];
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
    struct http_refusals refusals;
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

/* server.c: lets libmicrohttpd do what there is to do, now or at the loop's next turn. */
void http_server_pump(struct http_server *s);
void http_server_pump_soon(struct http_server *s);

/* accept.c */
void http_refusals_init(struct http_refusals *r, uv_loop_t *loop);
/* Logs what was not logged yet: for the end. */
void http_refusals_log(struct http_refusals *r);
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

/* request.c: libmicrohttpd's callbacks of a request, in their order. */
void *http_request_begin(void *cls, const char *target, struct MHD_Connection *m);
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *m, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_n, void **context);
void http_request_end(void *cls, struct MHD_Connection *m, void **context,
                      enum MHD_RequestTerminationCode how);
void http_requests_free_spare(struct http_server *s);

/* Lets a request wait for http_resume, in `phase`. */
void http_suspend(struct http_request *r, enum http_phase phase);
void http_resume(struct http_request *r);

/* respond.c: the answer as libmicrohttpd wants it. MHD_NO where it could not be queued. */
enum MHD_Result http_respond(struct http_request *r, bool close);
/* Whether a share ended the answer before its time. */
bool http_respond_failed(const struct http_request *r);
void http_respond_end(struct http_request *r);

#endif
