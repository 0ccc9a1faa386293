/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storm/ask.h"

#include "base/mem.h"
#include "base/slots.h"
#include "net/fetch/fetcher.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/queue.h>

#define READ_BYTES 65536
#define KEPT_MAX_BYTES ((size_t)262144)
#define ERROR_KEPT_BYTES 1024
#define TLS_MAX 256          /* at a time; others wait here, as net/fetch looks through all */
#define TLS_CONNECT_MS 60000 /* longer than a node waits, which then cancels */
#define RETRY_MAX_S 300
#define AGENT "Cloud-Init/25.1"

struct ask {
    struct asker *asker;
    ask_fn fn;
    void *cls;
    bool keeps, is_closing;
    const char *trouble; /* it could not even begin: told once it is closed */
    struct buf out, in;
    /* Plain: */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_connect_t connect;
    uv_write_t write;
    struct ask_head head;
    size_t head_bytes;
    uint64_t body_bytes; /* that have come */
    /* TLS: */
    bool is_tls, is_queued;
    const struct ask_peer *peer;
    const char *method;
    struct str target, type, body, bearer; /* within `out` */
    struct fetch *fetch;
    struct slot_ref ref;
    TAILQ_ENTRY(ask) queued;
};

struct asker {
    uv_loop_t *loop;
    struct fetcher *fetcher;
    struct slots names;
    TAILQ_HEAD(, ask) queue;
    uint32_t fetches;
    char room[READ_BYTES];
};

/* --- Peers ---------------------------------------------------------------------------------- */

static int resolve(struct str host, const char *port, struct arena *a, struct ask_peer *p,
                   struct err *e)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = (struct str){host.p + 1, host.n - 2};
    int r = getaddrinfo(arena_str(a, host).p, port, &hints, &found);
    if (r != 0)
        return err_set(e, -EADDRNOTAVAIL, "%.*s: %s", STR_ARG(host), gai_strerror(r));
    memcpy(&p->address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

int ask_peer_at(struct str url, struct str ca, struct arena *a, struct ask_peer *ret, struct err *e)
{
    bool tls = str_starts(url, STR("https://"));
    struct str rest = str_skip(url, tls ? 8 : 7);
    if (!tls && !str_starts(url, STR("http://")))
        return err_set(e, -EINVAL, "'%.*s' is not an http or https URL", STR_ARG(url));
    struct str host = arena_str(a, str_cut(&rest, '/'));
    const char *colon = strrchr(host.p, ':');
    bool has_port = colon && !strchr(colon, ']');
    struct ask_peer p = {
        .kind = tls ? ASK_TLS : ASK_TCP,
        .url = ARENA_JOIN(a, tls ? STR("https://") : STR("http://"), host),
        .host = host,
        .ca = ca,
    };
    struct str name = has_port ? str_head(host, (size_t)(colon - host.p)) : host;
    int r = tls ? 0 : resolve(name, has_port ? colon + 1 : "80", a, &p, e);
    if (r == 0)
        *ret = p;
    return r;
}

/* --- Answers -------------------------------------------------------------------------------- */

static void read_field(struct str line, struct ask_head *h)
{
    uint64_t n;
    struct str value = line;
    struct str name = str_cut(&value, ':');
    if (!value.p || !str_to_u64(str_trim(value), UINT64_MAX, &n))
        return;
    if (str_eq_nocase(name, STR("Content-Length"))) {
        h->body_bytes = n;
        h->has_length = true;
    } else if (str_eq_nocase(name, STR("Retry-After"))) {
        h->retry_after_s = n < RETRY_MAX_S ? (uint32_t)n : RETRY_MAX_S;
    }
}

int ask_read_head(struct str bytes, struct ask_head *ret)
{
    uint64_t status;
    const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
    struct ask_head h = {.status = 0};
    if (!end)
        return bytes.n < ASK_HEAD_MAX_BYTES ? 0 : -EPROTO;
    struct str rest = str_head(bytes, (size_t)(end - bytes.p));
    struct str line = str_cut(&rest, '\n');
    if (!str_starts(line, STR("HTTP/1.")) || line.n < 12 ||
        !str_to_u64((struct str){line.p + 9, 3}, 999, &status) || status < 100)
        return -EPROTO;
    h.status = (int)status;
    while (rest.p)
        read_field(str_cut(&rest, '\n'), &h);
    *ret = h;
    return (int)(end + 4 - bytes.p);
}

/* --- The end -------------------------------------------------------------------------------- */

static void release(struct ask *k)
{
    buf_done(&k->out);
    buf_done(&k->in);
    free(k);
}

static void on_closed(uv_handle_t *handle)
{
    struct ask *k = handle->data;
    if (k->trouble)
        k->fn(k->cls, &(struct ask_answer){.trouble = k->trouble, .body = STR("")});
    release(k);
}

static void begin_queued(struct asker *asker);

static void close_tls(struct ask *k)
{
    struct asker *asker = k->asker;
    if (k->is_queued)
        TAILQ_REMOVE(&asker->queue, k, queued);
    if (k->fetch) {
        asker->fetches--;
        fetch_end(k->fetch);
    }
    slots_remove(&asker->names, k->ref);
    release(k);
}

void ask_cancel(struct ask *k)
{
    k->trouble = NULL;
    if (k->is_tls) {
        close_tls(k);
    } else if (!k->is_closing) {
        k->is_closing = true;
        uv_close(&k->uv.handle, on_closed);
    }
}

/* The answer's body is gone after the call. */
static void end(struct ask *k, const struct ask_answer *answer)
{
    ask_fn fn = k->fn;
    void *cls = k->cls;
    fn(cls, answer);
    ask_cancel(k);
}

static void fail(struct ask *k, const char *why)
{
    end(k, &(struct ask_answer){.trouble = why, .body = STR("")});
}

/* --- Plain ---------------------------------------------------------------------------------- */

static const char *words_of(ssize_t code)
{
    switch (code) {
    case UV_ECONNREFUSED: return "connection refused";
    case UV_ENOENT: return "no such socket";
    case UV_ECONNRESET:
    case UV_EPIPE: return "connection reset";
    case UV_ETIMEDOUT: return "no connection";
    case UV_EADDRNOTAVAIL: return "no free port on this machine";
    case UV_EMFILE: return "no free descriptor in this process";
    default: return "connection failed";
    }
}

/* The server closes after the answer, so that the ports in TIME_WAIT are on its side. */
static void on_end(struct ask *k)
{
    if (k->head_bytes == 0) {
        fail(k, "no answer, connection closed");
    } else if (k->head.has_length && k->body_bytes < k->head.body_bytes) {
        fail(k, "answer cut off");
    } else {
        end(k, &(struct ask_answer){
                   .status = k->head.status,
                   .retry_after_s = k->head.retry_after_s,
                   .body = str_skip(buf_view(&k->in), k->head_bytes),
               });
    }
}

static void take_body(struct ask *k, struct str bytes)
{
    size_t room = k->keeps ? KEPT_MAX_BYTES : k->head.status >= 300 ? ERROR_KEPT_BYTES : 0;
    size_t have = k->in.n - k->head_bytes;
    k->body_bytes += bytes.n;
    if (have < room)
        buf_str(&k->in, str_head(bytes, room - have));
}

static void take(struct ask *k, struct str bytes)
{
    if (k->head_bytes) {
        take_body(k, bytes);
        return;
    }
    size_t before = k->in.n;
    struct str head =
        bytes.n < ASK_HEAD_MAX_BYTES ? bytes : (struct str){bytes.p, ASK_HEAD_MAX_BYTES};
    buf_str(&k->in, head);
    int r = ask_read_head(buf_view(&k->in), &k->head);
    if (r <= 0)
        return;
    k->head_bytes = (size_t)r;
    k->in.n = (size_t)r;
    take_body(k, str_skip(bytes, (size_t)r - before));
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    const struct ask *k = handle->data;
    (void)wanted;
    *ret = uv_buf_init(k->asker->room, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct ask *k = stream->data;
    if (k->is_closing)
        return;
    if (n > 0)
        take(k, (struct str){bytes->base, (size_t)n});
    else if (n == UV_EOF)
        on_end(k);
    else if (n < 0)
        fail(k, words_of(n));
}

static void on_written(uv_write_t *w, int status)
{
    struct ask *k = w->data;
    if (status < 0 && !k->is_closing)
        fail(k, words_of(status));
}

static void on_connected(uv_connect_t *c, int status)
{
    struct ask *k = c->data;
    if (k->is_closing)
        return;
    if (status < 0) {
        fail(k, words_of(status));
        return;
    }
    uv_buf_t out = uv_buf_init(k->out.p, (unsigned)k->out.n);
    k->write.data = k;
    uv_read_start(&k->uv.stream, on_room, on_read);
    uv_write(&k->write, &k->uv.stream, &out, 1, on_written);
}

static void write_request(struct buf *b, const struct ask_request *q)
{
    buf_printf(b, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: " AGENT "\r\n", q->method,
               STR_ARG(q->target), STR_ARG(q->peer->host));
    buf_str(b, STR("Accept-Encoding: gzip, deflate\r\nConnection: close\r\n"));
    if (q->type.n)
        buf_printf(b, "Content-Type: %.*s\r\n", STR_ARG(q->type));
    if (q->body.p)
        buf_printf(b, "Content-Length: %zu\r\n", q->body.n);
    buf_str(b, STR("\r\n"));
    buf_str(b, q->body);
}

static void start_plain(struct ask *k, const struct ask_request *q)
{
    int r = 0;
    write_request(&k->out, q);
    k->connect.data = k;
    if (q->peer->kind == ASK_SOCKET) {
        uv_pipe_init(k->asker->loop, &k->uv.pipe, 0);
        k->uv.handle.data = k;
        uv_pipe_connect(&k->connect, &k->uv.pipe, q->peer->socket, on_connected);
    } else {
        uv_tcp_init(k->asker->loop, &k->uv.tcp);
        k->uv.handle.data = k;
        r = uv_tcp_connect(&k->connect, &k->uv.tcp, (const struct sockaddr *)&q->peer->address,
                           on_connected);
    }
    if (r < 0) {
        ask_cancel(k);
        k->trouble = words_of(r);
    }
}

/* --- TLS ------------------------------------------------------------------------------------ */

static const char *words_of_fault(enum fetch_fault fault)
{
    switch (fault) {
    case FETCH_OK: return NULL;
    case FETCH_UNRESOLVED: return "name not resolved";
    case FETCH_UNREACHED: return "connection refused";
    case FETCH_TLS: return "TLS failed";
    case FETCH_LATE: return "no answer in time";
    case FETCH_TOO_LARGE: return "answer too large";
    case FETCH_CUT_OFF: return "answer cut off";
    case FETCH_BAD_ANSWER: break;
    }
    return "not an answer of HTTP";
}

static void on_fetched(void *cls, struct slot_ref ref)
{
    struct asker *asker = cls;
    struct ask *k = slots_find(&asker->names, ref);
    uint64_t retry = 0;
    if (!k || !k->fetch->done)
        return;
    const struct fetch *f = k->fetch;
    str_to_u64(fetch_header(k->fetch, "Retry-After"), RETRY_MAX_S, &retry);
    end(k, &(struct ask_answer){
               .trouble = words_of_fault(f->fault),
               .status = f->status,
               .retry_after_s = (uint32_t)retry,
               .body = f->fault == FETCH_OK ? f->body : str_from(f->err.msg),
           });
    begin_queued(asker);
}

static int start_fetch(struct ask *k, struct err *e)
{
    const struct fetch_field fields[] = {{STR("Connection"), STR("close")},
                                         {STR("Content-Type"), k->type}};
    struct buf url;
    buf_init(&url, KEPT_MAX_BYTES);
    buf_printf(&url, "%.*s%.*s", STR_ARG(k->peer->url), STR_ARG(k->target));
    const struct fetch_request q = {
        .method = k->method,
        .url = buf_view(&url),
        .headers = fields,
        .n_headers = k->type.n ? 2 : 1,
        .bearer = k->bearer.n ? k->bearer : (struct str){NULL, 0},
        .body = k->body,
        .ca = k->peer->ca.n ? k->peer->ca : (struct str){NULL, 0},
        .connect_ms = TLS_CONNECT_MS,
        .answer_ms = TLS_CONNECT_MS,
        .whole_ms = 2 * TLS_CONNECT_MS,
        .body_max_bytes = KEPT_MAX_BYTES,
        .waiter = {{on_fetched, k->asker}, k->ref},
    };
    int r = fetch_start(fetcher_port(k->asker->fetcher), &q, &k->fetch, e);
    buf_done(&url);
    return r;
}

static void begin_queued(struct asker *asker)
{
    struct ask *k;
    struct err e;
    while (asker->fetches < TLS_MAX && (k = TAILQ_FIRST(&asker->queue))) {
        TAILQ_REMOVE(&asker->queue, k, queued);
        k->is_queued = false;
        if (start_fetch(k, &e) < 0)
            abort(); /* it is well-formed, and there is room */
        asker->fetches++;
    }
}

static struct str keep(struct buf *b, struct str s)
{
    size_t at = b->n;
    buf_str(b, s);
    return s.p ? (struct str){b->p + at, s.n} : s;
}

static void start_tls(struct ask *k, const struct ask_request *q)
{
    buf_printf(&k->out, "%*s", (int)(q->target.n + q->type.n + q->body.n + q->bearer.n), "");
    buf_clear(&k->out); /* the memory stays, and with it what points into it */
    k->is_tls = true;
    k->peer = q->peer;
    k->method = q->method;
    k->target = keep(&k->out, q->target);
    k->type = keep(&k->out, q->type);
    k->body = keep(&k->out, q->body);
    k->bearer = keep(&k->out, q->bearer);
    k->ref = slots_put(&k->asker->names, k);
    k->is_queued = true;
    TAILQ_INSERT_TAIL(&k->asker->queue, k, queued);
    begin_queued(k->asker);
}

/* --- Its life ------------------------------------------------------------------------------- */

struct ask *ask_start(struct asker *asker, const struct ask_request *q, ask_fn fn, void *cls)
{
    struct ask *k = MEM_NEW(struct ask);
    k->asker = asker;
    k->fn = fn;
    k->cls = cls;
    k->keeps = q->keeps;
    buf_init(&k->out, KEPT_MAX_BYTES);
    buf_init(&k->in, ASK_HEAD_MAX_BYTES + KEPT_MAX_BYTES);
    if (q->peer->kind == ASK_TLS)
        start_tls(k, q);
    else
        start_plain(k, q);
    return k;
}

struct asker *asker_new(uv_loop_t *loop)
{
    struct asker *asker = MEM_NEW(struct asker);
    asker->loop = loop;
    asker->fetcher = fetcher_new(loop, &(struct fetcher_limits){TLS_MAX, TLS_MAX, TLS_MAX});
    TAILQ_INIT(&asker->queue);
    return asker;
}

void asker_free(struct asker *asker)
{
    if (!asker)
        return;
    fetcher_free(asker->fetcher);
    slots_done(&asker->names);
    free(asker);
}
