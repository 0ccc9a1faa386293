/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of net/tftp/ share.
 *
 * The path of a transfer: server.c takes the RRQ and decides whether it starts one; transfer.c asks
 * the port, opens the transfer's own socket and sends blocks from source.c as window.c says;
 * server.c logs the outcome.
 */
#ifndef CLOUDSEED_NET_TFTP_INTERNAL_H
#define CLOUDSEED_NET_TFTP_INTERNAL_H

#include "net/datagram.h"
#include "net/tftp/source.h"
#include "net/tftp/tftp.h"
#include "net/tftp/window.h"
#include "wire/tftp.h"

#include <assert.h>
#include <sys/queue.h>

/* Transfers are found by their peer, and counted by its address. Two addresses may share a slot,
 * and then they share its limit. */
#define PEER_SLOTS 4096
#define PACKET_MAX_BYTES 2048 /* of what clients send */

enum tftp_outcome {
    OUTCOME_DONE,
    OUTCOME_REFUSED,    /* before it began */
    OUTCOME_PROBED,     /* the client wanted only the size, as EDK2 does */
    OUTCOME_ABORTED,    /* by the client */
    OUTCOME_TIMED_OUT,  /* the client fell silent */
    OUTCOME_UNANSWERED, /* it never answered: the address may have been forged */
    OUTCOME_FAILED      /* by our own fault */
};

enum tftp_state {
    TRANSFER_ASKING,  /* core has not answered; there is no socket */
    TRANSFER_SENDING, /* from a socket of its own */
    TRANSFER_ENDED    /* its handles are being closed */
};

#define TRANSFER_MAGIC 0x54667470U /* "Tftp" */

struct tftp_transfer {
    unsigned magic;
    enum tftp_state state;
    LIST_ENTRY(tftp_transfer) by_peer;
    TAILQ_ENTRY(tftp_transfer) entry; /* in unheard or running */
    struct tftp_server *server;
    uv_poll_t watch;
    uv_timer_t timer;
    unsigned handles;        /* of these two that are open */
    int fd;                  /* -1 while asking */
    struct datagram request; /* only its addresses count */
    int listener_fd;         /* that the request came to; -1: it is closed */
    struct endpoint peer;
    uint32_t peer_slot;
    struct exchange exchange;
    bool has_exchange; /* that has not ended; a file outlives it */
    struct tftp_options asked, granted;
    enum tftp_mode mode;
    struct tftp_window window;
    struct tftp_source *source;
    struct tftp_text *text; /* of netascii */
    uint64_t begun_ms, armed_ms;
    bool offload;
    bool unheard; /* the client has acknowledged nothing */
    bool stuck;   /* until the socket takes more */
};

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
    struct tftp_transfers unheard;  /* whose client has acknowledged nothing, oldest first */
    struct tftp_transfers running;
    uint32_t transfers_n;
    struct slots names; /* of transfers whose exchange has not ended */
    const struct work_port *work;
    uv_timer_t drain;
    unsigned handles; /* open ones: listeners', transfers' and our own */
    bool draining, freeing;
    void (*on_drained)(void *cls);
    void *drained_cls;
};

static inline void tftp_transfer_check(const struct tftp_transfer *t, enum tftp_state state)
{
    assert(t->magic == TRANSFER_MAGIC && t->state == state);
}

/* transfer.c */
void tftp_transfer_begin(struct tftp_server *s, int listener_fd, const struct datagram *d,
                         const struct tftp_packet *rrq, uint32_t peer_slot);
/* Logs the outcome and frees the transfer; the client gets no packet about it. */
void tftp_transfer_end(struct tftp_transfer *t, enum tftp_outcome outcome, const char *reason);
/* The same, after an ERROR packet with the reason, unless a client that has never answered got its
 * two packets. */
void tftp_transfer_fail(struct tftp_transfer *t, const char *reason);
/* Bytes that the client acknowledged; all of them where the transfer is done. */
uint64_t tftp_transfer_bytes(const struct tftp_transfer *t, bool done);

/* server.c */
uint32_t tftp_address_slot(struct address a);
void tftp_server_report(const struct tftp_transfer *t, enum tftp_outcome outcome,
                        const char *reason);
void tftp_server_release_handle(struct tftp_server *s);
void tftp_server_check_drained(struct tftp_server *s);

#endif
