/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/mem.h"
#include "port/closer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Files on shares ----------------------------------------------------------------------- */

/* Large enough for the kernel to read ahead, and small enough for thousands of clients. */
#define BLOCK_BYTES ((size_t)64 * 1024)

/*
 * sendfile waits for the disk, and on a network share that went away it blocks the loop for ever.
 * So a file on a share is read block by block by another thread, while the request is suspended. A
 * block that does not come in time ends the connection: Content-Length promised more, and a client
 * that knows ranges resumes there.
 */
struct http_block {
    struct work work;
    const struct work_port *port;
    struct http_request *owner; /* NULL: it ended while the block was read */
    int fd;
    bool is_busy, has_failed;
    uint64_t at; /* in the file */
    size_t want; /* bytes */
    size_t got;  /* bytes; written by the other thread */
    int error;   /* likewise */
    char bytes[BLOCK_BYTES];
};

static void on_block_run(struct work *w)
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

static void on_block_late(struct work *w)
{
    struct http_block *b = (struct http_block *)w;
    b->has_failed = true;
    if (b->owner)
        http_resume(b->owner);
}

static void on_block_ended(struct work *w, bool ran)
{
    struct http_block *b = (struct http_block *)w;
    b->is_busy = false;
    b->has_failed |= !ran || b->error;
    if (b->owner)
        http_resume(b->owner);
    else
        block_free(b);
}

static bool block_fetch(struct http_request *r, uint64_t at, uint64_t left)
{
    struct http_block *b = r->block;
    b->at = at;
    b->got = 0;
    b->want = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
    b->is_busy = b->port->start(b->port->cls, &b->work);
    return b->is_busy;
}

static ssize_t block_take(const struct http_block *b, uint64_t at, char *to, size_t max)
{
    size_t skip = (size_t)(at - b->at), n = b->got - skip;
    if (n > max)
        n = max;
    memcpy(to, b->bytes + skip, n);
    return (ssize_t)n;
}

/* Called when the peer takes more. Returning 0 without suspending the request would spin. */
static ssize_t on_more_of_share(void *cls, uint64_t sent, char *to, size_t max)
{
    struct http_request *r = cls;
    struct http_block *b = r->block;
    http_request_check(r, REQUEST_ANSWERED);
    const struct exchange_file *file = r->exchange.out.content;
    uint64_t at = file->offset + sent;
    if (r->expired || b->has_failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (!b->is_busy) {
        if (at >= b->at && at - b->at < b->got)
            return block_take(b, at, to, max);
        b->has_failed = !block_fetch(r, at, file->length - sent);
        if (b->has_failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    http_suspend(r, PHASE_STREAMING);
    return 0;
}

static struct MHD_Response *share_response(struct http_request *r)
{
    struct exchange_file *file = r->exchange.out.content;
    struct http_block *b = MEM_NEW(struct http_block);
    b->work = (struct work){.run = on_block_run, .late = on_block_late, .ended = on_block_ended};
    b->port = r->server->work;
    b->owner = r;
    b->fd = file->fd;
    file->fd = -1;
    r->block = b;
    return MHD_create_response_from_callback(file->length, BLOCK_BYTES / 4, on_more_of_share, r,
                                             NULL);
}

const char *http_respond_failed(const struct http_request *r)
{
    if (r->block && r->block->has_failed)
        return "the assets folder stopped answering";
    return r->truncated ? "the file became shorter while it was sent" : NULL;
}

void http_respond_end(struct http_request *r)
{
    if (!r->block)
        return;
    r->block->owner = NULL;
    if (!r->block->is_busy)
        block_free(r->block);
    r->block = NULL;
}

/* --- Answers ------------------------------------------------------------------------------- */

#define STREAM_BLOCK_BYTES 4096

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value)
        MHD_add_response_header(response, name, value);
}

static size_t stream_take(struct http_request *r, char *to, size_t max)
{
    struct buf *from = &r->exchange.body;
    size_t n = from->n - r->stream_at < max ? from->n - r->stream_at : max;
    if (n)
        memcpy(to, from->p + r->stream_at, n);
    r->stream_at += n;
    r->streamed += n;
    return n;
}

/* Called when the peer takes more. Returning 0 without suspending the request would spin. */
static ssize_t on_more_of_stream(void *cls, uint64_t at, char *to, size_t max)
{
    struct http_request *r = cls;
    (void)at;
    http_request_check(r, REQUEST_ANSWERED);
    size_t n = stream_take(r, to, max);
    if (r->expired)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    while (n == 0 && !r->ended) {
        if (!r->exchange.woken && !(r->exchange.out.more && exchange_wake(&r->exchange))) {
            http_suspend(r, PHASE_STREAMING);
            return 0;
        }
        r->stream_at = 0;
        buf_clear(&r->exchange.body);
        r->ended = exchange_step(&r->exchange) == EXCHANGE_DONE;
        n = stream_take(r, to, max);
    }
    if (n == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    http_connection_enter(r->connection, PHASE_ANSWERING);
    return (ssize_t)n;
}

/* The response closes the file. */
static struct MHD_Response *response_of_file(struct http_request *r)
{
    struct exchange_file *file = r->exchange.out.content;
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64(file->length, file->fd, file->offset);
    if (!response)
        return NULL;
    r->file_fd = file->fd;
    file->fd = -1;
    return response;
}

bool http_respond_truncated(struct http_request *r)
{
    const struct exchange_file *file = r->exchange.out.content;
    struct stat st;
    if (!file || r->file_fd < 0 || fstat(r->file_fd, &st) < 0)
        return false;
    r->truncated = (uint64_t)st.st_size < file->offset + file->length;
    return r->truncated;
}

/* The body is not copied: it lives until the request ends, which is after the response. */
static struct MHD_Response *make_response(struct http_request *r)
{
    const struct exchange_out *out = &r->exchange.out;
    if (out->stream && r->exchange.in.method != METHOD_HEAD)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                 on_more_of_stream, r, NULL);
    if (out->content && out->content->remote)
        return share_response(r);
    if (out->content)
        return response_of_file(r);
    return MHD_create_response_from_buffer(out->body.n, (void *)(uintptr_t)out->body.p,
                                           MHD_RESPMEM_PERSISTENT);
}

void http_respond_at_once(struct http_connection *c, const struct exchange_out *out)
{
    char head[512], seconds[STR_U64_SIZE];
    const struct str body = out->body;
    const struct {
        const char *name, *value;
    } more[] = {
        {MHD_HTTP_HEADER_ALLOW, out->allow},
        {MHD_HTTP_HEADER_WWW_AUTHENTICATE, out->authenticate},
        {MHD_HTTP_HEADER_RETRY_AFTER,
         out->retry_after_s ? str_of_u64(out->retry_after_s, seconds).p : NULL},
        {MHD_HTTP_HEADER_CONNECTION, "close"},
    };
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", out->status,
                     MHD_get_reason_phrase_for((unsigned)out->status), out->type, body.n);
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (more[i].value)
            n += snprintf(head + n, sizeof(head) - (size_t)n, "%s: %s\r\n", more[i].name,
                          more[i].value);
    }
    n += snprintf(head + n, sizeof(head) - (size_t)n, "\r\n");
    assert((size_t)n < sizeof(head));
    const struct iovec parts[] = {{head, (size_t)n}, {(void *)(uintptr_t)body.p, body.n}};
    const struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = 2};
    if (c->tls.session) {
        tls_session_send(&c->tls, (struct str){head, (size_t)n});
        tls_session_send(&c->tls, body);
        tls_session_close(&c->tls);
    } else {
        sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    shutdown(c->fd, SHUT_WR);
}

enum MHD_Result http_respond(struct http_request *r, bool close)
{
    const struct exchange_out *out = &r->exchange.out;
    http_request_check(r, REQUEST_ANSWERED);
    struct MHD_Response *response = make_response(r);
    if (!response)
        return MHD_NO;
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, out->type);
    add_header(response, MHD_HTTP_HEADER_ETAG, out->etag);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, out->cache);
    add_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, out->encoding);
    add_header(response, MHD_HTTP_HEADER_VARY, out->vary_encoding ? "Accept-Encoding" : NULL);
    add_header(response, MHD_HTTP_HEADER_ALLOW, out->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, out->authenticate);
    add_header(response, MHD_HTTP_HEADER_LOCATION, out->location);
    add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, out->content_range);
    add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, out->accept_ranges ? "bytes" : NULL);
    for (const struct exchange_header *h = out->headers; h && h->name; h++)
        add_header(response, h->name, h->value);
    if (out->retry_after_s) {
        char seconds[STR_U64_SIZE];
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
                   str_of_u64(out->retry_after_s, seconds).p);
    }
    add_header(response, MHD_HTTP_HEADER_CONNECTION, close ? "close" : NULL);
    enum MHD_Result queued = MHD_queue_response(r->m, (unsigned)out->status, response);
    MHD_destroy_response(response);
    return queued;
}
