/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fetch/transfer.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define URL_MAX_BYTES 8192U
#define HEADERS_MAX_BYTES 65536U    /* of an answer */
#define STREAM_HELD_MAX_BYTES 65536 /* more than the 16 KiB that libcurl hands over at once */
#define REDIRECTS_MAX 3L
#define NEVER UINT64_MAX

/* --- The answer: called by libcurl, so that nothing here may call it or wake anybody -----------
 */

static uint64_t now(const struct transfer *t)
{
    return fetcher_now_ms(t->fetcher);
}

static void note_bytes(struct transfer *t)
{
    t->stage = TRANSFER_ANSWERED;
    t->stage_due_ms = t->silence_ms ? now(t) + t->silence_ms : NEVER;
}

/* Comes again for each redirect, and where a connection turned out to be dead. */
static int on_connected(void *cls, char *to, char *from, int to_port, int from_port)
{
    struct transfer *t = cls;
    (void)to, (void)from, (void)to_port, (void)from_port;
    t->stage = TRANSFER_ASKED;
    t->stage_due_ms = now(t) + t->answer_ms;
    return CURL_PREREQFUNC_OK;
}

static long status_of(struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_final(const struct transfer *t, long status)
{
    return status >= 200 && !(t->follows && status >= 300 && status < 400);
}

/* Trailers come here too, behind the body. */
static size_t on_header(char *p, size_t one, size_t n, void *cls)
{
    struct transfer *t = cls;
    (void)one;
    note_bytes(t);
    t->header_bytes += n;
    if (t->header_bytes > HEADERS_MAX_BYTES)
        return 0;
    bool ends = p[0] == '\r' || p[0] == '\n';
    if (ends || str_starts((struct str){p, n}, STR("HTTP/")))
        t->is_head_whole = ends;
    if (ends && t->stream && t->fetch.status == 0 && is_final(t, status_of(t))) {
        t->fetch.status = (int)status_of(t);
        fetcher_rouse(t->fetcher, t);
    }
    return n;
}

static size_t on_body(char *p, size_t one, size_t n, void *cls)
{
    struct transfer *t = cls;
    (void)one;
    note_bytes(t);
    if (t->stream && t->body.n + n > STREAM_HELD_MAX_BYTES) {
        t->paused = true;
        t->stage_due_ms = NEVER; /* it is not the server that is silent */
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!buf_append(&t->body, p, n))
        return 0;
    if (t->stream)
        fetcher_rouse(t->fetcher, t);
    return n;
}

/* --- The request ------------------------------------------------------------------------------ */

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < ' ' && c != '\t') || c == 127)
            return false;
    }
    return true;
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] == 127 || strchr("\"(),/:;<=>?@[\\]{}", text.p[i]))
            return false;
    return text.n > 0;
}

static int check(const struct fetch_request *q, struct err *e)
{
    assert(q->connect_ms && q->answer_ms && (q->whole_ms || q->silence_ms));
    if (!is_token(str_from(q->method)))
        return err_set(e, -EINVAL, "not a valid HTTP method");
    for (size_t i = 0; i < q->n_headers; i++)
        if (!is_token(q->headers[i].name) || !is_plain(q->headers[i].value))
            return err_set(e, -EINVAL, "header %zu is malformed", i + 1);
    if (!is_plain(q->bearer) || !is_plain(q->proxy))
        return err_set(e, -EINVAL, "a control character in the token or the proxy");
    if (q->proxy.p && !str_starts(q->proxy, STR("http://")))
        return err_set(e, -EINVAL, "the proxy must be http://HOST:PORT");
    return 0;
}

static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK ? text : NULL;
}

/* "https://HOST:PORT", or NULL. */
static char *server_of(const char *text)
{
    CURLU *url = mem_need(curl_url());
    bool ok = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    char *scheme = ok ? url_part(url, CURLUPART_SCHEME) : NULL;
    char *host = ok ? url_part(url, CURLUPART_HOST) : NULL;
    char *port = ok ? url_part(url, CURLUPART_PORT) : NULL;
    char *user = ok ? url_part(url, CURLUPART_USER) : NULL;
    bool http = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    struct buf server;
    buf_init(&server, URL_MAX_BYTES);
    if (http && host && port && !user)
        buf_printf(&server, "%s://%s:%s", scheme, host, port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    curl_url_cleanup(url);
    char *copy = server.n && !server.full ? mem_copy(server.p, server.n) : NULL;
    buf_done(&server);
    return copy;
}

static int set_url(struct transfer *t, const struct fetch_request *q, struct err *e)
{
    bool fits = q->url.n <= URL_MAX_BYTES && is_plain(q->url);
    char *url = mem_copy(q->url.p, fits ? q->url.n : 0);
    t->server = server_of(url);
    if (t->server)
        EASY_SET(t->easy, CURLOPT_URL, url);
    explicit_bzero(url, strlen(url));
    free(url);
    if (!t->server)
        return err_set(e, -EINVAL, "not an http or https URL without a user's name");
    bool tls = str_starts(str_from(t->server), STR("https:"));
    if (q->bearer.p && !tls)
        return err_set(e, -EINVAL, "%s: a token must not be sent without TLS", t->server);
    if (tls)
        EASY_SET(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    return 0;
}

/* libcurl sends a header named Authorization to no other server after a redirect. */
static void set_headers(struct transfer *t, const struct fetch_request *q)
{
    struct curl_slist *list = easy_headers((struct str){NULL, 0});
    for (size_t i = 0; i < q->n_headers; i++)
        list = easy_header(list, q->headers[i].name, q->headers[i].value);
    if (q->bearer.p) {
        struct buf value;
        buf_init(&value, SIZE_MAX - 1);
        value.secret = true;
        buf_printf(&value, "Bearer %.*s", STR_ARG(q->bearer));
        list = easy_header(list, STR("Authorization"), buf_view(&value));
        buf_done(&value);
    }
    t->headers = list;
    EASY_SET(t->easy, CURLOPT_HTTPHEADER, list);
}

static void set_proxy(struct transfer *t, struct str proxy)
{
    char *text = mem_copy(proxy.p, proxy.n);
    EASY_SET(t->easy, CURLOPT_PROXY, text);
    explicit_bzero(text, proxy.n);
    free(text);
}

static void set_callbacks(struct transfer *t)
{
    EASY_SET(t->easy, CURLOPT_PRIVATE, t);
    EASY_SET(t->easy, CURLOPT_ERRORBUFFER, t->why);
    EASY_SET(t->easy, CURLOPT_PREREQFUNCTION, on_connected);
    EASY_SET(t->easy, CURLOPT_PREREQDATA, t);
    EASY_SET(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    EASY_SET(t->easy, CURLOPT_HEADERDATA, t);
    EASY_SET(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    EASY_SET(t->easy, CURLOPT_WRITEDATA, t);
}

static void set_manners(struct transfer *t, const struct fetch_request *q)
{
    bool repeatable =
        q->repeatable || strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
    EASY_SET(t->easy, CURLOPT_NOSIGNAL, 1L);
    EASY_SET(t->easy, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a name that is being resolved */
    EASY_SET(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_ms);
    EASY_SET(t->easy, CURLOPT_FRESH_CONNECT, repeatable && !q->looks ? 0L : 1L);
    if (q->looks)
        easy_note_certificates(t->easy);
    EASY_SET(t->easy, CURLOPT_FOLLOWLOCATION, q->follows ? 1L : 0L);
    EASY_SET(t->easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
}

static struct transfer *blank(const struct fetch_request *q, uint64_t now_ms)
{
    struct transfer *t = MEM_NEW(struct transfer);
    t->easy = easy_new();
    t->waiter = q->waiter;
    t->connect_ms = q->connect_ms;
    t->answer_ms = q->answer_ms;
    t->silence_ms = q->silence_ms;
    t->whole_ms = q->whole_ms;
    t->stage_due_ms = now_ms + q->connect_ms;
    t->whole_due_ms = q->whole_ms ? now_ms + q->whole_ms : NEVER;
    t->stream = q->stream;
    t->follows = q->follows;
    t->is_head = strcmp(q->method, "HEAD") == 0;
    buf_init(&t->body, q->stream ? STREAM_HELD_MAX_BYTES : q->body_max_bytes);
    buf_init(&t->taken, STREAM_HELD_MAX_BYTES);
    t->body.secret = t->taken.secret = true;
    t->fetch.body = t->fetch.certificate = STR("");
    return t;
}

int transfer_new(const struct fetch_request *q, uint64_t now_ms, struct transfer **ret,
                 struct err *e)
{
    int r = check(q, e);
    if (r < 0)
        return r;
    struct transfer *t = blank(q, now_ms);
    r = set_url(t, q, e);
    if (r < 0) {
        transfer_free(t);
        return r;
    }
    set_headers(t, q);
    set_callbacks(t);
    set_manners(t, q);
    easy_method(t->easy, q->method, q->body);
    if (q->ca.p)
        easy_trust(t->easy, q->ca);
    if (q->certificate.p)
        easy_identify(t->easy, q->certificate, q->key);
    if (q->proxy.p)
        set_proxy(t, q->proxy);
    *ret = t;
    return 0;
}

void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    buf_done(&t->body);
    buf_done(&t->taken);
    free(t->server);
    free(t);
}

/* --- The end ---------------------------------------------------------------------------------- */

uint64_t transfer_due_ms(const struct transfer *t)
{
    if (t->stage == TRANSFER_DONE)
        return NEVER;
    return t->stage_due_ms < t->whole_due_ms ? t->stage_due_ms : t->whole_due_ms;
}

static enum fetch_fault fault_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK: return FETCH_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return FETCH_UNRESOLVED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return FETCH_UNREACHED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return FETCH_TLS;
    case CURLE_OPERATION_TIMEDOUT: return FETCH_LATE;
    case CURLE_WRITE_ERROR:   /* by on_header or on_body */
    case CURLE_OUT_OF_MEMORY: /* a header line of more than 100 KiB, before libcurl 8.6 */
    case 100: /* CURLE_TOO_LARGE since then */ return FETCH_TOO_LARGE;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return FETCH_CUT_OFF;
    default: return FETCH_BAD_ANSWER;
    }
}

/* Whether TCP has a connection: then the other side's port is known. */
static bool is_accepted(struct transfer *t)
{
    long port = 0;
    curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
    return port;
}

static const char *awaited(struct transfer *t)
{
    curl_off_t resolved_us = 0;
    curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved_us);
    if (t->stage == TRANSFER_QUEUED)
        return "waited for other requests";
    if (!resolved_us)
        return "the name is not resolved";
    return is_accepted(t) ? "the TLS handshake does not end" : "it does not accept";
}

/* A handshake that the other side ended without a word, as balancers do that have no server.
 * libcurl has only text for it, of the TLS library. */
static bool is_hangup(const char *why)
{
    static const char *const texts[] = {"SSL_ERROR_SYSCALL", "unexpected eof", "reset by peer"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strstr(why, texts[i]))
            return true;
    }
    return false;
}

static enum fetch_reach reach_of(struct transfer *t, CURLcode code)
{
    bool tls = str_starts(str_from(t->server), STR("https:"));
    if (t->stage == TRANSFER_ANSWERED || (t->stage == TRANSFER_ASKED && tls))
        return FETCH_ANSWERED;
    if (!is_accepted(t))
        return FETCH_NOWHERE;
    if (fault_of(code) != FETCH_TLS || (code == CURLE_SSL_CONNECT_ERROR && is_hangup(t->why)))
        return FETCH_ACCEPTED;
    return FETCH_ANSWERED;
}

static void say_late(struct transfer *t, uint64_t now_ms)
{
    struct err *e = &t->fetch.err;
    if (now_ms >= t->whole_due_ms)
        err_set(e, -ETIMEDOUT, "%s: not done within %u ms", t->server, t->whole_ms);
    else if (t->stage == TRANSFER_ANSWERED)
        err_set(e, -ETIMEDOUT, "%s: the answer stopped for %u ms", t->server, t->silence_ms);
    else if (t->stage == TRANSFER_ASKED)
        err_set(e, -ETIMEDOUT, "%s: no answer within %u ms", t->server, t->answer_ms);
    else
        err_set(e, -ETIMEDOUT, "%s: no connection within %u ms: %s", t->server, t->connect_ms,
                awaited(t));
}

/* libcurl's texts may hold names from certificates and headers of the server. */
static void say_libcurl(struct transfer *t, int number, const char *what, CURLcode code)
{
    struct buf why;
    buf_init(&why, sizeof(t->fetch.err.msg));
    buf_escaped(&why, str_from(t->why[0] ? t->why : curl_easy_strerror(code)), 200);
    err_set(&t->fetch.err, number, "%s: %s: %s", t->server, what, buf_view(&why).p);
    buf_done(&why);
}

static void say_unreached(struct transfer *t, CURLcode code)
{
    long number = 0;
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
    if (number > 0)
        err_errno(&t->fetch.err, -(int)number, "%s: no connection", t->server);
    else
        say_libcurl(t, -EHOSTUNREACH, "no connection", code);
}

static bool has(const struct transfer *t, const char *name)
{
    struct curl_header *header;
    return curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
}

/* libcurl takes an answer for whole that ends within its headers or, where it has neither a length
 * nor chunks, with the connection, even where TLS was not ended first. */
static const char *missing_of(struct transfer *t)
{
    long status = status_of(t);
    if (!t->is_head_whole)
        return "it ends within its headers";
    if (t->is_head || status == 204 || status == 304)
        return NULL;
    return has(t, "Content-Length") || has(t, "Transfer-Encoding")
               ? NULL
               : "it has neither a length nor chunks";
}

static CURLcode verdict_of(struct transfer *t, CURLcode code)
{
    const char *missing = code == CURLE_OK ? missing_of(t) : NULL;
    if (missing)
        snprintf(t->why, sizeof(t->why), "%s", missing);
    return missing ? CURLE_PARTIAL_FILE : code;
}

static void say(struct transfer *t, CURLcode code)
{
    struct err *e = &t->fetch.err;
    switch (t->fetch.fault) {
    case FETCH_OK: break;
    case FETCH_UNRESOLVED:
        err_set(e, -EADDRNOTAVAIL, "%s: the name cannot be resolved", t->server);
        break;
    case FETCH_UNREACHED: say_unreached(t, code); break;
    case FETCH_TLS: say_libcurl(t, -EPROTO, "TLS", code); break;
    case FETCH_LATE: say_late(t, now(t)); break;
    case FETCH_TOO_LARGE:
        if (t->body.full)
            err_set(e, -EMSGSIZE, "%s: the answer is larger than %zu bytes", t->server,
                    t->body.max_bytes);
        else
            err_set(e, -EMSGSIZE, "%s: the answer's headers are larger than %u bytes", t->server,
                    HEADERS_MAX_BYTES);
        break;
    case FETCH_CUT_OFF: say_libcurl(t, -ECONNRESET, "cut off", code); break;
    case FETCH_BAD_ANSWER: say_libcurl(t, -EPROTO, "bad answer", code); break;
    }
}

/* Where a connection that was kept open turned out to be dead, and then there was no other one: the
 * server may have had the request before. */
static bool was_sent(const struct transfer *t)
{
    enum fetch_fault f = t->fetch.fault;
    return t->stage >= TRANSFER_ASKED && !t->follows &&
           (f == FETCH_UNRESOLVED || f == FETCH_UNREACHED || f == FETCH_TLS);
}

void transfer_finish(struct transfer *t, CURLcode code)
{
    code = verdict_of(t, code);
    t->fetch.fault = fault_of(code);
    t->fetch.reach = reach_of(t, code);
    if (t->fetch.fault == FETCH_CUT_OFF && t->stage == TRANSFER_CONNECTING)
        t->fetch.fault = FETCH_UNREACHED; /* by a proxy */
    if (was_sent(t))
        t->fetch.fault = FETCH_CUT_OFF;
    t->fetch.status = (int)status_of(t);
    say(t, code);
    if (!t->stream)
        t->fetch.body = buf_view(&t->body);
    if (code == CURLE_OK)
        t->fetch.certificate = easy_certificate(t->easy);
    t->stage = TRANSFER_DONE;
    t->fetch.done = true;
    fetcher_rouse(t->fetcher, t);
}

void transfer_finish_late(struct transfer *t)
{
    transfer_finish(t, CURLE_OPERATION_TIMEDOUT);
}

/* --- For the owner ---------------------------------------------------------------------------- */

struct str transfer_take(struct transfer *t)
{
    struct buf full = t->body;
    if (!t->stream)
        return STR("");
    buf_clear(&t->taken);
    t->body = t->taken;
    t->taken = full;
    if (t->paused && t->stage != TRANSFER_DONE) {
        t->paused = false;
        note_bytes(t);
        curl_easy_pause(t->easy, CURLPAUSE_CONT); /* may call on_body */
    }
    return buf_view(&t->taken);
}

struct str transfer_header(struct transfer *t, const char *name)
{
    struct curl_header *header;
    if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return (struct str){NULL, 0};
    struct str last = str_from(header->value);
    size_t amount = header->amount;
    if (amount > 1 &&
        curl_easy_header(t->easy, name, amount - 1, CURLH_HEADER, -1, &header) == CURLHE_OK)
        last = str_from(header->value);
    return str_trim(last); /* libcurl makes "\r" of an empty one */
}
