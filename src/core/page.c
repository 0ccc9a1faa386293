/* SPDX-License-Identifier: Apache-2.0 */
#include "core/page.h"

#include "base/hash.h"
#include "base/mem.h"
#include "core/answer.h"
#include "core/internal.h"
#include "ui/files.h"
#include "wire/gzip.h"
#include "wire/negotiate.h"

#include <stdlib.h>

struct page_file {
    const struct ui_file *file;
    struct str gzip; /* empty: it would not be smaller */
    uint64_t digest;
};

struct page {
    struct arena arena;
    struct page_file *files;
    size_t n;
};

struct page *page_new(void)
{
    struct page *p = MEM_NEW(struct page);
    arena_init(&p->arena, 65536);
    while (ui_files[p->n].name)
        p->n++;
    p->files = ARENA_ARRAY(&p->arena, struct page_file, p->n);
    for (size_t i = 0; i < p->n; i++) {
        struct page_file *f = &p->files[i];
        f->file = &ui_files[i];
        f->digest = hash64(f->file->bytes);
        gzip_compress(f->file->bytes, &p->arena, &f->gzip);
    }
    return p;
}

void page_free(struct page *p)
{
    if (!p)
        return;
    arena_done(&p->arena);
    free(p);
}

/* Nothing but the page's own files runs or is asked for, whatever text it shows; no other page can
 * frame it, or keep a reference to its window. */
static const struct exchange_header headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {NULL, NULL},
};

enum exchange_verdict page_moved(struct exchange *x, struct request_ctx *rq)
{
    (void)rq;
    answer_line(x, 308, "the page is at /ui/");
    x->out.location = "/ui/";
    return EXCHANGE_DONE;
}

static const struct page_file *find(const struct page *p, struct str name)
{
    for (size_t i = 0; i < p->n; i++) {
        if (str_is(name, p->files[i].file->name))
            return &p->files[i];
    }
    return NULL;
}

enum exchange_verdict page_answer(struct exchange *x, struct request_ctx *rq)
{
    struct exchange_out *out = &x->out;
    const struct page_file *f =
        find(rq->core->page, rq->path.asset.n ? rq->path.asset : STR("index.html"));
    if (!f) {
        answer_refuse(x, 404, "the page has no such file: it begins at /ui/");
        return EXCHANGE_DONE;
    }
    bool is_gzip = f->gzip.n && negotiate_gzip(x->in.accept_encoding);
    out->status = 200;
    out->type = f->file->type;
    out->cache = "no-cache"; /* a new version of the server has a new page */
    out->headers = headers;
    out->body = is_gzip ? f->gzip : f->file->bytes;
    out->encoding = is_gzip ? "gzip" : NULL;
    out->vary_encoding = f->gzip.n;
    out->etag = answer_tag_of(x, f->digest);
    if (negotiate_etag_listed(x->in.if_none_match, str_from(out->etag))) {
        out->status = 304;
        out->encoding = NULL;
        out->type = NULL;
    }
    return EXCHANGE_DONE;
}
