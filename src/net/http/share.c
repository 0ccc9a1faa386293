/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/request.h"

#include "base/mem.h"

#include "port/closer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Large enough for the kernel to read ahead, and small enough for thousands of clients. */
#define BLOCK_BYTES ((size_t)64 * 1024)

/*
 * sendfile waits for the disk, and on a share that went away it waits for ever, with the loop in
 * it. So what lies on a share is read block by block by another thread, while the request is held.
 * A block that does not come in time ends the connection: the head has promised more, and a client
 * that knows ranges goes on from there.
 */
struct http_block {
    struct work work;
    const struct work_port *port;
    struct http_request *owner; /* NULL: it left while the block was read */
    int fd;
    bool is_busy, has_failed;
    uint64_t at;      /* in the file */
    size_t want, got; /* bytes; `got` is written by the other thread */
    int error;        /* likewise */
    char bytes[BLOCK_BYTES];
};

static void on_run(struct work *w)
{
    struct http_block *b = (struct http_block *)w;
    ssize_t n = pread(b->fd, b->bytes, b->want, (off_t)b->at);
    b->error = n < 0 ? errno : n == 0 ? EIO : 0; /* it has become shorter */
    b->got = n < 0 ? 0 : (size_t)n;
}

static void block_free(struct http_block *b)
{
    closer_close(b->port, b->fd);
    free(b);
}

static void on_late(struct work *w)
{
    struct http_block *b = (struct http_block *)w;
    b->has_failed = true;
    if (b->owner)
        http_hold_release(b->owner);
}

static void on_ended(struct work *w, bool ran)
{
    struct http_block *b = (struct http_block *)w;
    b->is_busy = false;
    b->has_failed |= !ran || b->error;
    if (b->owner)
        http_hold_release(b->owner);
    else
        block_free(b);
}

static bool fetch(struct http_request *r, uint64_t at, uint64_t left)
{
    struct http_block *b = r->block;
    b->at = at;
    b->got = 0;
    b->want = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
    b->is_busy = b->port->start(b->port->cls, &b->work);
    return b->is_busy;
}

static ssize_t take(const struct http_block *b, uint64_t at, char *to, size_t max)
{
    size_t skip = (size_t)(at - b->at), n = b->got - skip;
    if (n > max)
        n = max;
    memcpy(to, b->bytes + skip, n);
    return (ssize_t)n;
}

/* Called when the peer takes more; 0 without holding the request would be asked again at once. */
static ssize_t on_more(void *cls, uint64_t sent, char *to, size_t max)
{
    struct http_request *r = cls;
    struct http_block *b = r->block;
    const struct exchange_file *file = r->exchange.out.content;
    uint64_t at = file->offset + sent;
    if (r->expired || b->has_failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (!b->is_busy) {
        if (at >= b->at && at - b->at < b->got)
            return take(b, at, to, max);
        b->has_failed = !fetch(r, at, file->length - sent);
        if (b->has_failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    http_hold(r, PHASE_STREAMING);
    return 0;
}

struct MHD_Response *http_share_response(struct http_request *r)
{
    struct exchange_file *file = r->exchange.out.content;
    struct http_block *b = MEM_NEW(struct http_block);
    b->work = (struct work){.run = on_run, .late = on_late, .ended = on_ended};
    b->port = r->server->work;
    b->owner = r;
    b->fd = file->fd;
    file->fd = -1;
    r->block = b;
    return MHD_create_response_from_callback(file->length, BLOCK_BYTES / 4, on_more, r, NULL);
}

bool http_share_failed(const struct http_request *r)
{
    return r->block && r->block->has_failed;
}

void http_share_end(struct http_request *r)
{
    if (!r->block)
        return;
    r->block->owner = NULL;
    if (!r->block->is_busy)
        block_free(r->block);
    r->block = NULL;
}
