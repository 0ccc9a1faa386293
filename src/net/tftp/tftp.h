/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tftp: a read-only TFTP server on one loop (RFC 1350, 2347, 2348, 2349, 7440).
 *
 * It owns listening sockets, transfers and the form of packets; what is served comes through the
 * exchange port, as a GET of "/" and the file's name. A server belongs to one loop and its thread.
 */
#ifndef CLOUDSEED_NET_TFTP_TFTP_H
#define CLOUDSEED_NET_TFTP_TFTP_H

#include "base/err.h"
#include "net/listener.h"
#include "port/exchange.h"
#include "port/work.h"

#include <uv.h>

struct tftp_server;

struct tftp_limits {
    uint32_t transfers; /* at a time; each takes two descriptors */
    uint32_t transfers_per_address;
    uint32_t windowsize;            /* the largest that is granted */
    uint32_t answer_ms;             /* from the request until core must have answered; 0: 20 s */
    uint16_t port_first, port_last; /* of transfers; 0: any */
};

/* Since the start. Each transfer counts in one field of the second group. */
struct tftp_counters {
    uint64_t requests, repeated, malformed, limited;
    uint64_t done, refused, probed, aborted, timed_out, unanswered, failed;
    uint64_t bytes, blocks, resent;
    uint64_t stray; /* acknowledgements outside of a transfer's window */
};

/* `work` reads files whose bytes are not in the kernel's cache. */
void tftp_server_new(uv_loop_t *loop, const struct exchange_port *port,
                     const struct work_port *work, const struct tftp_limits *limits,
                     struct tftp_server **ret);

/* Answers on a bound UDP socket (net/datagram.h), which it takes over when it succeeds. */
int tftp_server_listen(struct tftp_server *s, const struct listener *described, struct err *e);

/* Fits struct wake; `cls` is the server. */
void tftp_server_wake(void *cls, struct slot_ref who);

/* Takes no more requests and lets running transfers end; those that are left after `within_ms` end
 * with an ERROR packet. `on_drained` comes once, from the loop, never from within this call. May be
 * called again with a shorter time. */
void tftp_server_drain(struct tftp_server *s, uint32_t within_ms, void (*on_drained)(void *cls),
                       void *cls);

/* Closes everything that is left; memory is freed once the loop has run the close callbacks.
 * Accepts NULL. */
void tftp_server_free(struct tftp_server *s);

uint32_t tftp_server_transfers(const struct tftp_server *s);
const struct tftp_counters *tftp_server_counters(const struct tftp_server *s);

#endif
