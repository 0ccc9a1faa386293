/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: what to send next in one transfer: a machine with acknowledgements and time as inputs.
 *
 * Go-back-N as RFC 7440 has it, and RFC 1350 with a window of one block. Blocks are counted without
 * end here; on the wire their number is 16 bits that roll over to 0. It knows no sockets, no bytes
 * and no clock of its own.
 */
#ifndef CLOUDSEED_NET_TFTP_WINDOW_H
#define CLOUDSEED_NET_TFTP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct tftp_window {
    uint32_t size;        /* blocks that may be on their way */
    uint64_t last;        /* the number of the last block; UINT64_MAX while nobody knows */
    uint64_t acked;       /* all up to this one have arrived */
    uint64_t sent;        /* the last one sent since then, or since the last time-out */
    uint64_t furthest;    /* the last one ever sent */
    uint64_t heard_ms;    /* when the peer last moved us on, or the beginning */
    uint64_t timed_ms;    /* when `timed_block` was sent, for the round trip's time */
    uint64_t timed_block; /* 0: none is being timed */
    uint64_t deadline_ms; /* of the next acknowledgement */
    uint64_t resent;      /* blocks sent more than once */
    uint32_t fixed_ms;    /* what the peer asked for as its time-out, 0: nothing */
    uint32_t round_ms;    /* the smoothed round trip; 0: not known yet */
    uint32_t tries;       /* time-outs since the peer moved us on */
    bool negotiating;     /* the OACK has not been acknowledged */
    bool heard;           /* the peer has acknowledged something */
};

enum tftp_window_verdict {
    WINDOW_IGNORE, /* nothing to do */
    WINDOW_SEND,   /* there is something to send: the OACK while negotiating, else blocks */
    WINDOW_DONE,   /* the last block has arrived */
    WINDOW_LOST    /* the peer has been silent for too long */
};

/* `timeout_s` 0: ours to choose. With `negotiating` it begins with an OACK, else with block 1. */
void tftp_window_init(struct tftp_window *w, uint32_t size, uint32_t timeout_s, bool negotiating,
                      uint64_t now_ms);

/* The block to send now, 0 for none: the window is full, or all are sent, or the OACK is out. */
uint64_t tftp_window_next(const struct tftp_window *w);
/* Blocks up to `block` left: from tftp_window_next's on. */
void tftp_window_sent(struct tftp_window *w, uint64_t block, uint64_t now_ms);
/* Nothing more will be sent for now: the peer's time runs from here. */
void tftp_window_wait(struct tftp_window *w, uint64_t now_ms);

enum tftp_window_verdict tftp_window_ack(struct tftp_window *w, uint16_t number, uint64_t now_ms);
/* To be called at deadline_ms or later. */
enum tftp_window_verdict tftp_window_timeout(struct tftp_window *w, uint64_t now_ms);

#endif
