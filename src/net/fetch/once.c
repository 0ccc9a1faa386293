/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fetch/once.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/fetch/easy.h"

#include <errno.h>
#include <unistd.h>

struct once {
    CURL *easy;
    struct buf body, reason;
    int64_t date_ms;
    char why[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t one, size_t n, void *cls)
{
    struct once *o = cls;
    (void)one;
    return buf_append(&o->body, p, n) ? n : 0;
}

/* "HTTP/1.1 403 Permission check failed": the last one counts, after those of a proxy or a 100. */
static size_t on_header(char *p, size_t one, size_t n, void *cls)
{
    struct once *o = cls;
    struct str line = {p, n};
    (void)one;
    if (n > 5 && str_eq_nocase(str_head(line, 5), STR("Date:")))
        clock_read_http(str_trim(str_skip(line, 5)), &o->date_ms);
    if (!str_starts(line, STR("HTTP/")))
        return n;
    str_cut(&line, ' ');
    str_cut(&line, ' ');
    buf_clear(&o->reason);
    buf_str(&o->reason, str_trim(line.p ? line : STR("")));
    return n;
}

struct once *once_new(const struct once_access *access)
{
    struct once *o = MEM_NEW(struct once);
    easy_setup();
    buf_init(&o->body, access->answer_max_bytes);
    buf_init(&o->reason, access->answer_max_bytes);
    o->body.secret = true;
    o->easy = easy_new();
    if (access->ca.n)
        easy_trust(o->easy, access->ca);
    if (access->anyone)
        easy_accept_any(o->easy);
    if (access->certificate.n)
        easy_identify(o->easy, access->certificate, access->key);
    EASY_SET(o->easy, CURLOPT_ERRORBUFFER, o->why);
    EASY_SET(o->easy, CURLOPT_WRITEFUNCTION, on_body);
    EASY_SET(o->easy, CURLOPT_WRITEDATA, o);
    EASY_SET(o->easy, CURLOPT_HEADERFUNCTION, on_header);
    EASY_SET(o->easy, CURLOPT_HEADERDATA, o);
    return o;
}

void once_free(struct once *o)
{
    if (!o)
        return;
    curl_easy_cleanup(o->easy);
    buf_done(&o->body);
    buf_done(&o->reason);
    free(o);
    easy_teardown();
}

static int fail(const struct once *o, CURLcode code, struct err *e)
{
    const char *why = o->why[0] ? o->why : curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR: return err_set(e, -ECONNREFUSED, "%s", why);
    case CURLE_PEER_FAILED_VERIFICATION: return err_set(e, -EACCES, "%s", why);
    case CURLE_OPERATION_TIMEDOUT: return err_set(e, -ETIMEDOUT, "%s", why);
    case CURLE_WRITE_ERROR: return err_set(e, -EIO, "the answer is too large");
    case CURLE_ABORTED_BY_CALLBACK:
        return err_set(e, -EIO, "the file cannot be read, or has become shorter");
    default: return err_set(e, -EIO, "%s", why);
    }
}

static struct curl_slist *headers_of(const struct once_request *q)
{
    struct curl_slist *list = easy_headers(q->form ? STR("multipart/form-data") : q->type);
    for (size_t i = 0; i < q->headers_n; i++)
        list = easy_header(list, q->headers[i].name, q->headers[i].value);
    return list;
}

/* --- Forms ------------------------------------------------------------------------------------ */

struct reading {
    const struct once_form *form;
    uint64_t at;
};

static size_t on_file_read(char *p, size_t one, size_t n, void *cls)
{
    struct reading *r = cls;
    uint64_t left = r->form->size - r->at, room = (uint64_t)one * n;
    if (left == 0)
        return 0;
    ssize_t got = pread(r->form->fd, p, left < room ? left : room, (off_t)r->at);
    if (got <= 0)
        return CURL_READFUNC_ABORT;
    r->at += (uint64_t)got;
    if (r->form->on_read)
        r->form->on_read(r->form->cls, r->at);
    return (size_t)got;
}

/* libcurl starts again where a connection that it kept turns out to be dead. */
static int on_file_seek(void *cls, curl_off_t to, int from)
{
    struct reading *r = cls;
    if (from != SEEK_SET || to < 0 || (uint64_t)to > r->form->size)
        return CURL_SEEKFUNC_CANTSEEK;
    r->at = (uint64_t)to;
    return CURL_SEEKFUNC_OK;
}

static void must(CURLcode code)
{
    if (code != CURLE_OK)
        abort();
}

static curl_mime *mime_of(CURL *easy, struct reading *r, struct arena *a)
{
    const struct once_form *form = r->form;
    curl_mime *mime = mem_need(curl_mime_init(easy));
    for (size_t i = 0; i < form->fields_n; i++) {
        curl_mimepart *part = mem_need(curl_mime_addpart(mime));
        must(curl_mime_name(part, arena_str(a, form->fields[i].name).p));
        must(curl_mime_data(part, form->fields[i].value.p, form->fields[i].value.n));
    }
    curl_mimepart *file = mem_need(curl_mime_addpart(mime));
    must(curl_mime_name(file, form->name));
    must(curl_mime_filename(file, form->file_name));
    must(curl_mime_data_cb(file, (curl_off_t)form->size, on_file_read, on_file_seek, NULL, r));
    return mime;
}

/* --- Requests --------------------------------------------------------------------------------- */

static void set_times(CURL *easy, const struct once_request *q)
{
    EASY_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_ms);
    EASY_SET(easy, CURLOPT_TIMEOUT_MS, (long)q->whole_ms);
    EASY_SET(easy, CURLOPT_LOW_SPEED_LIMIT, q->silence_ms ? 1L : 0L);
    EASY_SET(easy, CURLOPT_LOW_SPEED_TIME, (long)(q->silence_ms / 1000));
}

static CURLcode perform(struct once *o, const struct once_request *q, struct arena *a)
{
    struct reading reading = {.form = q->form};
    curl_mime *mime = q->form ? mime_of(o->easy, &reading, a) : NULL;
    if (mime)
        EASY_SET(o->easy, CURLOPT_MIMEPOST, mime);
    CURLcode code = curl_easy_perform(o->easy);
    curl_mime_free(mime);
    return code;
}

int once_ask(struct once *o, const struct once_request *q, struct arena *a, struct once_answer *ret,
             struct err *e)
{
    struct curl_slist *headers = headers_of(q);
    long status = 0;
    buf_clear(&o->body);
    buf_clear(&o->reason);
    o->why[0] = 0;
    o->date_ms = -1;
    EASY_SET(o->easy, CURLOPT_URL, arena_str(a, q->url).p);
    easy_method(o->easy, q->method, q->type.p ? q->body : (struct str){NULL, 0});
    EASY_SET(o->easy, CURLOPT_HTTPHEADER, headers);
    EASY_SET(o->easy, CURLOPT_FRESH_CONNECT, q->fresh ? 1L : 0L);
    set_times(o->easy, q);
    CURLcode code = perform(o, q, a);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return fail(o, code, e);
    curl_easy_getinfo(o->easy, CURLINFO_RESPONSE_CODE, &status);
    *ret = (struct once_answer){(int)status, arena_str(a, buf_view(&o->reason)),
                                arena_str(a, buf_view(&o->body)), o->date_ms};
    return 0;
}

int once_certificate(struct str url, uint32_t connect_ms, struct arena *a, struct str *ret,
                     struct err *e)
{
    struct once *o = once_new(&(const struct once_access){.answer_max_bytes = 4096});
    EASY_SET(o->easy, CURLOPT_URL, arena_str(a, url).p);
    easy_only_look(o->easy);
    EASY_SET(o->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    CURLcode code = curl_easy_perform(o->easy);
    struct str leaf = arena_str(a, easy_certificate(o->easy));
    int r = code != CURLE_OK ? fail(o, code, e)
            : !leaf.n        ? err_set(e, -EIO, "it shows no certificate")
                             : 0;
    once_free(o);
    if (r == 0)
        *ret = leaf;
    return r;
}
