/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fetch/once.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/fetch/easy.h"

#include <errno.h>

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
    default: return err_set(e, -EIO, "%s", why);
    }
}

static struct curl_slist *headers_of(const struct once_request *q)
{
    struct curl_slist *list = easy_headers(q->type);
    for (size_t i = 0; i < q->headers_n; i++)
        list = easy_header(list, q->headers[i].name, q->headers[i].value);
    return list;
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
    EASY_SET(o->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_ms);
    EASY_SET(o->easy, CURLOPT_TIMEOUT_MS, (long)q->whole_ms);
    CURLcode code = curl_easy_perform(o->easy);
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
