/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/request.h"

#define STREAM_BLOCK_BYTES 4096

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    if (value)
        MHD_add_response_header(response, name, value);
}

static size_t take(struct http_request *r, char *to, size_t max)
{
    struct buf *from = &r->exchange.body;
    size_t n = from->n - r->stream_at < max ? from->n - r->stream_at : max;
    if (n)
        memcpy(to, from->p + r->stream_at, n);
    r->stream_at += n;
    r->streamed += n;
    return n;
}

/* Called when the peer takes more. With nothing to give the request is held: 0 without that would
 * be asked again at once. */
static ssize_t on_more(void *cls, uint64_t at, char *to, size_t max)
{
    struct http_request *r = cls;
    (void)at;
    size_t n = take(r, to, max);
    if (r->expired)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    while (n == 0 && !r->ended) {
        if (!r->woken) {
            http_hold(r, PHASE_STREAMING);
            return 0;
        }
        r->stream_at = 0;
        buf_clear(&r->exchange.body);
        r->ended = http_request_advance(r) == EXCHANGE_DONE;
        n = take(r, to, max);
    }
    if (n == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    http_connection_enter(r->connection, PHASE_ANSWERING);
    return (ssize_t)n;
}

/* The response closes the file: it is its own from here on. */
static struct MHD_Response *response_of_file(struct exchange_file *file)
{
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64(file->length, file->fd, file->offset);
    if (response)
        file->fd = -1;
    return response;
}

/* The body stays where it is: it lives until the request's end, which comes after the response's.
 */
static struct MHD_Response *make_response(struct http_request *r)
{
    const struct exchange_out *out = &r->exchange.out;
    if (out->stream && r->exchange.in.method != METHOD_HEAD)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_more, r,
                                                 NULL);
    if (out->content && out->content->remote)
        return http_share_response(r);
    if (out->content)
        return response_of_file(out->content);
    return MHD_create_response_from_buffer(out->body.n, (void *)(uintptr_t)out->body.p,
                                           MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result http_respond(struct http_request *r, bool close)
{
    const struct exchange_out *out = &r->exchange.out;
    struct MHD_Response *response = make_response(r);
    if (!response)
        return MHD_NO;
    add(response, MHD_HTTP_HEADER_CONTENT_TYPE, out->type);
    add(response, MHD_HTTP_HEADER_ETAG, out->etag);
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, out->cache);
    add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, out->encoding);
    add(response, MHD_HTTP_HEADER_VARY, out->vary_encoding ? "Accept-Encoding" : NULL);
    add(response, MHD_HTTP_HEADER_ALLOW, out->allow);
    add(response, MHD_HTTP_HEADER_LOCATION, out->location);
    add(response, MHD_HTTP_HEADER_CONTENT_RANGE, out->content_range);
    add(response, MHD_HTTP_HEADER_ACCEPT_RANGES, out->accept_ranges ? "bytes" : NULL);
    add(response, MHD_HTTP_HEADER_RETRY_AFTER, out->retry_later ? "1" : NULL);
    add(response, MHD_HTTP_HEADER_CONNECTION, close ? "close" : NULL);
    enum MHD_Result queued = MHD_queue_response(r->m, (unsigned)out->status, response);
    MHD_destroy_response(response);
    return queued;
}
