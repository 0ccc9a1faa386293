/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of net/tftp/ share.
 *
 * The way of a transfer: request.c takes the RRQ and decides whether it is one, begin.c asks the
 * port and opens the transfer's own socket, transfer.c takes what the client says, pump.c sends
 * blocks from source.c as window.c says, report.c tells what became of it. server.c begins and ends
 * all of it.
 */
#ifndef CLOUDSEED_NET_TFTP_INTERNAL_H
#define CLOUDSEED_NET_TFTP_INTERNAL_H

#include "net/tftp/tftp.h"
#include "net/tftp/transfer.h"

/* Transfers are found by their peer, and counted by its address. Two addresses may share a slot,
 * and then they share its limit. */
#define PEER_SLOTS 4096
#define PACKET_MAX_BYTES 2048 /* of what clients send us */

TAILQ_HEAD(tftp_transfers, tftp_transfer);

struct tftp_listener {
    LIST_ENTRY(tftp_listener) entry;
    struct tftp_server *server;
    uv_poll_t watch;
    int fd;
};

/* How many lines a stranger may make us write. */
struct tftp_budget {
    uint64_t since_ms;
    uint32_t lines;
    uint64_t unlogged;
};

struct tftp_server {
    uv_loop_t *loop;
    const struct exchange_port *port;
    struct tftp_limits limits;
    struct tftp_counters counters;
    struct tftp_budget budget;
    LIST_HEAD(, tftp_listener) listeners;
    LIST_HEAD(, tftp_transfer) peers[PEER_SLOTS];
    uint32_t addresses[PEER_SLOTS]; /* transfers of each */
    struct tftp_transfers unheard;  /* who has not acknowledged anything, oldest first */
    struct tftp_transfers running;
    uint32_t transfers_n;
    struct slots names; /* of transfers that ask */
    const struct work_port *work;
    uint32_t next_port;
    uv_timer_t drain;
    unsigned handles; /* open ones: listeners', transfers' and our own */
    bool draining, freeing;
    void (*on_drained)(void *cls);
    void *drained_cls;
};

/* request.c */
void tftp_request_take(struct tftp_server *s, int listener_fd, const struct datagram *d);
uint32_t tftp_address_slot(struct address a);

/* report.c */
void tftp_report(const struct tftp_transfer *t, enum tftp_outcome outcome, const char *reason);
void tftp_report_refused(struct tftp_server *s, struct endpoint peer, struct str file,
                         const char *reason);
void tftp_report_limit(struct tftp_server *s, struct endpoint peer, const char *reason);

/* server.c */
void tftp_server_release_handle(struct tftp_server *s);
void tftp_server_check_drained(struct tftp_server *s);

#endif
