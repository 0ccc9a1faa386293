/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster/apiserver.h"

#include "base/mem.h"
#include "kube/retry.h"
#include "net/fetch/easy.h"

#include <errno.h>

#define CONNECT_MS 10000L
#define REQUEST_MS 60000L
#define ANSWER_MAX_BYTES ((size_t)4 << 20)
#define SECRET_PIECE 20

struct apiserver {
    CURL *easy;
    struct arena arena; /* of endpoint and token */
    struct str endpoint, token;
    struct buf body;
    char why[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t one, size_t n, void *cls)
{
    struct apiserver *s = cls;
    (void)one;
    return buf_append(&s->body, p, n) ? n : 0;
}

struct apiserver *apiserver_new(const struct apiserver_access *access)
{
    struct apiserver *s = MEM_NEW(struct apiserver);
    easy_setup();
    arena_init(&s->arena, 4096);
    buf_init(&s->body, ANSWER_MAX_BYTES);
    s->arena.secret = s->body.secret = true;
    s->endpoint = arena_str(&s->arena, access->endpoint);
    s->token = arena_str(&s->arena, access->token);
    s->easy = easy_new();
    easy_trust(s->easy, access->ca);
    if (access->certificate.n)
        easy_identify(s->easy, access->certificate, access->key);
    EASY_SET(s->easy, CURLOPT_ERRORBUFFER, s->why);
    EASY_SET(s->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    EASY_SET(s->easy, CURLOPT_TIMEOUT_MS, REQUEST_MS);
    EASY_SET(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    EASY_SET(s->easy, CURLOPT_WRITEDATA, s);
    return s;
}

void apiserver_free(struct apiserver *s)
{
    if (!s)
        return;
    curl_easy_cleanup(s->easy);
    buf_done(&s->body);
    arena_done(&s->arena);
    free(s);
    easy_teardown();
}

static int fail(const struct apiserver *s, CURLcode code, struct err *e)
{
    const char *why = s->why[0] ? s->why : curl_easy_strerror(code);
    int number = code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
    return err_set(e, number, "%.*s: %s", STR_ARG(s->endpoint), why);
}

int apiserver_ask(struct apiserver *s, const struct apirequest *q, const char *what,
                  struct arena *a, struct apiserver_answer *ret, struct err *e)
{
    const struct str none = {NULL, 0};
    const struct retry_secret secret = {s->token, SECRET_PIECE};
    struct curl_slist *headers = easy_headers(q->content_type ? str_from(q->content_type) : none);
    long status = 0;
    if (s->token.n)
        headers =
            easy_header(headers, STR("Authorization"), ARENA_JOIN(a, STR("Bearer "), s->token));
    buf_clear(&s->body);
    s->why[0] = 0;
    EASY_SET(s->easy, CURLOPT_URL, ARENA_JOIN(a, s->endpoint, q->path).p);
    easy_method(s->easy, q->method, q->content_type ? q->body : none);
    EASY_SET(s->easy, CURLOPT_HTTPHEADER, headers);
    /* On a connection that turns out to be dead libcurl would send it twice. */
    EASY_SET(s->easy, CURLOPT_FRESH_CONNECT, strcmp(q->method, "POST") == 0 ? 1L : 0L);
    CURLcode code = curl_easy_perform(s->easy);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return fail(s, code, e);
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    struct str body = arena_str(a, buf_view(&s->body));
    if (status / 100 != 2) {
        retry_describe(what, (int)status, body, &secret, 1, a, e);
        return e->code;
    }
    if (ret)
        *ret = (struct apiserver_answer){(int)status, body};
    return 0;
}
