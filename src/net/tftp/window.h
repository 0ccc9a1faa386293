/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: what to send next in one transfer: a state machine whose inputs are acknowledgements and
 * the time.
 *
 * Go-back-N as in RFC 7440; with a window of one block this is RFC 1350. Block numbers are 64 bits
 * here; on the wire they are 16 bits and roll over to 0. It knows no sockets, no bytes and no clock
 * of its own.
 */
#ifndef CLOUDSEED_NET_TFTP_WINDOW_H
#define CLOUDSEED_NET_TFTP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct tftp_window {
    uint32_t size;        /* blocks that may be unacknowledged */
    uint64_t last;        /* the number of the last block; UINT64_MAX while it is not known */
    uint64_t acked;       /* the last block that was acknowledged */
    uint64_t sent;        /* the last block sent since that ACK or the last time-out */
    uint64_t furthest;    /* the last block ever sent */
    uint64_t heard_ms;    /* the last ACK with news, or the beginning */
    uint64_t timed_ms;    /* when `timed_block` was sent, to measure the round trip */
    uint64_t timed_block; /* 0: none */
    uint64_t deadline_ms; /* of the next acknowledgement */
    uint64_t resent;      /* blocks sent more than once */
    uint64_t stray;       /* acknowledgements outside of the window, which were ignored */
    uint32_t fixed_ms;    /* the time-out that the peer asked for, 0: none */
    uint32_t round_ms;    /* the smoothed round trip; 0: not known yet */
    uint32_t tries;       /* time-outs since heard_ms */
    bool negotiating;     /* the OACK has not been acknowledged */
    bool heard;           /* the peer has acknowledged something */
};

enum tftp_window_verdict {
    WINDOW_IGNORE, /* nothing to do */
    WINDOW_SEND,   /* there is something to send: the OACK while negotiating, else blocks */
    WINDOW_DONE,   /* the last block has arrived */
    WINDOW_LOST    /* the peer has been silent for too long */
};

/* `timeout_s` is the peer's choice, 0: adaptive. With `negotiating` an OACK is sent first, else
 * block 1. */
void tftp_window_init(struct tftp_window *w, uint32_t size, uint32_t timeout_s, bool negotiating,
                      uint64_t now_ms);

/* The block to send now; 0: none, as the window is full, all are sent, or the OACK is not
 * acknowledged. */
uint64_t tftp_window_next(const struct tftp_window *w);
/* The blocks from tftp_window_next's to `block` have been sent. */
void tftp_window_sent(struct tftp_window *w, uint64_t block, uint64_t now_ms);
/* Restarts the time that the peer has for its next acknowledgement. */
void tftp_window_wait(struct tftp_window *w, uint64_t now_ms);

enum tftp_window_verdict tftp_window_ack(struct tftp_window *w, uint16_t number, uint64_t now_ms);
/* Called at deadline_ms or later. */
enum tftp_window_verdict tftp_window_timeout(struct tftp_window *w, uint64_t now_ms);

#endif
