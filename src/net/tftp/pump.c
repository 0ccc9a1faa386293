/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

/* What is read of a file at a time, once its client is known to be there. */
#define READ_BYTES 65536

/* Netascii: what is sent is not what is read, and only from its beginning on can it be found out.
 * The block that is on its way is kept, and where the next one begins. */
struct tftp_text {
    struct tftp_netascii state; /* behind the block */
    uint64_t read;              /* likewise, in the source */
    uint64_t block;             /* that is kept; 0: none yet */
    size_t n;
    char bytes[];
};

/* Parts of datagrams to send: a header and a block's bytes each. */
struct batch {
    struct iovec parts[2 * DATAGRAM_BATCH_MAX];
    char headers[DATAGRAM_BATCH_MAX][TFTP_HEADER_BYTES];
    int n;
};

static uint64_t offset_of(const struct tftp_transfer *t, uint64_t block)
{
    return (block - 1) * t->granted.blksize;
}

void tftp_pump_begin(struct tftp_transfer *t)
{
    if (t->mode == TFTP_NETASCII) {
        t->text = mem_zalloc(1, sizeof(*t->text) + t->granted.blksize);
    } else {
        t->window.last = source_length(t->source) / t->granted.blksize + 1;
    }
}

void tftp_pump_end(struct tftp_transfer *t)
{
    free(t->text);
    t->text = NULL;
}

size_t tftp_pump_text_bytes(const struct tftp_transfer *t)
{
    return t->text->n;
}

void tftp_pump_oack(struct tftp_transfer *t)
{
    struct buf b;
    buf_init(&b, 512);
    if (tftp_write(&b, &(struct tftp_packet){.opcode = TFTP_OACK, .options = t->granted}))
        send(t->fd, b.p, b.n, MSG_NOSIGNAL);
    buf_done(&b);
    tftp_transfer_arm(t);
}

/* --- Bytes --------------------------------------------------------------------------------- */

/* Whole windows, so that none is cut in two by the end of what was read. */
static size_t read_bytes(const struct tftp_transfer *t)
{
    size_t block = t->granted.blksize, window = block * t->granted.windowsize;
    if (t->unheard)
        return block;
    if (window <= READ_BYTES)
        return READ_BYTES / window * window;
    return block < READ_BYTES ? READ_BYTES / block * block : block;
}

static void on_loaded(void *cls, int result);

/* 0 where the bytes are at hand, 1 where they are on their way; else it has ended. */
static int load(struct tftp_transfer *t, uint64_t at, size_t n)
{
    int r = source_load(t->source, at, n, on_loaded, t);
    if (r == -EAGAIN) {
        tftp_transfer_arm(t);
        return 1;
    }
    if (r < 0)
        on_loaded(t, r);
    return r;
}

static void on_loaded(void *cls, int result)
{
    struct tftp_transfer *t = cls;
    if (result == 0)
        tftp_pump(t);
    else if (result == -ESTALE)
        tftp_transfer_fail(t, "the file changed while it was sent");
    else if (result == -ETIMEDOUT)
        tftp_transfer_fail(t, "the assets folder does not answer: its share may be gone");
    else
        tftp_transfer_fail(t, "the file cannot be read");
}

/* Makes the block behind the one that is kept. */
static int encode(struct tftp_transfer *t, uint64_t block)
{
    struct tftp_text *x = t->text;
    struct tftp_netascii state = x->state;
    struct str from;
    size_t room = t->granted.blksize;
    if (!source_at(t->source, x->read, room, &from)) {
        int r = load(t, x->read, read_bytes(t));
        if (r != 0)
            return r;
        source_at(t->source, x->read, room, &from);
    }
    size_t before = from.n;
    x->n = tftp_netascii(&state, &from, x->bytes, room);
    x->read += before - from.n;
    x->state = state;
    x->block = block;
    if (x->n < room)
        t->window.last = block;
    return 0;
}

/* The block's bytes, if they are at hand. */
static bool find(const struct tftp_transfer *t, uint64_t block, struct str *ret)
{
    if (!t->text)
        return source_at(t->source, offset_of(t, block), t->granted.blksize, ret);
    *ret = (struct str){t->text->bytes, t->text->n};
    return t->text->block == block;
}

static int bring(struct tftp_transfer *t, uint64_t block)
{
    if (t->text)
        return encode(t, block);
    return load(t, offset_of(t, block), read_bytes(t));
}

/* --- Sending ------------------------------------------------------------------------------- */

static uint64_t last_allowed(const struct window *w)
{
    uint64_t end = w->acked + w->size;
    return end < w->last ? end : w->last;
}

/* As many blocks from `block` on as are at hand and fit. */
static void gather(const struct tftp_transfer *t, uint64_t block, struct batch *b)
{
    uint64_t end = last_allowed(&t->window);
    size_t bytes = 0;
    struct str data;
    b->n = 0;
    while (block <= end && b->n < DATAGRAM_BATCH_MAX && find(t, block, &data)) {
        bytes += TFTP_HEADER_BYTES + data.n;
        if (b->n && bytes > DATAGRAM_BATCH_BYTES)
            return;
        tftp_data_header(b->headers[b->n], (uint16_t)block++);
        b->parts[2 * b->n] = (struct iovec){b->headers[b->n], TFTP_HEADER_BYTES};
        b->parts[2 * b->n + 1] = (struct iovec){(void *)(uintptr_t)data.p, data.n};
        b->n++;
    }
}

/* What cannot be sent for a moment is lost like any other datagram: its time will come again. */
static int send_batch(struct tftp_transfer *t, const struct batch *b)
{
    int r =
        datagram_send(t->fd, b->parts, b->n, TFTP_HEADER_BYTES + t->granted.blksize, &t->offload);
    if (r == -EAGAIN || r == -ECONNREFUSED)
        return r;
    return r < 0 ? b->n : r;
}

static void count_sent(struct tftp_transfer *t, int n)
{
    struct tftp_counters *c = &t->server->counters;
    uint64_t resent = t->window.resent;
    window_sent(&t->window, t->window.sent + (uint64_t)n, uv_now(t->server->loop));
    c->blocks += (uint64_t)n;
    c->resent += t->window.resent - resent;
}

void tftp_pump(struct tftp_transfer *t)
{
    struct batch batch;
    uint64_t block;
    while (!t->ended && !t->stuck && (block = window_next(&t->window)) != 0) {
        gather(t, block, &batch);
        if (batch.n == 0) {
            if (bring(t, block) != 0)
                return;
            continue;
        }
        int r = send_batch(t, &batch);
        if (r == -EAGAIN)
            tftp_transfer_watch(t, true);
        else if (r < 0)
            tftp_transfer_gone(t);
        else
            count_sent(t, r);
    }
    if (!t->ended)
        tftp_transfer_arm(t);
}
