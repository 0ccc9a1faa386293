/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/window.h"

#define FIRST_MS 1000 /* before the first round trip is known */
#define LEAST_MS 200  /* firmware pauses to write to slow flash */
/* atftp repeats its ACK only after five seconds of silence: a server that resends more often than
 * that gets no answer. */
#define MOST_MS 8000
/* A client that has never answered may not exist, or be another machine: addresses can be forged.
 * What it was sent first is sent once more, and no third time. */
#define TRIES_UNHEARD 2
#define TRIES_HEARD 8

static uint32_t patience_ms(const struct tftp_window *w)
{
    if (!w->heard && w->tries) /* nothing follows: the client may be one that is slow to answer */
        return w->fixed_ms > MOST_MS ? w->fixed_ms : MOST_MS;
    if (w->fixed_ms)
        return w->fixed_ms;
    uint64_t ms = w->round_ms ? 4 * (uint64_t)w->round_ms : FIRST_MS;
    ms = ms < LEAST_MS ? LEAST_MS : ms;
    for (uint32_t i = 0; i < w->tries && ms < MOST_MS; i++)
        ms *= 2;
    return (uint32_t)(ms < MOST_MS ? ms : MOST_MS);
}

void tftp_window_wait(struct tftp_window *w, uint64_t now_ms)
{
    w->deadline_ms = now_ms + patience_ms(w);
}

void tftp_window_init(struct tftp_window *w, uint32_t size, uint32_t timeout_s, bool negotiating,
                      uint64_t now_ms)
{
    *w = (struct tftp_window){
        .size = size,
        .last = UINT64_MAX,
        .heard_ms = now_ms,
        .fixed_ms = timeout_s * 1000,
        .negotiating = negotiating,
    };
    tftp_window_wait(w, now_ms);
}

uint64_t tftp_window_next(const struct tftp_window *w)
{
    bool none = w->negotiating || w->sent >= w->last || w->sent - w->acked >= w->size;
    return none ? 0 : w->sent + 1;
}

/* A block that was sent twice is not timed: its ACK may be for either. */
void tftp_window_sent(struct tftp_window *w, uint64_t block, uint64_t now_ms)
{
    uint64_t first = w->sent + 1;
    if (first <= w->furthest)
        w->resent += (block < w->furthest ? block : w->furthest) - w->sent;
    if (block > w->furthest) {
        w->furthest = block;
        if (!w->timed_block) {
            w->timed_block = block;
            w->timed_ms = now_ms;
        }
    }
    w->sent = block;
    tftp_window_wait(w, now_ms);
}

static void learn_round(struct tftp_window *w, uint64_t now_ms)
{
    if (!w->timed_block || w->acked < w->timed_block)
        return;
    uint32_t took = (uint32_t)(now_ms - w->timed_ms) + 1;
    w->round_ms = w->round_ms ? (7 * w->round_ms + took) / 8 : took;
    w->timed_block = 0;
}

static void move_on(struct tftp_window *w, uint64_t now_ms)
{
    w->heard = true;
    w->heard_ms = now_ms;
    w->tries = 0;
    tftp_window_wait(w, now_ms);
}

/* A repeated ACK is ignored: answering each copy with a copy would double all later packets (the
 * sorcerer's apprentice). Lost blocks are sent again at the time-out. An ACK within the window
 * means that the blocks behind it were lost. */
enum tftp_window_verdict tftp_window_ack(struct tftp_window *w, uint16_t number, uint64_t now_ms)
{
    if (w->negotiating) {
        if (number != 0) {
            w->stray++;
            return WINDOW_IGNORE;
        }
        w->negotiating = false;
        move_on(w, now_ms);
        return WINDOW_SEND;
    }
    uint16_t ahead = (uint16_t)(number - (uint16_t)w->acked);
    /* After a time-out the peer may acknowledge blocks that were sent before it. */
    if (ahead == 0 || ahead > w->furthest - w->acked) {
        w->stray += ahead != 0;
        return WINDOW_IGNORE;
    }
    w->acked += ahead;
    learn_round(w, now_ms);
    if (w->acked < w->furthest)
        w->timed_block = 0;
    w->sent = w->acked;
    move_on(w, now_ms);
    return w->acked == w->last ? WINDOW_DONE : WINDOW_SEND;
}

enum tftp_window_verdict tftp_window_timeout(struct tftp_window *w, uint64_t now_ms)
{
    if (now_ms < w->deadline_ms)
        return WINDOW_IGNORE;
    w->tries++;
    if (w->tries >= (w->heard ? TRIES_HEARD : TRIES_UNHEARD))
        return WINDOW_LOST;
    w->sent = w->acked;
    w->timed_block = 0;
    tftp_window_wait(w, now_ms);
    return WINDOW_SEND;
}
