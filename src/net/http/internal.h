/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of net/http/ share.
 *
 * The path of a request: accept.c takes the connection, connection.c keeps its deadline, server.c
 * lets libmicrohttpd read, request.c makes an exchange of what it read and suspends it while core
 * waits, respond.c sends the answer. Of a connection from a proxy, proxied.c reads first who its
 * client is. Of a TLS connection, handshake.c sees the handshake through first, and notices the
 * peer that leaves while its request is suspended.
 */
#ifndef CLOUDSEED_NET_HTTP_INTERNAL_H
#define CLOUDSEED_NET_HTTP_INTERNAL_H

#include "net/http/http.h"
#include "net/http/refusals.h"
#include "net/http/tls.h"
#include "net/socket.h"

#include <assert.h>
#include <microhttpd.h>
#include <sys/queue.h>

/* Connections are counted by a hash of their address, so that the memory is bounded. Two addresses
 * with the same hash share one limit. */
#define PEER_SLOTS 8192
/* Connections beyond the limit, for unix sockets: admins need one when all others are taken. */
#define LOCAL_RESERVE 16

/* What a connection waits for, and so which deadline it has. */
enum http_phase {
    PHASE_WAITING,   /* for a whole request */
    PHASE_ANSWERING, /* for the peer to take the answer */
    PHASE_SENDING,   /* the same, of a file: looked at every second, as it may become shorter */
    PHASE_SUSPENDED, /* for core, which said WAIT */
    PHASE_STREAMING, /* for the next piece of a stream or of a file on a share: no deadline */
    PHASES
};

struct http_request;

/* Of a TLS connection; any other has none. */
enum http_handshake {
    HANDSHAKE_NONE,  /* it is done, or given up */
    HANDSHAKE_RUNS,  /* libmicrohttpd has it */
    HANDSHAKE_WAITS, /* for the peer, and libmicrohttpd's connection is suspended */
    HANDSHAKE_STATES
};

#define CONNECTION_MAGIC 0x436f6e6eU /* "Conn" */
#define REQUEST_MAGIC 0x52657175U    /* "Requ" */

struct http_connection {
    unsigned magic;
    TAILQ_ENTRY(http_connection) entry;
    TAILQ_ENTRY(http_connection) silent; /* in its engine's silent_connections */
    TAILQ_ENTRY(http_connection) handshake_entry;
    struct http_server *server;
    struct http_engine *engine;
    struct MHD_Connection *m;
    struct tls_session tls;
    struct http_request *request; /* the current one, NULL: none */
    struct endpoint peer;
    uint64_t deadline_ms; /* on the loop's clock */
    uint64_t acked;       /* bytes that the peer had acknowledged at `acked_ms` */
    uint64_t acked_ms;
    uint32_t peer_slot;
    struct principal principal;
    int fd;
    enum exchange_listener listener;
    enum http_phase phase; /* which list it is in */
    enum http_handshake handshake;
    bool is_watched; /* its descriptor, by handshake.c */
    bool used;       /* has had an answer: may be closed when idle */
    bool is_silent;  /* has never sent the head of a request */
};

TAILQ_HEAD(http_connections, http_connection);
struct http_proxied;

enum http_request_state {
    REQUEST_SPARE,
    REQUEST_OPENED,  /* the request line has come */
    REQUEST_BEGUN,   /* the exchange has begun; the body is read, or core waits */
    REQUEST_ANSWERED /* the answer is being sent */
};

struct http_request {
    unsigned magic;
    enum http_request_state state;
    SLIST_ENTRY(http_request) entry; /* in spare_requests */
    LIST_ENTRY(http_request) opened; /* in opened_requests */
    LIST_ENTRY(http_request) held;   /* in its engine's held_requests */
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *m;
    struct exchange exchange;
    struct buf body; /* the peer's */
    uint64_t begun_ns;
    uint64_t streamed;        /* bytes of a stream that went out */
    size_t stream_at;         /* of what is in the exchange's buffer */
    struct http_block *block; /* of a file on a share, NULL: none */
    const char *refusal;      /* why it is refused, NULL: it is not */
    int refusal_status;
    unsigned host_n, length_n, encoding_n, authorization_n, cookies_n, odd_names_n;
    struct str authorization; /* the header's value, in libmicrohttpd's memory */
    const char *version_at;   /* where the request line has the version */
    int file_fd;              /* of the file that is sent; libmicrohttpd closes it; -1: none */
    uint64_t length;          /* Content-Length */
    bool close;               /* the connection, after the answer */
    bool has_bare_cr;         /* in a header, where it ends no line */
    bool dropping;            /* was answered within its body; the rest is not kept */
    bool truncated;           /* the file became shorter while it was sent */
    bool is_fed;              /* a piece of the body has come since http_connections_cut_stuck */
    bool suspended;           /* until http_resume */
    bool is_held;             /* suspended, but not yet in libmicrohttpd */
    bool expired;             /* was suspended for too long */
    bool abandoned;           /* its peer left while it was suspended */
    bool ended;               /* the exchange's last step is done */
};

struct http_listener {
    LIST_ENTRY(http_listener) entry;
    struct http_engine *engine;
    uv_poll_t watch;
    int fd;
    enum exchange_listener kind;
    unsigned batch;   /* connections to take at the next event */
    unsigned singles; /* events with one connection */
};

/* One of libmicrohttpd's daemons, without or with TLS. They share the server's limits. */
enum { ENGINE_PLAIN, ENGINE_TLS, ENGINES };

struct http_engine {
    struct http_server *server;
    struct MHD_Daemon *daemon;                  /* NULL: not started */
    uv_poll_t watch;                            /* libmicrohttpd's epoll */
    struct http_connections silent_connections; /* oldest first */
    LIST_HEAD(, http_request) held_requests;    /* to be suspended after this run */
    uint32_t connections_n;
    unsigned spins; /* pumps in a row after which libmicrohttpd had more to do */
    bool is_due;    /* to be pumped at the loop's next iteration */
};

struct http_server {
    uv_loop_t *loop;
    const struct exchange_port *port;
    const struct work_port *work; /* for files on shares */
    struct http_limits limits;
    struct http_engine engines[ENGINES];
    struct tls *tls; /* NULL: no certificate yet */
    int peers_epoll; /* of descriptors that handshake.c watches; -1: no TLS */
    uv_poll_t peers_watch;
    uv_idle_t again;     /* pumps at the loop's next iteration */
    uv_timer_t deadline; /* of the connection that is due first */
    struct http_refusals refusals;
    unsigned handles; /* of those above that are still open */
    LIST_HEAD(, http_listener) listeners;
    struct http_connections phases[PHASES];               /* each in the order of its deadlines */
    struct http_connections handshakes[HANDSHAKE_STATES]; /* those that wait: longest first */
    unsigned handshakes_n;
    TAILQ_HEAD(, http_proxied)
    proxied; /* connections whose client is not known yet: oldest first */
    unsigned proxied_n;
    LIST_HEAD(, http_request) opened_requests; /* whose head is not whole */
    SLIST_HEAD(, http_request) spare_requests;
    unsigned spare_requests_n;
    struct slots requests; /* that have begun */
    uint32_t connections_n, requests_n;
    uint64_t sent_bytes;
    size_t bodies_bytes; /* received of bodies whose request has not ended */
    uint32_t peers[PEER_SLOTS];
    int spare_fd;                           /* to refuse a connection when descriptors run out */
    const struct http_connection *arriving; /* from accept.c to connection.c */
    bool draining, freeing;
    bool has_strict_parser; /* libmicrohttpd refuses NULs, folded headers and bare LFs by itself */
    uint64_t drain_until_ms;
    void (*on_drained)(void *cls);
    void *drained_cls;
};

static inline void http_connection_check(const struct http_connection *c)
{
    assert(c->magic == CONNECTION_MAGIC && (unsigned)c->phase < PHASES);
}

static inline void http_request_check(const struct http_request *r, enum http_request_state state)
{
    assert(r->magic == REQUEST_MAGIC && r->state == state);
}

static inline bool http_engine_is_tls(const struct http_engine *g)
{
    return g == &g->server->engines[ENGINE_TLS];
}

/* server.c: runs libmicrohttpd once, or for as long as it has more to do: now or at the loop's next
 * iteration. */
void http_engine_run(struct http_engine *g);
void http_engine_pump(struct http_engine *g);
void http_engine_pump_soon(struct http_engine *g);
int http_engine_start(struct http_engine *g, struct err *e);

/* accept.c */
void http_listener_close(struct http_listener *l);
void http_accept_rest(struct http_listener *l);
/* Takes a connection whose peer is known, or refuses it: closes its descriptor. */
void http_connection_admit(struct http_connection *arriving);

/* proxied.c */
bool http_is_proxy(const struct http_server *s, struct address peer);
/* Admits the connection, as its client's, once the proxy has said who that is. */
void http_proxied_begin(const struct http_connection *arriving);
/* All whose client is not known yet. */
void http_proxied_close(struct http_server *s);

/* connection.c: libmicrohttpd's notices of connections that begin and end. */
void http_connection_notice(void *cls, struct MHD_Connection *m, void **context,
                            enum MHD_ConnectionNotificationCode code);
uint32_t http_connection_slot(struct address peer);
void http_connection_enter(struct http_connection *c, enum http_phase phase);
/* The request has ended. */
void http_connection_waiting(struct http_connection *c);
/* The head of a request has come. */
void http_connection_heard(struct http_connection *c);
/* Closes the engine's oldest connection that has never sent the head of a request; false: there is
 * none. */
bool http_connections_make_room(struct http_engine *g);
/* Closes requests whose body comes in chunks and has not gone on since the last call. */
void http_connections_cut_stuck(struct http_engine *g);
/* libmicrohttpd closes it in its next run. */
void http_connection_cut(struct http_connection *c);
void http_connections_close_idle(struct http_server *s);
void http_connections_cut(struct http_server *s);
void http_connections_arm(struct http_server *s, uint64_t deadline_ms);
void http_connections_on_deadline(uv_timer_t *timer);

/* handshake.c */
int http_handshakes_start(struct http_server *s);
void http_handshake_begin(struct http_connection *c);
/* The connection has ended. */
void http_handshake_end(struct http_connection *c);
/* After each run of libmicrohttpd. */
void http_handshakes_settle(struct http_server *s);
/* For one more: where there are too many, the one that has waited longest gives way. */
void http_handshakes_make_room(struct http_server *s);
/* Lets libmicrohttpd go on with a handshake that waits. */
void http_handshake_resume(struct http_connection *c);
/* All, before libmicrohttpd is stopped. */
void http_handshakes_resume(struct http_server *s);
/* Notices when the peer of a suspended request leaves. */
void http_peer_watch(struct http_connection *c);

/* request.c: libmicrohttpd's callbacks of a request, in their order. */
void *http_request_begin(void *cls, const char *target, struct MHD_Connection *m);
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *m, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_n, void **context);
void http_request_end(void *cls, struct MHD_Connection *m, void **context,
                      enum MHD_RequestTerminationCode how);
/* Ends the connection's request if libmicrohttpd has not. */
void http_request_forget(struct http_connection *c);
void http_requests_free_spare(struct http_server *s);
/* libmicrohttpd refuses the head that it has just read, and would answer twice. */
void http_request_refuse_head(struct http_server *s, int status, struct str text);

/* Suspends a request until http_resume, in PHASE_SUSPENDED or PHASE_STREAMING. */
void http_suspend(struct http_request *r, enum http_phase phase);
/* After each run of libmicrohttpd. */
void http_requests_settle(struct http_engine *g);
void http_resume(struct http_request *r);
/* Ends a suspended request whose peer has left. */
void http_request_abandon(struct http_request *r);

/* respond.c: the answer as libmicrohttpd wants it. MHD_NO where it could not be queued. */
enum MHD_Result http_respond(struct http_request *r, bool close);
/* Answers without libmicrohttpd, which takes no answer while it reads a body, and closes our side
 * of the connection. */
void http_respond_at_once(struct http_connection *c, const struct exchange_out *out);
/* Why we have cut the body short; NULL: we have not. */
const char *http_respond_failed(const struct http_request *r);
/* Whether the file has become shorter than what was promised of it. */
bool http_respond_truncated(struct http_request *r);
void http_respond_end(struct http_request *r);

#endif
