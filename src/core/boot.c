/* SPDX-License-Identifier: Apache-2.0 */
#include "core/boot.h"

#include "base/hash.h"
#include "base/hex.h"
#include "core/answer.h"
#include "core/identify.h"
#include "render/scope.h"
#include "wire/gzip.h"
#include "wire/negotiate.h"

#include <inttypes.h>

/* What leaves in the first flight of a TCP connection (ten segments, RFC 6928): below it gzip saves
 * the peer no round trip and costs us more than the whole request (docs/why/gzip.md). */
#define GZIP_MIN_BYTES 14600

static struct str seed_url(struct exchange *x, const struct route *r)
{
    struct str url = snapshot_url(x->snapshot);
    if (r->kind == ROUTE_SEED) /* as it came: during a rotation the older key goes on working */
        return ARENA_JOIN(&x->arena, url, STR("/s/"), r->key, STR("/"));
    return ARENA_JOIN(&x->arena, url, r->base);
}

static void render_failed(struct exchange *x, const struct template_fault *f)
{
    const char *reason =
        arena_printf(&x->arena, "%s:%" PRIu32 ":%" PRIu32 ": %s", f->at.file ? f->at.file : "?",
                     f->at.line, f->at.column, f->msg)
            .p;
    answer_refuse(x, 500, "this file cannot be rendered: the server's log says where");
    x->out.event = "render-failed";
    x->out.reason = reason;
}

static void compress(struct exchange *x)
{
    struct exchange_out *out = &x->out;
    if (out->body.n < GZIP_MIN_BYTES)
        return;
    out->vary_encoding = true;
    if (!negotiate_gzip(x->in.accept_encoding) || !gzip_compress(out->body, &x->arena, &out->body))
        return;
    out->encoding = "gzip";
}

/* Equal bytes have equal tags, on every machine and in every release. */
static const char *entity_tag(struct exchange *x, uint64_t digest)
{
    char text[16];
    for (int i = 15; i >= 0; i--, digest >>= 4)
        text[i] = hex_digits[digest & 15];
    struct str variant = x->out.encoding ? STR("-gzip\"") : STR("\"");
    return ARENA_JOIN(&x->arena, STR("\""), (struct str){text, sizeof(text)}, variant).p;
}

static void answer_document(struct exchange *x)
{
    struct exchange_out *out = &x->out;
    uint64_t digest = hash64(buf_view(&x->body));
    out->status = 200;
    out->type = "text/plain; charset=utf-8";
    out->cache = "private, no-cache";
    out->body = buf_view(&x->body);
    out->event = "served";
    compress(x);
    out->etag = entity_tag(x, digest);
    if (negotiate_etag_listed(x->in.if_none_match, str_from(out->etag))) {
        out->status = 304;
        out->encoding = NULL;
        out->type = NULL;
    }
}

void boot_answer(struct exchange *x, const struct route *r)
{
    int status;
    const char *reason;
    x->out.file = str_from(seed_file_names[r->file]);
    if (r->kind == ROUTE_EVIDENCE)
        x->out.evidence = r->value;
    const struct node *n = identify(x->snapshot, r, &status, &reason);
    if (!n) {
        answer_refuse(x, status, reason);
        return;
    }
    x->out.node = n->name;
    if (snapshot_verdict(x->snapshot, n) == CHECK_FAULTY)
        x->out.check = check_verdict_names[CHECK_FAULTY];
    const struct render_env env = {.seed_url = seed_url(x, r)};
    const struct document d = {DOCUMENT_SEED, r->file};
    struct template_fault fault;
    if (document_render(snapshot_tables(x->snapshot), n, d, &env, &x->arena, &x->body, NULL,
                        &fault) < 0)
        render_failed(x, &fault);
    else
        answer_document(x);
}
