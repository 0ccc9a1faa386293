/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Suspended requests -------------------------------------------------------------------- */

void http_suspend(struct http_request *r, enum http_phase phase)
{
    http_connection_enter(r->connection, phase);
    r->suspended = true;
    MHD_suspend_connection(r->m);
}

/* libmicrohttpd looks at what was resumed in its next turn, and does not say so by itself. */
void http_resume(struct http_request *r)
{
    exchange_wake(&r->exchange);
    if (!r->suspended)
        return;
    r->suspended = false;
    http_connection_enter(r->connection, PHASE_ANSWERING);
    MHD_resume_connection(r->m);
    http_server_pump_soon(r->server);
}

void http_server_wake(void *cls, struct slot_ref who)
{
    struct http_server *s = cls;
    struct http_request *r = slots_find(&s->requests, who);
    if (r)
        http_resume(r);
}

/* --- Requests ------------------------------------------------------------------------------ */

#define REQUEST_ARENA_BYTES 8192
#define ANSWER_MAX_BYTES (1024 * 1024)
/* Kept for the next request, with their memory, unless one grew beyond what is usual. */
#define SPARE_REQUESTS_MAX 64
#define SPARE_BODY_MAX_BYTES (64 * 1024)
#define HELD_TOO_LONG "the server could not finish this in time: try again"

static struct http_request *request_get(struct http_server *s)
{
    struct http_request *r = SLIST_FIRST(&s->spare_requests);
    if (r) {
        SLIST_REMOVE_HEAD(&s->spare_requests, entry);
        s->spare_requests_n--;
        return r;
    }
    r = mem_zalloc(1, sizeof(*r));
    arena_init(&r->exchange.arena, REQUEST_ARENA_BYTES);
    buf_init(&r->exchange.body, ANSWER_MAX_BYTES);
    return r;
}

static void request_free(struct http_request *r)
{
    arena_done(&r->exchange.arena);
    buf_done(&r->exchange.body);
    buf_done(&r->body);
    free(r);
}

static void request_put(struct http_server *s, struct http_request *r)
{
    struct arena arena = r->exchange.arena;
    struct buf out = r->exchange.body, body = r->body;
    if (s->spare_requests_n == SPARE_REQUESTS_MAX || out.room > SPARE_BODY_MAX_BYTES ||
        body.room > SPARE_BODY_MAX_BYTES) {
        request_free(r);
        return;
    }
    arena_reset(&arena);
    buf_clear(&out);
    buf_clear(&body);
    *r = (struct http_request){.exchange = {.arena = arena, .body = out}, .body = body};
    SLIST_INSERT_HEAD(&s->spare_requests, r, entry);
    s->spare_requests_n++;
}

void http_requests_free_spare(struct http_server *s)
{
    while (!SLIST_EMPTY(&s->spare_requests)) {
        struct http_request *r = SLIST_FIRST(&s->spare_requests);
        SLIST_REMOVE_HEAD(&s->spare_requests, entry);
        request_free(r);
    }
}

void *http_request_begin(void *cls, const char *target, struct MHD_Connection *m)
{
    struct http_server *s = cls;
    struct http_request *r = request_get(s);
    const char *query = strchr(target, '?');
    r->server = s;
    r->m = m;
    r->connection = MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (query) /* libmicrohttpd takes it to pieces */
        r->exchange.in.query = arena_str(&r->exchange.arena, str_from(query + 1));
    return r;
}

static enum exchange_method parse_method(const char *method)
{
    static const char *const names[METHOD_OTHER] = {"GET", "HEAD",  "POST",
                                                    "PUT", "PATCH", "DELETE"};
    int i = 0;
    while (i < METHOD_OTHER && strcmp(method, names[i]) != 0)
        i++;
    return (enum exchange_method)i;
}

/* "GET http://host/path": what a proxy would be asked, and every server must take (RFC 9112,
 * section 3.2.2). The host is not ours to judge. */
static struct str strip_authority(struct str target)
{
    static const struct str scheme = {"http://", 7};
    if (!str_eq_nocase(str_head(target, scheme.n), scheme))
        return target;
    struct str rest = str_skip(target, scheme.n);
    const char *slash = memchr(rest.p, '/', rest.n);
    return slash ? str_skip(rest, (size_t)(slash - rest.p)) : STR("/");
}

/* "Content-Length : 3" is no Content-Length to us, but may be one to a proxy before us. */
static bool has_space(struct str name)
{
    return memchr(name.p, ' ', name.n) || memchr(name.p, '\t', name.n);
}

static struct str *header_of(struct exchange_in *in, struct str name)
{
    switch (name.n) {
    case 5: return str_eq_nocase(name, STR("Range")) ? &in->range : NULL;
    case 6: return str_eq_nocase(name, STR("Accept")) ? &in->accept : NULL;
    case 8:
        if (str_eq_nocase(name, STR("If-Range")))
            return &in->if_range;
        return str_eq_nocase(name, STR("If-Match")) ? &in->if_match : NULL;
    case 10: return str_eq_nocase(name, STR("User-Agent")) ? &in->user_agent : NULL;
    case 12: return str_eq_nocase(name, STR("Content-Type")) ? &in->content_type : NULL;
    case 13:
        if (str_eq_nocase(name, STR("If-None-Match")))
            return &in->if_none_match;
        return str_eq_nocase(name, STR("Last-Event-ID")) ? &in->last_event_id : NULL;
    case 15: return str_eq_nocase(name, STR("Accept-Encoding")) ? &in->accept_encoding : NULL;
    default: return NULL;
    }
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n,
                                 const char *value, size_t value_n)
{
    struct http_request *r = cls;
    struct str name = {key, key_n}, text = {value, value_n};
    struct str *kept = header_of(&r->exchange.in, name);
    (void)kind;
    if (kept)
        *kept = text;
    else if (str_eq_nocase(name, STR("Host")))
        r->host_n++;
    else if (str_eq_nocase(name, STR("Transfer-Encoding")))
        r->encoding_n++;
    else if (has_space(name))
        r->odd_names_n++;
    else if (str_eq_nocase(name, STR("Content-Length"))) {
        r->length_n++;
        if (!str_to_u64(text, UINT64_MAX, &r->length))
            r->length = UINT64_MAX; /* libmicrohttpd has refused what is no number */
    }
    return MHD_YES;
}

/* What two programs on the way could read differently is refused, not interpreted. */
static void check_form(struct http_request *r, const char *version)
{
    bool reads_alone = r->exchange.in.method == METHOD_GET || r->exchange.in.method == METHOD_HEAD;
    r->refusal_status = 400;
    if (r->odd_names_n)
        r->refusal = "a header's name holds no space";
    else if (r->host_n > 1 || (r->host_n == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0))
        r->refusal = "a request wants exactly one Host header";
    else if (r->length_n > 1 || (r->length_n && r->encoding_n))
        r->refusal = "more than one of Content-Length and Transfer-Encoding";
    else if (reads_alone && (r->length_n || r->encoding_n))
        r->refusal = "GET and HEAD take no body";
    else if (!str_starts(r->exchange.in.path, STR("/")))
        r->refusal = "the path must begin with a slash";
}

static struct principal principal_of(const struct http_connection *c)
{
    if (c->peer.address.family)
        return (struct principal){.kind = PRINCIPAL_NONE};
    return (struct principal){.kind = PRINCIPAL_SOCKET, .uid = c->peer_uid};
}

static void read_request(struct http_request *r, const char *url, const char *method,
                         const char *version)
{
    struct exchange_in *in = &r->exchange.in;
    in->method = parse_method(method);
    in->listener = r->connection->listener;
    in->path = strip_authority(str_from(url));
    in->peer = r->connection->peer.address;
    in->principal = principal_of(r->connection);
    MHD_get_connection_values_n(r->m, MHD_HEADER_KIND, on_header, r);
    check_form(r, version);
}

static void refuse(struct http_request *r)
{
    r->close = true; /* where this request ends is anybody's guess */
    exchange_refuse(&r->exchange, r->refusal_status, r->refusal);
}

static void begin(struct http_request *r, const char *url, const char *method, const char *version)
{
    r->begun = true;
    r->begun_ns = uv_hrtime();
    r->connection->request = r;
    read_request(r, url, method, version);
    r->exchange.waiter =
        (struct waiter){{http_server_wake, r->server}, slots_put(&r->server->requests, r)};
    exchange_begin(&r->exchange, r->server->port);
    r->body.max_bytes = r->exchange.body_max_bytes;
    if (!r->refusal && r->exchange.body_max_bytes && r->length > r->exchange.body_max_bytes) {
        r->refusal = "the request's body is too large";
        r->refusal_status = 413;
    }
}

/* An answer before the end of a body ends the connection: nobody reads the rest. */
static bool is_decided(struct http_request *r)
{
    bool has_body = r->length_n || r->encoding_n;
    if (!r->refusal && !r->exchange.out.status && (r->exchange.body_max_bytes || !has_body))
        return false;
    if (has_body)
        r->close = true;
    return r->close || r->refusal;
}

/* False where it must wait. */
static bool answer(struct http_request *r)
{
    if (r->expired && !r->refusal) {
        r->refusal = HELD_TOO_LONG;
        r->refusal_status = 503;
    }
    if (r->refusal)
        refuse(r);
    else if (!r->exchange.out.status)
        r->ended = exchange_step(&r->exchange) == EXCHANGE_DONE;
    return r->exchange.out.status;
}

/* Called when the head is there, then for each piece of the body, then once more at the request's
 * end, which without a body is at once; and again after each time that it was held. An answer to
 * the first call makes libmicrohttpd close the connection afterwards. */
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *m, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_n, void **context)
{
    struct http_server *s = cls;
    struct http_request *r = *context;
    (void)m;
    if (!r->begun) {
        begin(r, url, method, version);
        if (!is_decided(r))
            return MHD_YES;
    } else if (*body_n) {
        bool taken = buf_append(&r->body, body, *body_n);
        *body_n = 0;
        return taken ? MHD_YES : MHD_NO; /* a length that was not announced, and is too much */
    }
    r->exchange.in.body = buf_view(&r->body);
    if (!answer(r)) {
        http_suspend(r, PHASE_SUSPENDED);
        return MHD_YES;
    }
    http_connection_enter(r->connection, PHASE_ANSWERING);
    return http_respond(r, r->close || s->draining);
}

static uint64_t bytes_sent(const struct http_request *r)
{
    const struct exchange *x = &r->exchange;
    if (x->out.stream)
        return r->streamed;
    if (x->in.method == METHOD_HEAD || x->out.status == 304)
        return 0;
    return x->out.content ? x->out.content->length : x->out.body.n;
}

/* "10.0.20.12", or "uid 1000" for somebody on this machine. */
static struct str peer_text(const struct exchange_in *in, char text[static ADDRESS_TEXT_SIZE])
{
    if (in->peer.family)
        return str_from(address_text(in->peer, text));
    snprintf(text, ADDRESS_TEXT_SIZE, "uid %" PRIu32, in->principal.uid);
    return str_from(text);
}

static void log_outcome(const struct http_request *r, bool whole)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"};
    const struct exchange *x = &r->exchange;
    bool good = x->out.status < 400;
    bool failed = x->out.status >= 500 && !x->out.retry_after_s;
    enum log_level level = !x->out.event   ? LOG_DEBUG
                           : good && whole ? LOG_INFO
                           : failed        ? LOG_ERROR
                                           : LOG_NOTICE;
    if (!log_wants(level))
        return;
    char peer[ADDRESS_TEXT_SIZE];
    struct value_pair fields[11];
    size_t n = 0;
#define ADD(...) fields[n++] = (struct value_pair)__VA_ARGS__
    ADD(LOG_TEXT("peer", peer_text(&x->in, peer)));
    ADD(LOG_TEXT("method", str_from(methods[x->in.method])));
    if (x->out.node.n)
        ADD(LOG_TEXT("node", x->out.node));
    if (x->out.file.n)
        ADD(LOG_TEXT("file", x->out.file));
    if (x->out.evidence.p)
        ADD(LOG_TEXT("evidence", x->out.evidence));
    ADD(LOG_NUMBER("status", x->out.status));
    ADD(LOG_NUMBER("bytes", bytes_sent(r)));
    ADD(LOG_NUMBER("us", (uv_hrtime() - r->begun_ns) / 1000));
    if (x->out.check)
        ADD(LOG_TEXT("check", str_from(x->out.check)));
    if (x->out.reason)
        ADD(LOG_TEXT("reason", str_from(x->out.reason)));
    if (!whole)
        ADD(LOG_TEXT("outcome", http_respond_failed(r) ? STR("the assets folder stopped answering")
                                                       : STR("peer left")));
#undef ADD
    log_event(level, x->out.event ? x->out.event : "answered", fields, n);
}

/* libmicrohttpd answered, or gave up, before it came to us. */
static void log_unread(const struct http_request *r)
{
    char peer[ADDRESS_TEXT_SIZE];
    const struct exchange_in in = {.peer = r->connection->peer.address,
                                   .principal = principal_of(r->connection)};
    log_notice("unread", LOG_TEXT("peer", peer_text(&in, peer)),
               LOG_TEXT("reason", STR("the request was malformed, too large, or never whole")));
}

void http_request_end(void *cls, struct MHD_Connection *m, void **context,
                      enum MHD_RequestTerminationCode how)
{
    struct http_server *s = cls;
    struct http_request *r = *context;
    (void)m;
    if (!r)
        return;
    *context = NULL;
    if (r->exchange.out.status)
        log_outcome(r, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    else
        log_unread(r);
    http_respond_end(r);
    if (r->begun) {
        exchange_end(&r->exchange);
        slots_remove(&s->requests, r->exchange.waiter.ref);
        r->connection->request = NULL;
        http_connection_waiting(r->connection);
    }
    request_put(s, r);
}
