/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: HTTP/1.1 on one loop: libmicrohttpd in external epoll mode under libuv.
 *
 * It owns listening sockets, connections and the form of requests and answers; the answers come
 * through the exchange port. A server belongs to one loop and its thread. Servers share only what
 * is behind their ports.
 */
#ifndef CLOUDSEED_NET_HTTP_HTTP_H
#define CLOUDSEED_NET_HTTP_HTTP_H

#include "base/err.h"
#include "net/listener.h"
#include "port/exchange.h"
#include "port/work.h"

#include <uv.h>

struct http_server;

struct http_limits {
    uint32_t connections;
    uint32_t connections_per_address;
    uint32_t request_ms; /* from accept, or the last answer's end, to a whole request */
    uint32_t answer_ms;  /* to the answer's last byte; of a file, between signs of progress */
    /* Networks of load balancers: a connection from there begins with a head of the PROXY protocol,
     * which names its client. They outlive the server. */
    const struct cidr *proxies;
    size_t proxies_n;
};

/* `work` reads files on network shares. */
int http_server_new(uv_loop_t *loop, const struct exchange_port *port, const struct work_port *work,
                    const struct http_limits *limits, struct http_server **ret, struct err *e);

/* Serves TLS with this certificate from now on, as tls_use in net/http/tls.h. Connections that
 * exist go on. */
int http_use_certificate(struct http_server *s, const char *chain_pem, const char *key_pem,
                         struct err *e);

/* Answers on a listening TCP or unix socket, which it takes over when it succeeds. -ENOKEY for TLS
 * before there is a certificate. */
int http_server_listen(struct http_server *s, const struct listener *described, struct err *e);

/* Fits struct wake; `cls` is the server. */
void http_server_wake(void *cls, struct slot_ref who);

/* Accepts no more, closes idle connections and lets current requests end; connections that are left
 * after `within_ms` are cut. `on_drained` comes once, from the loop, never from within this call.
 */
void http_server_drain(struct http_server *s, uint32_t within_ms, void (*on_drained)(void *cls),
                       void *cls);

/* Closes everything that is left; memory is freed once the loop has run the close callbacks. Of the
 * server's own callbacks only on_drained may call it. */
void http_server_free(struct http_server *s);

uint32_t http_server_connections(const struct http_server *s);
/* Those whose request line has come and whose answer has not gone out. */
uint32_t http_server_requests(const struct http_server *s);
/* Of answers that went out, without heads; of those that were cut off, only what streams had sent.
 */
uint64_t http_server_sent_bytes(const struct http_server *s);

#endif
