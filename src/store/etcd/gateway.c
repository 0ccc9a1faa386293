/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/gateway.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

#define CONNECT_MS 2000
#define TRIES 3      /* in the whole time: a member that hangs has one of them */
#define PAUSE_MS 200 /* between two rounds */
#define ANSWER_MAX_BYTES (64U << 20)
#define AUTHENTICATE "/v3/auth/authenticate"

static void copy(struct gateway *g, struct str *s)
{
    if (s->n)
        *s = arena_str(&g->arena, *s);
    else
        *s = (struct str){NULL, 0};
}

void gateway_init(struct gateway *g, const struct fetch_turns *turns,
                  const struct gateway_access *access)
{
    *g = (struct gateway){.turns = turns, .access = *access};
    arena_init(&g->arena, 4096);
    arena_init(&g->work, 64 << 10);
    g->arena.secret = g->work.secret = true;
    struct str *endpoints = ARENA_ARRAY(&g->arena, struct str, access->n_endpoints);
    for (size_t i = 0; i < access->n_endpoints; i++)
        endpoints[i] = arena_str(&g->arena, access->endpoints[i]);
    g->access.endpoints = endpoints;
    copy(g, &g->access.user);
    copy(g, &g->access.password);
    copy(g, &g->access.ca);
    copy(g, &g->access.certificate);
    copy(g, &g->access.key);
    copy(g, &g->access.prefix);
}

void gateway_done(struct gateway *g)
{
    arena_done(&g->arena);
    arena_done(&g->work);
    explicit_bzero(g->token, sizeof(g->token));
}

/* --- One try ---------------------------------------------------------------------------------- */

enum verdict {
    ANSWERED,
    NOT_SENT, /* another member may be asked */
    LOST,     /* it may have been done; another member may be asked */
    TOKEN_NEEDED,
    REFUSED, /* not done, and no other member would do it */
    NO_SPACE,
};

static enum verdict verdict_of_fault(const struct fetch *f)
{
    switch (f->fault) {
    case FETCH_UNRESOLVED:
    case FETCH_UNREACHED:
    case FETCH_TLS: return NOT_SENT;
    default: return f->reach == FETCH_NOWHERE ? NOT_SENT : LOST;
    }
}

static enum verdict verdict_of_refusal(enum codec_refusal refusal)
{
    switch (refusal) {
    case CODEC_NO_TOKEN: return TOKEN_NEEDED;
    case CODEC_NO_SPACE: return NO_SPACE;
    case CODEC_NO_LEADER: return LOST;
    default: return REFUSED;
    }
}

static enum verdict judge(struct gateway *g, const struct fetch *f, struct arena *a,
                          struct codec_answer *ret, struct err *why)
{
    struct str endpoint = g->access.endpoints[g->at];
    if (f->fault != FETCH_OK) {
        *why = f->err;
        return verdict_of_fault(f);
    }
    if (f->status == 200) {
        if (codec_read(f->body, g->access.prefix, a, ret, why) == 0)
            return ANSWERED;
        err_prefix(why, "%.*s", STR_ARG(endpoint));
        return LOST;
    }
    enum verdict v = verdict_of_refusal(codec_read_refusal(f->status, f->body, why));
    err_prefix(why, "%.*s", STR_ARG(endpoint));
    return v;
}

static struct fetch_request request_of(struct gateway *g, const char *path, struct str body,
                                       uint32_t try_ms)
{
    const struct gateway_access *access = &g->access;
    struct str endpoint = access->endpoints[g->at];
    bool tls = str_starts(endpoint, STR("https:"));
    struct fetch_field *headers = ARENA_ARRAY(&g->work, struct fetch_field, 2);
    headers[0] = (struct fetch_field){STR("Content-Type"), STR("application/json")};
    headers[1] = (struct fetch_field){STR("Authorization"), str_from(g->token)};
    return (struct fetch_request){
        .method = "POST",
        .url = ARENA_JOIN(&g->work, endpoint, str_from(path)),
        .headers = headers,
        .n_headers = g->token[0] ? 2 : 1,
        .body = body,
        .ca = tls ? access->ca : (struct str){NULL, 0},
        .certificate = tls ? access->certificate : (struct str){NULL, 0},
        .key = access->key,
        .connect_ms = try_ms < CONNECT_MS ? try_ms : CONNECT_MS,
        .answer_ms = try_ms,
        .whole_ms = try_ms * 4, /* a large page takes its time once it has begun */
        .silence_ms = try_ms,
        .body_max_bytes = ANSWER_MAX_BYTES,
        .repeatable = true, /* by the compare of each transaction */
    };
}

static enum verdict try_once(struct gateway *g, const char *path, struct str body, uint32_t try_ms,
                             struct arena *a, struct codec_answer *ret, struct err *why)
{
    struct fetch *f;
    const struct fetch_request q = request_of(g, path, body, try_ms);
    if (fetch_start(g->turns->port, &q, &f, why) < 0)
        return REFUSED;
    while (!f->done)
        g->turns->turn(g->turns->cls, try_ms);
    enum verdict v = judge(g, f, a, ret, why);
    fetch_end(f);
    return v;
}

/* --- Tokens and members ----------------------------------------------------------------------- */

static bool needs_token(const struct gateway *g)
{
    return g->access.user.n && !g->token[0];
}

static enum verdict authenticate(struct gateway *g, uint32_t try_ms, struct err *why)
{
    struct codec_answer answer;
    g->token[0] = '\0';
    struct str body = codec_authenticate(&g->work, g->access.user, g->access.password);
    enum verdict v = try_once(g, AUTHENTICATE, body, try_ms, &g->work, &answer, why);
    if (v != ANSWERED)
        return v == LOST ? NOT_SENT : v;
    if (!answer.token.n || answer.token.n >= sizeof(g->token)) {
        err_set(why, -EPROTO, "etcd has given no usable token");
        return REFUSED;
    }
    snprintf(g->token, sizeof(g->token), "%.*s", STR_ARG(answer.token));
    return ANSWERED;
}

/* At a member, with a new token if the old one is not taken any more. */
static enum verdict ask_member(struct gateway *g, const char *path, struct str body,
                               uint32_t try_ms, struct arena *a, struct codec_answer *ret,
                               struct err *why)
{
    enum verdict v = needs_token(g) ? authenticate(g, try_ms, why) : ANSWERED;
    if (v == ANSWERED)
        v = try_once(g, path, body, try_ms, a, ret, why);
    if (v == TOKEN_NEEDED && g->access.user.n) {
        v = authenticate(g, try_ms, why);
        if (v == ANSWERED)
            v = try_once(g, path, body, try_ms, a, ret, why);
    }
    arena_reset(&g->work);
    return v;
}

static uint32_t time_left(uint64_t due_ms, uint32_t try_ms)
{
    uint64_t now_ms = clock_boot_ms();
    uint64_t left = due_ms > now_ms ? due_ms - now_ms : 0;
    return left < try_ms ? (uint32_t)left : try_ms;
}

/* Every member once, until one answers. */
static enum verdict ask_round(struct gateway *g, const char *path, struct str body, uint64_t due_ms,
                              uint32_t each_ms, struct arena *a, struct codec_answer *ret,
                              struct err *why)
{
    bool lost = false;
    for (size_t i = 0; i < g->access.n_endpoints; i++) {
        uint32_t try_ms = time_left(due_ms, each_ms);
        if (!try_ms)
            break;
        enum verdict v = ask_member(g, path, body, try_ms, a, ret, why);
        if (v != NOT_SENT && v != LOST)
            return v;
        lost = lost || v == LOST;
        g->at = (g->at + 1) % g->access.n_endpoints;
    }
    return lost ? LOST : NOT_SENT;
}

enum store_result gateway_ask(struct gateway *g, const char *path, struct str body,
                              uint32_t whole_ms, struct arena *a, struct codec_answer *ret,
                              struct err *ret_why)
{
    uint64_t due_ms = clock_boot_ms() + whole_ms;
    bool lost = false;
    for (;;) {
        enum verdict v = ask_round(g, path, body, due_ms, whole_ms / TRIES, a, ret, ret_why);
        if (v == ANSWERED)
            return STORE_OK;
        /* While no request was lost, the state is as it was before. */
        if (v != LOST && !lost)
            return v == NO_SPACE ? STORE_FULL : STORE_UNAVAILABLE;
        lost = true;
        if (clock_boot_ms() + PAUSE_MS >= due_ms)
            return STORE_UNKNOWN;
        g->turns->turn(g->turns->cls, PAUSE_MS);
    }
}
