/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Suspended requests -------------------------------------------------------------------- */

/*
 * A connection that is suspended while libmicrohttpd reads is read again as soon as it is resumed,
 * before our answer is asked for: a peer that has closed its sending side, as `nc -N` does, would
 * be taken for one that left. So a request that core holds is suspended after the run, when
 * libmicrohttpd waits for the answer and for nothing else.
 */
void http_suspend(struct http_request *r, enum http_phase phase)
{
    http_request_check(r, phase == PHASE_SUSPENDED ? REQUEST_BEGUN : REQUEST_ANSWERED);
    assert(!r->suspended);
    http_connection_enter(r->connection, phase);
    r->suspended = true;
    r->is_held = phase == PHASE_SUSPENDED;
    if (r->is_held)
        LIST_INSERT_HEAD(&r->connection->engine->held_requests, r, held);
    else
        MHD_suspend_connection(r->m);
}

static void release(struct http_request *r)
{
    if (r->is_held)
        LIST_REMOVE(r, held);
    r->suspended = r->is_held = false;
}

void http_requests_settle(struct http_engine *g)
{
    struct http_request *r;
    while ((r = LIST_FIRST(&g->held_requests)) != NULL) {
        LIST_REMOVE(r, held);
        r->is_held = false;
        MHD_suspend_connection(r->m);
        if (r->connection->tls.session)
            http_peer_watch(r->connection);
    }
}

/* libmicrohttpd serves a resumed connection in its next run, and does not ask for one. */
void http_resume(struct http_request *r)
{
    assert(r->magic == REQUEST_MAGIC && r->state >= REQUEST_BEGUN);
    exchange_wake(&r->exchange);
    if (!r->suspended)
        return;
    if (!r->is_held)
        MHD_resume_connection(r->m);
    release(r);
    http_connection_enter(r->connection, PHASE_ANSWERING);
    http_engine_pump_soon(r->connection->engine);
}

void http_request_abandon(struct http_request *r)
{
    r->abandoned = true;
    http_resume(r);
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
/* Kept for the next request, with their memory unless it grew beyond the usual size. */
#define SPARE_REQUESTS_MAX 64
#define SPARE_BODY_MAX_BYTES (64 * 1024)

static struct http_request *request_get(struct http_server *s)
{
    struct http_request *r = SLIST_FIRST(&s->spare_requests);
    if (r) {
        SLIST_REMOVE_HEAD(&s->spare_requests, entry);
        s->spare_requests_n--;
        http_request_check(r, REQUEST_SPARE);
        return r;
    }
    r = MEM_NEW(struct http_request);
    r->magic = REQUEST_MAGIC;
    r->file_fd = -1;
    arena_init(&r->exchange.arena, REQUEST_ARENA_BYTES);
    buf_init(&r->exchange.body, ANSWER_MAX_BYTES);
    return r;
}

static void set_secret(struct http_request *r, bool secret)
{
    r->exchange.arena.secret = r->exchange.body.secret = r->body.secret = secret;
}

static void request_free(struct http_request *r)
{
    r->magic = 0;
    arena_done(&r->exchange.arena);
    buf_done(&r->exchange.body);
    buf_done(&r->body);
    free(r);
}

static void request_put(struct http_server *s, struct http_request *r)
{
    struct exchange *x = &r->exchange;
    if (x->is_secret)
        set_secret(r, true);
    if (s->spare_requests_n == SPARE_REQUESTS_MAX || x->body.room > SPARE_BODY_MAX_BYTES ||
        r->body.room > SPARE_BODY_MAX_BYTES) {
        request_free(r);
        return;
    }
    arena_reset(&x->arena);
    buf_clear(&x->body);
    buf_clear(&r->body);
    set_secret(r, false);
    *r = (struct http_request){.magic = REQUEST_MAGIC,
                               .state = REQUEST_SPARE,
                               .file_fd = -1,
                               .exchange = {.arena = x->arena, .body = x->body},
                               .body = r->body};
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

void http_request_forget(struct http_connection *c)
{
    void *request = c->request;
    if (request)
        http_request_end(c->server, NULL, &request, MHD_REQUEST_TERMINATED_WITH_ERROR);
}

void *http_request_begin(void *cls, const char *target, struct MHD_Connection *m)
{
    struct http_server *s = cls;
    struct http_request *r = request_get(s);
    const char *query = strchr(target, '?');
    r->server = s;
    r->m = m;
    r->connection = MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    http_connection_check(r->connection);
    http_request_forget(r->connection);
    r->connection->request = r;
    s->requests_n++;
    r->state = REQUEST_OPENED;
    r->version_at = target + strlen(target) + 1;
    LIST_INSERT_HEAD(&s->opened_requests, r, opened);
    if (query) {
        r->exchange.in.query = arena_str(&r->exchange.arena, str_from(query + 1));
        /* libmicrohttpd would cut it into arguments, and where these do not fit the connection's
         * memory go round in circles until the deadline. */
        ((char *)(uintptr_t)query)[1] = '\0';
    }
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

/* "GET http://host/path": the form for proxies, which every server must accept (RFC 9112, section
 * 3.2.2). The host is ignored, as in the Host header; the scheme must be the listener's. */
static struct str strip_authority(struct str target, bool is_tls)
{
    struct str scheme = is_tls ? STR("https://") : STR("http://");
    if (!str_eq_nocase(str_head(target, scheme.n), scheme))
        return target;
    struct str rest = str_skip(target, scheme.n);
    const char *slash = memchr(rest.p, '/', rest.n);
    return slash ? str_skip(rest, (size_t)(slash - rest.p)) : STR("/");
}

/* "Content-Length : 3" is not a Content-Length here, but may be one to a proxy in front. */
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
    case 14: return str_eq_nocase(name, STR("Sec-Fetch-Site")) ? &in->fetch_site : NULL;
    case 15: return str_eq_nocase(name, STR("Accept-Encoding")) ? &in->accept_encoding : NULL;
    case 16: return str_eq_nocase(name, STR("X-Cloudseed-CSRF")) ? &in->csrf : NULL;
    default: return NULL;
    }
}

static void carries_secret(struct http_request *r)
{
    r->exchange.is_secret = true;
    set_secret(r, true);
}

/* Whatever the scheme is: what follows it is a secret. */
static void take_authorization(struct http_request *r, struct str value)
{
    static const struct str scheme = {"Bearer ", 7};
    r->authorization_n++;
    r->authorization = value;
    carries_secret(r);
    if (!str_eq_nocase(str_head(value, scheme.n), scheme))
        return;
    struct str token = str_trim(str_skip(value, scheme.n));
    if (token.n)
        r->exchange.in.bearer = token;
}

static void take_cookies(struct http_request *r, struct str value)
{
    r->cookies_n++;
    r->exchange.in.cookie = value;
    carries_secret(r);
}

/* libmicrohttpd's copy of a cookie, which it has taken apart and nobody reads. */
static enum MHD_Result wipe_cookie(void *cls, enum MHD_ValueKind kind, const char *key,
                                   size_t key_n, const char *value, size_t value_n)
{
    (void)cls;
    (void)kind;
    (void)key;
    (void)key_n;
    if (value)
        explicit_bzero((char *)(uintptr_t)value, value_n);
    return MHD_YES;
}

/* Some readers take a CR without a LF for the end of a line (RFC 9110, section 5.5), and others, as
 * libmicrohttpd, for a character like all others. */
static bool has_cr(struct str s)
{
    return s.n && memchr(s.p, '\r', s.n);
}

/* So that it is never one, however many others there are. */
#define ENCODING_UNKNOWN 2

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n,
                                 const char *value, size_t value_n)
{
    struct http_request *r = cls;
    struct str name = {key, key_n}, text = {value, value_n};
    struct str *kept = header_of(&r->exchange.in, name);
    (void)kind;
    r->has_bare_cr |= has_cr(name) || has_cr(text);
    if (kept)
        *kept = text;
    else if (str_eq_nocase(name, STR("Host"))) {
        r->host_n++;
        r->exchange.in.host = text;
    } else if (str_eq_nocase(name, STR("Authorization")))
        take_authorization(r, text);
    else if (str_eq_nocase(name, STR("Cookie")))
        take_cookies(r, text);
    else if (str_eq_nocase(name, STR("Transfer-Encoding")))
        r->encoding_n += str_eq_nocase(text, STR("chunked")) ? 1 : ENCODING_UNKNOWN;
    else if (has_space(name))
        r->odd_names_n++;
    else if (str_eq_nocase(name, STR("Content-Length"))) {
        r->length_n++;
        if (!str_to_u64(text, UINT64_MAX, &r->length))
            r->length = UINT64_MAX; /* libmicrohttpd has refused what is not a number */
    }
    return MHD_YES;
}

/* libmicrohttpd before 1.0 cuts the head into strings where it lies, and takes a NUL that was sent
 * for the end of one. So we look whether the strings and what may be between them make up the whole
 * head. Later versions lay it out differently, and refuse such a head themselves if they are told
 * to be strict (server.c). */
struct head_walk {
    const char *at, *end;
    size_t eol; /* bytes that end a line, 0: not known yet */
    bool is_odd;
};

/* Whether there are only such bytes from `at` to `to`. */
static bool is_only(const char *at, const char *to, const char *bytes, size_t n)
{
    while (at < to && memchr(bytes, *at, n))
        at++;
    return at == to;
}

static bool is_within(const struct head_walk *w, const char *p)
{
    return (uintptr_t)p >= (uintptr_t)w->at && (uintptr_t)p <= (uintptr_t)w->end;
}

/* All lines must end in the same way: otherwise a NUL before one end would pass for a CR. One in
 * the place of a CR does, and cuts nothing. Headers that are continued on a second line lie
 * elsewhere. */
static enum MHD_Result walk_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                   size_t key_n, const char *value, size_t value_n)
{
    struct head_walk *w = cls;
    (void)kind;
    w->is_odd = true;
    if (!is_within(w, key) || !is_within(w, value) || value < key + key_n + 1)
        return MHD_NO;
    size_t eol = (size_t)(key - w->at);
    if (!w->eol)
        w->eol = eol;
    if (eol < 1 || eol > 2 || eol != w->eol || !is_only(w->at, key, "", 1) ||
        !is_only(key + key_n + 1, value, " \t", 2))
        return MHD_NO;
    w->at = value + value_n;
    w->is_odd = false;
    return MHD_YES;
}

static bool has_nul(struct http_request *r, const char *method, const char *version)
{
    size_t n = MHD_get_connection_info(r->m, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    struct head_walk w = {.at = version + strlen(version), .end = method + n};
    if (r->server->has_strict_parser)
        return false;
    if (version != r->version_at)
        return true;
    MHD_get_connection_values_n(r->m, MHD_HEADER_KIND, walk_header, &w);
    size_t left = (size_t)(w.end - w.at);
    return w.is_odd || !is_only(w.at, w.end, "", 1) ||
           (w.eol ? left != 2 * w.eol : left != 2 && left != 4);
}

/* A request that a proxy in front could read differently is refused, not interpreted. */
static void check_form(struct http_request *r, const char *method, const char *version)
{
    bool only_reads = r->exchange.in.method == METHOD_GET || r->exchange.in.method == METHOD_HEAD;
    r->refusal_status = 400;
    if (has_nul(r, method, version))
        r->refusal = "a NUL byte, a header on two lines, or lines that end differently";
    else if (r->has_bare_cr || has_cr(r->exchange.in.path) || has_cr(r->exchange.in.query))
        r->refusal = "a CR that does not end a line";
    else if (r->odd_names_n)
        r->refusal = "a header name must not contain a space";
    else if (r->host_n > 1 || (r->host_n == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0))
        r->refusal = "a request needs exactly one Host header";
    else if (r->length_n > 1 || (r->length_n && r->encoding_n))
        r->refusal = "more than one of Content-Length and Transfer-Encoding";
    else if (r->encoding_n > 1)
        r->refusal = "the only Transfer-Encoding that is taken is one 'chunked'";
    else if (r->encoding_n && strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
        r->refusal = "HTTP/1.0 has no Transfer-Encoding";
    else if (only_reads && (r->length_n || r->encoding_n))
        r->refusal = "GET and HEAD take no body";
    else if (r->authorization_n > 1)
        r->refusal = "more than one Authorization header";
    else if (r->cookies_n > 1)
        r->refusal = "more than one Cookie header";
    else if (!str_starts(r->exchange.in.path, STR("/")))
        r->refusal = "the path must begin with a slash";
}

static void read_request(struct http_request *r, const char *url, const char *method,
                         const char *version)
{
    struct exchange_in *in = &r->exchange.in;
    in->method = parse_method(method);
    in->listener = r->connection->listener;
    in->path = strip_authority(str_from(url), http_engine_is_tls(r->connection->engine));
    in->peer = r->connection->peer.address;
    in->principal = r->connection->principal;
    MHD_get_connection_values_n(r->m, MHD_HEADER_KIND, on_header, r);
    if (r->cookies_n)
        MHD_get_connection_values_n(r->m, MHD_COOKIE_KIND, wipe_cookie, NULL);
    check_form(r, method, version);
}

static const char too_large[] = "the request's body is too large";

static void begin(struct http_request *r, const char *url, const char *method, const char *version)
{
    http_request_check(r, REQUEST_OPENED);
    LIST_REMOVE(r, opened);
    r->state = REQUEST_BEGUN;
    r->is_fed = true;
    http_connection_heard(r->connection);
    r->begun_ns = uv_hrtime();
    read_request(r, url, method, version);
    r->exchange.waiter =
        (struct waiter){{http_server_wake, r->server}, slots_put(&r->server->requests, r)};
    exchange_begin(&r->exchange, r->server->port);
    r->body.max_bytes = r->exchange.body_max_bytes;
    /* libmicrohttpd takes a trailer that begins with a NUL for the end of them all, and the rest
     * for another request. */
    r->close = r->encoding_n > 0;
    if (!r->refusal && r->exchange.body_max_bytes && r->length > r->exchange.body_max_bytes) {
        r->refusal = too_large;
        r->refusal_status = 413;
    }
}

/* True where it is answered before its body has come: the rest is not read, and the connection
 * ends. */
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
        r->refusal = "the server could not finish this in time: try again";
        r->refusal_status = 503;
    }
    if (r->refusal) {
        r->close = true; /* where this request ends is not known */
        exchange_refuse(&r->exchange, r->refusal_status, r->refusal);
    } else if (!r->exchange.out.status)
        r->ended = exchange_step(&r->exchange) == EXCHANGE_DONE;
    if (r->exchange.out.gives_up_rights) {
        r->connection->listener = LISTENER_PAGE;
        r->connection->principal.kind = PRINCIPAL_NONE;
    }
    return r->exchange.out.status;
}

/* An answer that comes before the whole body. What still comes is read and dropped until the
 * deadline: closing now would send a reset, which may overtake the answer. */
static void respond_and_drop(struct http_request *r)
{
    r->dropping = true;
    http_respond_at_once(r->connection, &r->exchange.out);
}

/* libmicrohttpd takes no answer within a body. */
static void refuse_within_body(struct http_request *r, int status, const char *reason)
{
    r->server->bodies_bytes -= r->body.n;
    buf_done(&r->body);
    exchange_refuse(&r->exchange, status, reason);
    respond_and_drop(r);
}

/* Of all bodies that are being received. Small ones are taken even so. */
#define BODIES_MAX_BYTES (64 * 1024 * 1024)
#define SMALL_BODY_MAX_BYTES (64 * 1024)

static void take_body(struct http_request *r, const char *piece, size_t n)
{
    struct http_server *s = r->server;
    if (r->body.n + n > SMALL_BODY_MAX_BYTES && s->bodies_bytes + n > BODIES_MAX_BYTES)
        refuse_within_body(r, 503, "too many large requests at the same time: try again");
    else if (buf_append(&r->body, piece, n))
        s->bodies_bytes += n;
    else /* without Content-Length that shows only here */
        refuse_within_body(r, 413, too_large);
}

/* Whether the body may come although the request is refused. One that waits for "100 Continue" does
 * not. */
static bool body_follows(const struct http_request *r)
{
    return (r->length > 0 || r->encoding_n) && r->exchange.in.method != METHOD_HEAD &&
           !MHD_lookup_connection_value(r->m, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
}

void http_request_refuse_head(struct http_server *s, int status, struct str text)
{
    struct http_request *r;
    LIST_FOREACH(r, &s->opened_requests, opened)
    {
        /* It is known once the head is whole; all others that are whole have begun. */
        if (r->dropping || !MHD_get_connection_info(r->m, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE))
            continue;
        r->dropping = true;
        const struct exchange_out out = {
            .status = status, .type = "text/plain; charset=utf-8", .body = text};
        http_respond_at_once(r->connection, &out);
        return;
    }
}

/* Called when the head has come, then for each piece of the body, then once more at the end of the
 * request, and again each time that it is resumed. An answer to the first call makes libmicrohttpd
 * close the connection afterwards. */
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *m, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_n, void **context)
{
    struct http_server *s = cls;
    struct http_request *r = *context;
    (void)m;
    if (r->state == REQUEST_OPENED) {
        begin(r, url, method, version);
        if (!is_decided(r))
            return MHD_YES;
        if (body_follows(r) && answer(r)) {
            respond_and_drop(r);
            return MHD_YES;
        }
    } else if (*body_n) {
        http_request_check(r, REQUEST_BEGUN);
        r->is_fed = true;
        if (!r->dropping)
            take_body(r, body, *body_n);
        *body_n = 0;
        return MHD_YES;
    }
    http_request_check(r, REQUEST_BEGUN);
    if (r->suspended) /* it is asked for more than once in a run */
        return MHD_YES;
    if (r->dropping || r->abandoned)
        return MHD_NO;
    r->exchange.in.body = buf_view(&r->body);
    if (!answer(r)) {
        http_suspend(r, PHASE_SUSPENDED);
        return MHD_YES;
    }
    r->state = REQUEST_ANSWERED;
    bool sends_file = r->exchange.out.content && !r->exchange.out.content->remote;
    http_connection_enter(r->connection, sends_file ? PHASE_SENDING : PHASE_ANSWERING);
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

/* "10.0.20.12", or "uid 1000" for a process on this machine. */
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
    const char *failure = http_respond_failed(r);
    enum log_level level = r->abandoned    ? LOG_NOTICE
                           : !x->out.event ? LOG_DEBUG
                           : good && whole ? LOG_INFO
                           : failed        ? LOG_ERROR
                                           : LOG_NOTICE;
    if (!log_wants(level))
        return;
    char peer[ADDRESS_TEXT_SIZE];
    struct value_pair fields[12];
    size_t n = 0;
#define ADD(...) fields[n++] = (struct value_pair)__VA_ARGS__
    ADD(LOG_TEXT("peer", peer_text(&x->in, peer)));
    if (x->in.principal.kind == PRINCIPAL_TOKEN)
        ADD(LOG_TEXT("token", x->in.principal.token));
    ADD(LOG_TEXT("method", str_from(methods[x->in.method])));
    if (x->out.node.n)
        ADD(LOG_TEXT("node", x->out.node));
    if (x->out.file.n)
        ADD(LOG_TEXT("file", x->out.file));
    if (x->out.evidence.p)
        ADD(LOG_TEXT("evidence", x->out.evidence));
    if (x->out.status) {
        ADD(LOG_NUMBER("status", x->out.status));
        ADD(LOG_NUMBER("bytes", bytes_sent(r)));
    }
    ADD(LOG_NUMBER("us", (uv_hrtime() - r->begun_ns) / 1000));
    if (x->out.check)
        ADD(LOG_TEXT("check", str_from(x->out.check)));
    if (x->out.reason)
        ADD(LOG_TEXT("reason", str_from(x->out.reason)));
    if (!whole)
        ADD(LOG_TEXT("outcome", str_from(failure ? failure : "peer left")));
#undef ADD
    log_event(level,
              r->abandoned   ? "abandoned"
              : x->out.event ? x->out.event
                             : "answered",
              fields, n);
}

/* libmicrohttpd answered or gave up by itself. */
static void log_unread(const struct http_request *r)
{
    char peer[ADDRESS_TEXT_SIZE];
    const struct exchange_in in = {.peer = r->connection->peer.address,
                                   .principal = r->connection->principal};
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
    assert(r->magic == REQUEST_MAGIC && r->state != REQUEST_SPARE);
    assert(!r->suspended || r->is_held);
    release(r);
    *context = NULL;
    r->connection->request = NULL;
    s->requests_n--;
    s->bodies_bytes -= r->body.n;
    bool whole = how == MHD_REQUEST_TERMINATED_COMPLETED_OK || r->dropping;
    if (r->exchange.out.status && (whole || r->exchange.out.stream))
        s->sent_bytes += bytes_sent(r);
    if (r->exchange.out.status || r->abandoned)
        log_outcome(r, whole);
    else
        log_unread(r);
    http_respond_end(r);
    if (r->authorization_n) /* it is in libmicrohttpd's memory, which is freed as it is */
        explicit_bzero((char *)(uintptr_t)r->authorization.p, r->authorization.n);
    if (r->cookies_n)
        explicit_bzero((char *)(uintptr_t)r->exchange.in.cookie.p, r->exchange.in.cookie.n);
    if (r->state == REQUEST_OPENED)
        LIST_REMOVE(r, opened);
    if (r->state >= REQUEST_BEGUN) {
        exchange_end(&r->exchange);
        slots_remove(&s->requests, r->exchange.waiter.ref);
        http_connection_waiting(r->connection);
    }
    request_put(s, r);
}
