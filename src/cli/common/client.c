/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/fetch/easy.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CONNECT_MS 10000L
#define REQUEST_MS 90000L /* the server itself gives up after 60 s */
#define ANSWER_MAX_BYTES ((size_t)256 * 1024 * 1024)
#define SILENT_MS 45000 /* a sign of life comes every 15 s */
#define AGAIN_FIRST_MS 100
#define AGAIN_MAX_MS 5000

struct client {
    const struct server_address *server;
    CURL *easy;
    struct buf body;
};

static CURL *make_handle(const struct server_address *server)
{
    CURL *easy = easy_new();
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    if (server->ca.n)
        easy_trust(easy, server->ca);
    if (server->socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, server->socket);
    return easy;
}

struct client *client_new(const struct server_address *server)
{
    struct client *cl = MEM_NEW(struct client);
    easy_setup();
    cl->server = server;
    cl->easy = make_handle(server);
    buf_init(&cl->body, ANSWER_MAX_BYTES);
    return cl;
}

void client_free(struct client *cl)
{
    if (!cl)
        return;
    curl_easy_cleanup(cl->easy);
    buf_done(&cl->body);
    free(cl);
    easy_teardown();
}

static int fail_access(const struct server_address *server, struct err *e)
{
    struct stat st;
    const struct group *g = stat(server->socket, &st) == 0 ? getgrgid(st.st_gid) : NULL;
    const char *group = g ? g->gr_name : server->group;
    return err_set(e, -EACCES,
                   "%s: permission denied: only root%s%s%s may ask the server; run this as one of "
                   "them",
                   server->where, group ? " and members of group '" : " and the server's own group",
                   group ? group : "", group ? "'" : "");
}

#define WHERE_ELSE "--server or CLOUDSEED_SERVER names another place"

static int fail_connect(const struct server_address *server, int code, struct err *e)
{
    if (!server->socket)
        return err_errno(e, code, "%s: no connection; is cloudseedd running?", server->where);
    if (code == -EACCES || code == -EPERM)
        return fail_access(server, e);
    if (code == -ENOENT)
        return err_set(e, code,
                       "%s: there is no such socket; is cloudseedd running? (" WHERE_ELSE ")",
                       server->where);
    if (code == -ECONNREFUSED)
        return err_set(e, code, "%s: nobody listens there; is cloudseedd running? (" WHERE_ELSE ")",
                       server->where);
    return err_errno(e, code, "%s: no connection", server->where);
}

static int fail(const struct client *cl, CURL *easy, CURLcode code, struct err *e)
{
    long number = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT)
        return fail_connect(cl->server, number ? -(int)number : -ECONNREFUSED, e);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return err_set(
            e, -EACCES,
            "%s: its certificate is not trusted: run 'cloudseed login URL', again if its "
            "CA was replaced",
            cl->server->where);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, -ETIMEDOUT, "%s: no answer in time", cl->server->where);
    if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE)
        return err_set(e, -EIO, "%s: the connection ended before the answer did",
                       cl->server->where);
    return err_set(e, -EIO, "%s: %s", cl->server->where, curl_easy_strerror(code));
}

static size_t on_body(char *p, size_t one, size_t n, void *cls)
{
    struct client *cl = cls;
    (void)one;
    return buf_append(&cl->body, p, n) ? n : 0;
}

static struct curl_slist *add_token(struct curl_slist *list, const struct server_address *server)
{
    struct buf value;
    if (!server->token.n)
        return list;
    buf_init(&value, ANSWER_MAX_BYTES);
    value.secret = true;
    buf_printf(&value, "Bearer %.*s", STR_ARG(server->token));
    list = easy_header(list, STR("Authorization"), buf_view(&value));
    buf_done(&value);
    return list;
}

static struct curl_slist *make_headers(const struct client *cl, const struct client_request *q)
{
    struct curl_slist *list =
        easy_headers(q->body.p ? STR("application/json") : (struct str){NULL, 0});
    list = easy_header(list, STR("Accept"), STR("application/json, application/problem+json"));
    list = add_token(list, cl->server);
    return q->if_match.n ? easy_header(list, STR("If-Match"), q->if_match) : list;
}

static void set_url(CURL *easy, const struct server_address *server, struct str target)
{
    struct buf url;
    buf_init(&url, ANSWER_MAX_BYTES);
    buf_printf(&url, "%s%.*s", server->url, STR_ARG(target));
    curl_easy_setopt(easy, CURLOPT_URL, url.p);
    buf_done(&url);
}

static void prepare(struct client *cl, const struct client_request *q, struct curl_slist *headers)
{
    buf_clear(&cl->body);
    set_url(cl->easy, cl->server, q->target);
    easy_method(cl->easy, q->method, q->body);
    curl_easy_setopt(cl->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(cl->easy, CURLOPT_TIMEOUT_MS, REQUEST_MS);
    curl_easy_setopt(cl->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(cl->easy, CURLOPT_WRITEDATA, cl);
}

static struct str header_of(CURL *easy, const char *name, struct arena *a)
{
    struct curl_header *header;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return STR("");
    return arena_str(a, str_from(header->value));
}

int client_ask(struct client *cl, const struct client_request *q, struct arena *a,
               struct client_answer *ret, struct err *e)
{
    long status = 0;
    struct curl_slist *headers = make_headers(cl, q);
    prepare(cl, q, headers);
    CURLcode code = curl_easy_perform(cl->easy);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return fail(cl, cl->easy, code, e);
    curl_easy_getinfo(cl->easy, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    ret->etag = header_of(cl->easy, "ETag", a);
    ret->text = arena_str(a, buf_view(&cl->body));
    return 0;
}

struct client_stream {
    struct client *client;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    struct sse sse;
    struct buf refusal; /* the body of an answer that is not a stream of events */
    bool added;
    uint64_t last_byte_ms, again_ms; /* boot-time clock: the last byte; the next connection */
    unsigned wait_ms;                /* after the next failure */
    struct err trouble;              /* code 0: none */
    sse_event_fn on_event;
    void *cls;
    bool came;
};

static void on_event(void *cls, const struct sse_event *event)
{
    struct client_stream *s = cls;
    s->came = true;
    s->on_event(s->cls, event);
}

static long status_of(CURL *easy)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t on_bytes(char *p, size_t one, size_t n, void *cls)
{
    struct client_stream *s = cls;
    (void)one;
    s->last_byte_ms = clock_boot_ms();
    if (status_of(s->easy) != 200)
        return buf_append(&s->refusal, p, n) ? n : 0;
    s->trouble.code = 0;
    s->wait_ms = AGAIN_FIRST_MS;
    return sse_feed(&s->sse, (struct str){p, n}) ? n : 0;
}

struct client_stream *client_stream_new(struct client *cl, struct str target, struct str after,
                                        sse_event_fn on_event_fn, void *cls)
{
    struct client_stream *s = MEM_NEW(struct client_stream);
    s->client = cl;
    s->on_event = on_event_fn;
    s->cls = cls;
    s->wait_ms = AGAIN_FIRST_MS;
    s->multi = mem_need(curl_multi_init());
    s->easy = make_handle(cl->server);
    sse_init(&s->sse, on_event, s);
    buf_str(&s->sse.last, after);
    buf_init(&s->refusal, SSE_EVENT_MAX_BYTES);
    set_url(s->easy, cl->server, target);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    return s;
}

static void disconnect(struct client_stream *s)
{
    if (s->added)
        curl_multi_remove_handle(s->multi, s->easy);
    s->added = false;
}

void client_stream_free(struct client_stream *s)
{
    if (!s)
        return;
    disconnect(s);
    curl_easy_cleanup(s->easy);
    curl_multi_cleanup(s->multi);
    curl_slist_free_all(s->headers);
    sse_done(&s->sse);
    buf_done(&s->refusal);
    free(s);
}

static void connect_stream(struct client_stream *s)
{
    curl_slist_free_all(s->headers);
    s->headers = easy_header(NULL, STR("Accept"), STR("text/event-stream"));
    s->headers = add_token(s->headers, s->client->server);
    if (s->sse.last.n)
        s->headers = easy_header(s->headers, STR("Last-Event-ID"), buf_view(&s->sse.last));
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
    sse_restart(&s->sse);
    buf_clear(&s->refusal);
    s->last_byte_ms = clock_boot_ms();
    curl_multi_add_handle(s->multi, s->easy);
    s->added = true;
}

/* After 5xx the connection is made again: the server is starting, stopping or full. */
static int on_end(struct client_stream *s, CURLcode code, struct err *e)
{
    long status = status_of(s->easy);
    disconnect(s);
    if (code == CURLE_OK && status != 200 && status < 500)
        return err_set(e, -EPROTO, "%s: the server refuses its events: status %ld",
                       s->client->server->where, status);
    if (code != CURLE_OK)
        fail(s->client, s->easy, code, &s->trouble);
    else
        err_set(&s->trouble, -EIO, "%s: the server ended its events", s->client->server->where);
    s->again_ms = clock_boot_ms() + s->wait_ms;
    s->wait_ms = s->wait_ms * 2 < AGAIN_MAX_MS ? s->wait_ms * 2 : AGAIN_MAX_MS;
    return 0;
}

static int perform(struct client_stream *s, struct err *e)
{
    int running, left, r = 0;
    const CURLMsg *msg;
    curl_multi_perform(s->multi, &running);
    while (r == 0 && (msg = curl_multi_info_read(s->multi, &left)))
        r = msg->msg == CURLMSG_DONE ? on_end(s, msg->data.result, e) : 0;
    if (r == 0 && s->added && clock_boot_ms() - s->last_byte_ms > SILENT_MS)
        r = on_end(s, CURLE_OPERATION_TIMEDOUT, e);
    return r;
}

/* At most until the next connection. */
static int until_again(const struct client_stream *s, int timeout_ms)
{
    uint64_t now = clock_boot_ms();
    if (s->added || s->again_ms >= now + (uint64_t)timeout_ms)
        return timeout_ms;
    return s->again_ms > now ? (int)(s->again_ms - now) : 0;
}

int client_stream_wait(struct client_stream *s, int timeout_ms, int fd, struct err *e)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    s->came = false;
    if (!s->added && clock_boot_ms() >= s->again_ms)
        connect_stream(s);
    int r = perform(s, e);
    if (r < 0 || s->came)
        return r;
    curl_multi_poll(s->multi, &extra, fd >= 0, until_again(s, timeout_ms), NULL);
    return perform(s, e);
}

const char *client_stream_trouble(const struct client_stream *s)
{
    return s->trouble.code ? s->trouble.msg : NULL;
}
