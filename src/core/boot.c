/* SPDX-License-Identifier: Apache-2.0 */
#include "core/internal.h"

#include "core/answer.h"
#include "core/sheets.h"
#include "render/scope.h"
#include "wire/negotiate.h"

#include <inttypes.h>

struct str boot_seed_url(struct exchange *x, struct str key)
{
    return ARENA_JOIN(&x->arena, snapshot_url(x->snapshot), STR("/s/"), key, STR("/"));
}

void boot_render_failed(struct exchange *x, const struct template_fault *f)
{
    const char *reason =
        arena_printf(&x->arena, "%s:%" PRIu32 ":%" PRIu32 ": %s", f->at.file ? f->at.file : "?",
                     f->at.line, f->at.column, f->msg)
            .p;
    answer_refuse(x, 500, "this file cannot be rendered: the server's log says where");
    x->out.event = "render-failed";
    x->out.reason = reason;
}

static void answer_document(struct exchange *x, const struct document_answer *a)
{
    struct exchange_out *out = &x->out;
    out->status = 200;
    out->type = "text/plain; charset=utf-8";
    out->cache = "private, no-cache";
    out->body = a->body;
    out->encoding = a->is_gzip ? "gzip" : NULL;
    out->vary_encoding = a->may_be_gzip;
    out->event = "served";
    out->etag = answer_tag_of(x, a->digest);
    if (negotiate_etag_listed(x->in.if_none_match, str_from(out->etag))) {
        out->status = 304;
        out->encoding = NULL;
        out->type = NULL;
    }
}

void boot_tell_fleet(struct exchange *x, const struct request_ctx *rq, const struct node *n,
                     enum evidence evidence, struct str placeholder_uuid)
{
    struct change c = request_change(x, n, CHANGE_FETCH);
    c.fetch.file = x->out.file;
    if (evidence < EVIDENCE_COUNT)
        c.fetch.evidence = str_from(evidence_names[evidence]);
    c.fetch.placeholder_uuid = placeholder_uuid;
    c.fetch.what = rq->route->identity == IDENTITY_NONE ? FETCH_SCRIPT
                   : rq->path.file == SEED_FILE_COUNT   ? FETCH_DOCUMENT
                                                        : FETCH_SEED;
    struct fleet *f = rq->core->fleet;
    fleet_forget(f, fleet_change(f, n->uid, n->name, &c, (struct waiter){0}));
}

void boot_tell_mismatch(struct exchange *x, const struct request_ctx *rq, const struct node *n,
                        struct str mismatch)
{
    struct change c = request_change(x, n, CHANGE_MISMATCH);
    struct fleet *f = rq->core->fleet;
    c.mismatch = mismatch;
    fleet_forget(f, fleet_change(f, n->uid, n->name, &c, (struct waiter){0}));
}

/* The file that the path names; false: there is none. */
static bool find_document(const struct request_ctx *rq, struct document *ret)
{
    bool is_seed = rq->path.file != SEED_FILE_COUNT;
    uint32_t number =
        is_seed ? rq->path.file : role_find_document(rq->node->role, rq->path.document);
    *ret = (struct document){is_seed ? DOCUMENT_SEED : DOCUMENT_FURTHER, number};
    return number != UINT32_MAX;
}

enum exchange_verdict boot_answer(struct exchange *x, struct request_ctx *rq)
{
    /* A node that was identified by weak evidence gets the key of its window, never its seed key.
     */
    struct str key = rq->path.key.n ? rq->path.key : rq->view.window_key;
    const struct render_env env = {.seed_url = boot_seed_url(x, key),
                                   .generation = rq->view.generation};
    struct document d;
    struct document_answer answer;
    struct template_fault fault;
    if (!find_document(rq, &d)) {
        answer_refuse(x, 404,
                      "no such file: there are meta-data, user-data, vendor-data, network-config "
                      "and what the node's role lists under 'documents'");
        return EXCHANGE_DONE;
    }
    if (snapshot_verdict(x->snapshot, rq->node) == CHECK_FAULTY)
        x->out.check = check_verdict_names[CHECK_FAULTY];
    if (document_render_answer(snapshot_tables(x->snapshot), rq->node, d, &env,
                               negotiate_gzip(x->in.accept_encoding), &x->arena,
                               sheets_take(rq->core->sheets, x), &answer, &fault) < 0)
        boot_render_failed(x, &fault);
    else
        answer_document(x, &answer);
    /* What an admin looks at is not the machine's boot. */
    bool is_admin = x->in.listener == LISTENER_SOCKET || x->in.listener == LISTENER_ADMIN;
    if (rq->view.awaited && !is_admin)
        boot_tell_fleet(x, rq, rq->node, rq->path.evidence, STR(""));
    return EXCHANGE_DONE;
}
