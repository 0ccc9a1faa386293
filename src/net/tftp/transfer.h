/* SPDX-License-Identifier: Apache-2.0 */
/* transfer: what the files of net/tftp/ know of one transfer; internal.h has its way. */
#ifndef CLOUDSEED_NET_TFTP_TRANSFER_H
#define CLOUDSEED_NET_TFTP_TRANSFER_H

#include "net/datagram.h"
#include "net/tftp/source.h"
#include "net/tftp/window.h"
#include "port/exchange.h"
#include "wire/tftp.h"

#include <sys/queue.h>
#include <uv.h>

#define TFTP_ERROR_TEXT_MAX_BYTES 180

struct tftp_server;

enum tftp_outcome {
    OUTCOME_DONE,
    OUTCOME_REFUSED,    /* before it began */
    OUTCOME_PROBED,     /* the client wanted the size alone, as EDK2 does */
    OUTCOME_ABORTED,    /* by the client */
    OUTCOME_TIMED_OUT,  /* the client fell silent */
    OUTCOME_UNANSWERED, /* it never said a word: perhaps it never asked */
    OUTCOME_FAILED      /* by our own fault */
};

struct tftp_transfer {
    LIST_ENTRY(tftp_transfer) by_peer;
    TAILQ_ENTRY(tftp_transfer) entry; /* in unheard or running */
    struct tftp_server *server;
    uv_poll_t watch;
    uv_timer_t timer;
    unsigned handles;        /* of these two that are open */
    int fd;                  /* -1: not open yet */
    struct datagram request; /* its addresses alone count */
    int listener_fd;
    struct endpoint peer;
    uint32_t peer_slot;
    struct exchange exchange;
    bool asking; /* the exchange has begun and not ended */
    struct tftp_options asked, granted;
    enum tftp_mode mode;
    struct window window;
    struct source *source;
    struct tftp_text *text; /* of netascii */
    uint64_t begun_ms, armed_ms;
    bool offload, unheard, ended, stuck; /* stuck: until the socket takes more */
};

/* begin.c */
void tftp_transfer_begin(struct tftp_server *s, int listener_fd, const struct datagram *d,
                         const struct tftp_packet *rrq, uint32_t peer_slot);

/* transfer.c */
void tftp_transfer_arm(struct tftp_transfer *t);
/* Tells the peer, where there is something to tell, and the log. It is gone afterwards. */
void tftp_transfer_end(struct tftp_transfer *t, enum tftp_outcome outcome, const char *reason);
void tftp_transfer_end_exchange(struct tftp_transfer *t);
void tftp_transfer_error(const struct tftp_transfer *t, uint16_t code, struct str text);
void tftp_transfer_fail(struct tftp_transfer *t, const char *reason);
/* Nobody is at its port any more. */
void tftp_transfer_gone(struct tftp_transfer *t);
/* Acknowledgements, and where the socket was full, that it is no more. */
void tftp_transfer_watch(struct tftp_transfer *t, bool until_writable);

/* pump.c: sends what may be sent; the transfer may have ended afterwards. */
void tftp_pump(struct tftp_transfer *t);
void tftp_pump_begin(struct tftp_transfer *t);
void tftp_pump_end(struct tftp_transfer *t);
void tftp_pump_oack(struct tftp_transfer *t);
/* Of the block of netascii that is on its way. */
size_t tftp_pump_text_bytes(const struct tftp_transfer *t);

#endif
