/* SPDX-License-Identifier: Apache-2.0 */
/* What a node would be answered if it asked to bootstrap now. Nothing is written, no token is made,
 * and secrets are placeholders. */
#include "core/caller.h"

#include "core/answer.h"
#include "core/probe.h"
#include "crypto/cahash.h"
#include "render/document.h"

#define MASKED STR("(not shown)")

struct join_look {
    struct request_ctx *rq;
    const struct node *node;
    struct cluster_record cluster;
    struct cluster_change ask;
    struct cluster_decision decision;
};

/* --- The documents ---------------------------------------------------------------------------- */

static struct bootstrap_values values_of(struct exchange *x, const struct join_look *l)
{
    bool join = l->decision.verdict == CLUSTER_DO_JOIN;
    bool has_key = l->decision.certificate.n || (!join && l->ask.ask.masters_n > 1);
    struct str *hashes = ARENA_ARRAY(&x->arena, struct str, CAHASH_MAX);
    struct bootstrap_values v = {
        .version = l->cluster.version,
        .endpoint = l->node->cluster->endpoint,
        .token = join ? MASKED : STR(""),
        .ca_hashes = hashes,
        .certificate_key = has_key ? MASKED : STR(""),
    };
    struct err e;
    if (join)
        cahash_read(l->cluster.ca, &x->arena, hashes, &v.ca_hashes_n, &e);
    return v;
}

/* False after a refusal: the template stops. */
static bool render(struct exchange *x, const struct join_look *l, struct value *ret)
{
    const struct node *n = l->node;
    const struct bootstrap_values values = values_of(x, l);
    const struct render_env env = {
        .seed_url = boot_seed_url(x, snapshot_node_key(x->snapshot, n)),
        .generation = fleet_look(l->rq->core->fleet, n->uid).generation,
        .bootstrap = &values,
    };
    bool init = l->decision.verdict == CLUSTER_DO_INIT;
    struct document d = {init ? DOCUMENT_KUBEADM_INIT : DOCUMENT_KUBEADM_JOIN, 0};
    struct template_fault f;
    struct buf out;
    buf_init(&out, DOCUMENT_MAX_BYTES);
    int r = document_render(snapshot_tables(x->snapshot), n, d, &env, &x->arena, &out, NULL, &f);
    if (r < 0)
        answer_problem(x, 422,
                       arena_printf(&x->arena, "%s:%u:%u: %s", f.at.file ? f.at.file : "?",
                                    f.at.line, f.at.column, f.msg)
                           .p);
    else
        *ret = value_str(arena_str(&x->arena, buf_view(&out)));
    buf_done(&out);
    return r == 0;
}

static struct value files_value(const struct role *r, struct arena *a)
{
    struct value *list = ARENA_ARRAY(a, struct value, r->sealed_n);
    for (uint32_t i = 0; i < r->sealed_n; i++)
        list[i] =
            JSON_MAP(a, JSON_STR("path", r->sealed[i].path), JSON_STR("mode", r->sealed[i].mode),
                     JSON_STR("owner", r->sealed[i].owner));
    return value_list(list, r->sealed_n);
}

static struct value addons_value(const struct join_look *l, struct arena *a)
{
    const struct cluster *c = l->node->cluster;
    uint32_t n = l->decision.verdict == CLUSTER_DO_INIT ? c->addons_n : 0;
    struct value *list = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        list[i] = value_str(c->addons[i].name);
    return value_list(list, n);
}

/* --- The answer ------------------------------------------------------------------------------- */

static enum exchange_verdict answer_not(struct exchange *x, const char *action, const char *reason,
                                        struct str detail)
{
    struct arena *a = &x->arena;
    answer_json(x, 200,
                JSON_MAP(a, JSON_STR("action", str_from(action)),
                         JSON_STR("reason", str_from(reason)), JSON_STR("detail", detail),
                         JSON_VALUE("kubeadm", value_none()),
                         JSON_VALUE("files", value_list(NULL, 0)),
                         JSON_VALUE("addons", value_list(NULL, 0))));
    return EXCHANGE_DONE;
}

static enum exchange_verdict answer_join(struct exchange *x, const struct join_look *l)
{
    static const char *const names[] = {
        [CLUSTER_DO_INIT] = "init", [CLUSTER_DO_JOIN] = "join", [CLUSTER_DO_NONE] = "none"};
    enum cluster_verdict verdict = l->decision.verdict;
    struct arena *a = &x->arena;
    struct value kubeadm = value_none();
    if (verdict == CLUSTER_DO_JOIN && !l->node->role->kubeadm)
        verdict = CLUSTER_DO_NONE;
    if (verdict != CLUSTER_DO_NONE && !render(x, l, &kubeadm))
        return EXCHANGE_DONE;
    answer_json(x, 200,
                JSON_MAP(a, JSON_STR("action", str_from(names[verdict])),
                         JSON_VALUE("reason", value_none()), JSON_VALUE("detail", value_none()),
                         JSON_VALUE("kubeadm", kubeadm),
                         JSON_VALUE("files", files_value(l->node->role, a)),
                         JSON_VALUE("addons", addons_value(l, a))));
    return EXCHANGE_DONE;
}

static enum exchange_verdict look(struct exchange *x, struct join_look *l);

static enum exchange_verdict on_probed(struct exchange *x, void *state, enum cluster_probe found)
{
    struct join_look *l = state;
    l->ask.ask.probe = found;
    if (found == CLUSTER_UNPROBED)
        return answer_not(x, "wait", "busy", STR("the server has too many requests to make now"));
    return look(x, l);
}

static enum exchange_verdict look(struct exchange *x, struct join_look *l)
{
    struct cluster_decision *d = &l->decision;
    const struct core *core = l->rq->core;
    fleet_cluster_look(core->fleet, &l->ask, &x->arena, d);
    switch (d->verdict) {
    case CLUSTER_DO_PROBE:
        return probe_endpoint(x, core->host.fetch, l->node->cluster->endpoint, on_probed, l);
    case CLUSTER_DO_WAIT: return answer_not(x, "wait", d->reason, d->detail);
    case CLUSTER_DO_REFUSE: return answer_not(x, "refuse", d->reason, d->detail);
    case CLUSTER_DO_INIT:
    case CLUSTER_DO_JOIN:
    case CLUSTER_DO_NONE: break;
    }
    return answer_join(x, l);
}

/* The boot that has the window, or would claim it; of the lease's holder the one that has that. */
static struct cluster_boot boot_of(const struct join_look *l, const struct record *r,
                                   uint32_t generation)
{
    const struct cluster_boot *holder = &l->cluster.holder;
    if (str_eq(holder->uid, l->node->uid) && holder->generation == generation)
        return *holder;
    return (struct cluster_boot){l->node->uid, l->node->name, generation, r->window.claim, STR("")};
}

enum exchange_verdict admin_show_join(struct exchange *x, struct request_ctx *rq)
{
    const struct fleet *f = rq->core->fleet;
    const struct node *n = admin_node(x, rq);
    struct join_look *l = ARENA_NEW(&x->arena, struct join_look);
    struct record r;
    struct str words;
    uint64_t revision;
    if (!n || !admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    fleet_record(f, n->uid, &x->arena, &r, &revision);
    const char *refusal = caller_refusal(n, &r, &x->arena, &words);
    if (refusal)
        return answer_not(x, "refuse", refusal, words);
    l->rq = rq;
    l->node = n;
    fleet_cluster(f, n->cluster->name, &x->arena, &l->cluster);
    l->ask = (struct cluster_change){
        .kind = CLUSTER_ASK,
        .cluster = n->cluster->name,
        .cause = admin_cause(x),
        .peer = admin_peer(x),
        .by = boot_of(l, &r, fleet_look(f, n->uid).generation),
    };
    bootstrap_question(x, n, &l->ask);
    return look(x, l);
}
