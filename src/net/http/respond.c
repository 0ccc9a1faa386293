/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    if (value)
        MHD_add_response_header(response, name, value);
}

/* The body stays where it is: it lives until the request's end, which comes after the response's.
 */
enum MHD_Result http_respond(struct MHD_Connection *m, const struct exchange_out *out, bool close)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        out->body.n, (void *)(uintptr_t)out->body.p, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    add(response, MHD_HTTP_HEADER_CONTENT_TYPE, out->type);
    add(response, MHD_HTTP_HEADER_ETAG, out->etag);
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, out->cache);
    add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, out->encoding);
    add(response, MHD_HTTP_HEADER_VARY, out->vary_encoding ? "Accept-Encoding" : NULL);
    add(response, MHD_HTTP_HEADER_ALLOW, out->allow);
    add(response, MHD_HTTP_HEADER_RETRY_AFTER, out->retry_later ? "1" : NULL);
    add(response, MHD_HTTP_HEADER_CONNECTION, close ? "close" : NULL);
    enum MHD_Result r = MHD_queue_response(m, (unsigned)out->status, response);
    MHD_destroy_response(response);
    return r;
}
