/* SPDX-License-Identifier: Apache-2.0 */
/* Where each part of a node's document comes from. */
#include "core/internal.h"

#include "base/mem.h"
#include "core/answer.h"
#include "render/provenance.h"

#include <stdlib.h>

/* A template as it was written may take a hundred times as many steps as one that is served, and
 * the threads are those that open assets. */
#define PROVENANCES_MAX 2
/* Of a document: an answer could not hold more. */
#define PIECES_MAX 10000

/* It outlives the exchange where that ends first; then it frees itself when it ends. */
struct job {
    struct work work;
    struct waiter waiter;
    bool has_ended, is_late, abandoned; /* a late one still has its thread until it ends */
    struct core *core;
    struct snapshot *snapshot;
    const struct node *node;
    struct document document;
    struct render_env env;
    struct arena arena; /* of the thread, until it has ended */
    struct buf text;
    struct template_trace trace;
    struct template_fault fault;
    struct value pieces;
    int result;
};

static void on_run(struct work *w)
{
    struct job *j = (struct job *)w;
    const struct site *site = tree_site(snapshot_tree(j->snapshot));
    j->result = document_render_as_written(snapshot_tables(j->snapshot), j->node, j->document,
                                           &j->env, &j->arena, &j->text, &j->trace, &j->fault);
    if (j->result == 0 && j->trace.n <= PIECES_MAX)
        j->pieces = provenance_value(site, j->node, buf_view(&j->text), &j->trace, &j->arena);
}

static void job_free(struct job *j)
{
    snapshot_unref(j->snapshot);
    template_trace_done(&j->trace);
    buf_done(&j->text);
    arena_done(&j->arena);
    free(j);
}

static void on_late(struct work *w)
{
    struct job *j = (struct job *)w;
    j->is_late = true;
    if (!j->abandoned)
        waiter_wake(j->waiter);
}

static void on_ended(struct work *w, bool ran)
{
    struct job *j = (struct job *)w;
    j->core->provenances--;
    j->has_ended = true;
    j->is_late |= !ran;
    if (j->abandoned)
        job_free(j);
    else
        waiter_wake(j->waiter);
}

static void abandon(struct exchange *x, void *state)
{
    struct job *j = state;
    (void)x;
    j->abandoned = true;
    if (j->has_ended)
        job_free(j);
}

static void answer(struct exchange *x, const struct job *j)
{
    struct arena *a = &x->arena;
    const struct template *t = document_template(j->node, j->document);
    if (j->result < 0) {
        answer_problem(x, 422,
                       arena_printf(a, "%s:%u:%u: %s", j->fault.at.file ? j->fault.at.file : "?",
                                    j->fault.at.line, j->fault.at.column, j->fault.msg)
                           .p);
        return;
    }
    if (j->pieces.kind != VALUE_LIST) {
        answer_problem(x, 422,
                       "the document has too many parts: run 'cloudseed render --provenance'");
        return;
    }
    answer_json(x, 200,
                JSON_MAP(a, JSON_STR("node", j->node->name),
                         JSON_STR("document", document_name(j->node, j->document, a)),
                         JSON_VALUE("template", t ? value_str(template_name(t)) : value_none()),
                         JSON_STR("text", buf_view(&j->text)), JSON_VALUE("pieces", j->pieces)));
}

static enum exchange_verdict on_news(struct exchange *x, void *state)
{
    struct job *j = state;
    if (!j->has_ended && !j->is_late)
        return exchange_wait(x, on_news, j);
    if (j->is_late)
        answer_problem(x, 503, "this takes too long here: run 'cloudseed render --provenance'");
    else
        answer(x, j);
    return EXCHANGE_DONE;
}

static struct job *job_new(struct exchange *x, struct core *c, const struct node *n,
                           struct document d)
{
    struct job *j = MEM_NEW(struct job);
    j->work = (struct work){.run = on_run, .late = on_late, .ended = on_ended};
    j->waiter = x->waiter;
    j->core = c;
    j->snapshot = snapshot_ref(x->snapshot);
    j->node = n;
    j->document = d;
    arena_init(&j->arena, 65536);
    buf_init(&j->text, DOCUMENT_MAX_BYTES);
    j->arena.secret = j->text.secret = true;
    j->env =
        (struct render_env){.seed_url = ARENA_JOIN(&j->arena, snapshot_url(x->snapshot), STR("/s/"),
                                                   snapshot_node_key(x->snapshot, n), STR("/")),
                            .generation = fleet_look(c->fleet, n->uid).generation};
    return j;
}

enum exchange_verdict admin_trace_document(struct exchange *x, struct request_ctx *rq,
                                           const struct node *n, struct document d)
{
    struct core *c = rq->core;
    const struct work_port *port = c->host.work;
    x->is_secret = true; /* its URLs have the node's key */
    struct job *j = port && c->provenances < PROVENANCES_MAX ? job_new(x, c, n, d) : NULL;
    if (j && !port->start(port->cls, &j->work)) {
        job_free(j);
        j = NULL;
    }
    if (!j) {
        answer_problem(x, 503, "other documents are looked at now: try again in a moment");
        return EXCHANGE_DONE;
    }
    c->provenances++;
    exchange_at_end(x, abandon, j);
    return on_news(x, j);
}
