/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster/apiserver.h"

#include "base/mem.h"
#include "kube/retry.h"
#include "net/fetch/once.h"

#include <stdlib.h>

#define CONNECT_MS 10000
#define REQUEST_MS 60000
#define ANSWER_MAX_BYTES ((size_t)4 << 20)
#define SECRET_PIECE 20

struct apiserver {
    struct once *once;
    struct arena arena; /* of endpoint and authorization */
    struct str endpoint, token, authorization;
};

struct apiserver *apiserver_new(const struct apiserver_access *access)
{
    const struct once_access how = {
        .ca = access->ca,
        .certificate = access->certificate,
        .key = access->key,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    struct apiserver *s = MEM_NEW(struct apiserver);
    arena_init(&s->arena, 4096);
    s->arena.secret = true;
    s->once = once_new(&how);
    s->endpoint = arena_str(&s->arena, access->endpoint);
    s->token = arena_str(&s->arena, access->token);
    s->authorization = ARENA_JOIN(&s->arena, STR("Bearer "), access->token);
    return s;
}

void apiserver_free(struct apiserver *s)
{
    if (!s)
        return;
    once_free(s->once);
    arena_done(&s->arena);
    free(s);
}

int apiserver_ask(struct apiserver *s, const struct apirequest *q, const char *what,
                  struct arena *a, struct apiserver_answer *ret, struct err *e)
{
    const struct retry_secret secret = {s->token, SECRET_PIECE};
    const struct once_header headers[] = {{STR("Authorization"), s->authorization}};
    const struct once_request sent = {
        .method = q->method,
        .url = ARENA_JOIN(a, s->endpoint, q->path),
        .headers = headers,
        .headers_n = s->token.n ? 1 : 0,
        .type = q->content_type ? str_from(q->content_type) : (struct str){NULL, 0},
        .body = q->body,
        .fresh = strcmp(q->method, "POST") == 0,
        .connect_ms = CONNECT_MS,
        .whole_ms = REQUEST_MS,
    };
    struct once_answer answer;
    if (once_ask(s->once, &sent, a, &answer, e) < 0)
        return err_prefix(e, "%.*s", STR_ARG(s->endpoint));
    if (answer.status / 100 != 2) {
        retry_describe(what, answer.status, answer.body, &secret, 1, a, e);
        return e->code;
    }
    if (ret)
        *ret = (struct apiserver_answer){answer.status, answer.body};
    return 0;
}
