/* SPDX-License-Identifier: Apache-2.0 */
/* The clusters: how far each of them is, and what an admin says of them: that one is gone, stands,
 * uploads the certificates for further masters, or approves those of kubelets by itself. */
#include "core/internal.h"

#include "base/clock.h"
#include "base/guess.h"
#include "core/answer.h"
#include "crypto/certificate.h"
#include "crypto/keys.h"

#define KUBEADM_UPLOAD_CERTS "kubeadm init phase upload-certs --upload-certs --certificate-key"

static struct value boot_value(const struct cluster_boot *b, struct arena *a)
{
    if (!b->uid.n)
        return value_none();
    return JSON_MAP(a, JSON_STR("name", b->name), JSON_STR("uid", b->uid),
                    JSON_INT("generation", b->generation));
}

static struct value token_value(const struct core *c, struct str cluster,
                                const struct cluster_record *r, enum cluster_account account,
                                struct arena *a)
{
    const struct cluster_token *t = cluster_record_token(r, account);
    const char *trouble = renewings_trouble(c->renewings, cluster, account);
    if (!t->sealed.n)
        return value_none();
    return JSON_MAP(
        a, JSON_VALUE("expires", json_time(t->expires_wall_ms, a)), JSON_BOOL("late", t->is_late),
        JSON_VALUE("trouble", trouble ? value_str(arena_str(a, str_from(trouble))) : value_none()));
}

/* Null where the cluster has no account for it. */
static struct value approval_value(const struct core *c, struct str name,
                                   const struct cluster_record *r, struct arena *a)
{
    const char *trouble = NULL;
    const struct approver *p = watchings_approver(c->watchings, name, &trouble);
    if (!r->approver.sealed.n)
        return value_none();
    return JSON_MAP(a, JSON_INT("pending", p ? p->pending : 0),
                    JSON_BOOL("autoapproves", r->autoapproves),
                    JSON_BOOL("returning", r->returning),
                    JSON_VALUE("trouble", admin_text_or_none(str_from(trouble))));
}

/* CLUSTER of docs/formats/api.md; `declared` is NULL where the tree has it no more. */
static struct value cluster_value(struct exchange *x, const struct core *c, struct str name,
                                  const struct cluster *declared)
{
    struct arena *a = &x->arena;
    struct cluster_record r;
    bool is_known = fleet_cluster(c->fleet, name, a, &r);
    int64_t end_ms = checkups_certificate_end_ms(c->checkups, name);
    struct str none = {"", 0};
    return JSON_MAP(
        a, JSON_STR("name", name), JSON_BOOL("declared", declared),
        JSON_VALUE("version", admin_text_or_none(declared ? declared->version : none)),
        JSON_VALUE("runs", admin_text_or_none(r.version)),
        JSON_VALUE("endpoint", admin_text_or_none(declared ? declared->endpoint : none)),
        JSON_VALUE("hardened", declared ? value_bool(declared->hardened) : value_none()),
        JSON_STR("phase", str_from(cluster_phase_names[r.phase])),
        JSON_VALUE("since", is_known ? json_time(r.since_wall_ms, a) : value_none()),
        JSON_INT("epoch", r.epoch), JSON_VALUE("holder", boot_value(&r.holder, a)),
        JSON_VALUE("reported", admin_text_or_none(r.endpoint)),
        JSON_VALUE("ca", admin_text_or_none(r.ca)),
        JSON_VALUE("minter", token_value(c, name, &r, CLUSTER_MINTER, a)),
        JSON_VALUE("approver", token_value(c, name, &r, CLUSTER_APPROVER, a)),
        JSON_VALUE("approval", approval_value(c, name, &r, a)),
        JSON_VALUE("trouble", admin_text_or_none(str_from(watchings_trouble(c->watchings, name)))),
        JSON_VALUE("certificate_end", end_ms ? json_time(end_ms, a) : value_none()),
        JSON_INT("clock_ahead_s", checkups_ahead_ms(c->checkups, name) / 1000),
        JSON_VALUE("turn", boot_value(&r.turn, a)), JSON_BOOL("stuck", r.turn_stuck),
        JSON_INT("held", hold_count(c, name)));
}

enum exchange_verdict admin_list_clusters(struct exchange *x, struct request_ctx *rq)
{
    const struct core *c = rq->core;
    const struct tree *t = snapshot_tree(x->snapshot);
    struct str name;
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    answer_list_begin(x, "clusters");
    for (uint32_t i = 0; i < tree_cluster_count(t); i++) {
        const struct cluster *declared = tree_cluster(t, i);
        answer_list_item(x, cluster_value(x, c, declared->name, declared));
    }
    for (uint32_t at = 0; fleet_cluster_at(c->fleet, &at, &name);) {
        if (!tree_find_cluster(t, name))
            answer_list_item(x, cluster_value(x, c, name, NULL));
    }
    answer_list_end(x, NULL, 0);
    return EXCHANGE_DONE;
}

/* Whether the cluster of the path is declared, or known from before; else it is refused. */
static bool find(struct exchange *x, const struct request_ctx *rq, const struct cluster **ret)
{
    const struct tree *t = snapshot_tree(x->snapshot);
    struct cluster_record r;
    struct guess g;
    *ret = tree_find_cluster(t, rq->path.name);
    if (*ret || fleet_cluster(rq->core->fleet, rq->path.name, &x->arena, &r))
        return true;
    guess_init(&g, rq->path.name);
    for (uint32_t i = 0; i < tree_cluster_count(t); i++)
        guess_offer(&g, tree_cluster(t, i)->name);
    admin_refuse_name(x, "cluster", rq->path.name, &g);
    return false;
}

static void answer_cluster(struct exchange *x, const struct request_ctx *rq,
                           const struct cluster *declared)
{
    answer_json(x, 200, cluster_value(x, rq->core, rq->path.name, declared));
}

enum exchange_verdict admin_show_cluster(struct exchange *x, struct request_ctx *rq)
{
    const struct cluster *declared;
    if (admin_params(x, NULL, 0) && find(x, rq, &declared))
        answer_cluster(x, rq, declared);
    return EXCHANGE_DONE;
}

/* False after a refusal. */
static bool is_done(struct exchange *x, const struct fleet_result *result)
{
    if (result->answer != FLEET_DONE)
        answer_problem(x, result->status, result->reason);
    else if (result->status != 200)
        answer_problem(x, result->status, result->decision->detail.p);
    return result->answer == FLEET_DONE && result->status == 200;
}

static enum exchange_verdict on_changed(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    struct request_ctx *rq = state;
    if (is_done(x, result))
        answer_cluster(x, rq, tree_find_cluster(snapshot_tree(x->snapshot), rq->path.name));
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_reset_cluster(struct exchange *x, struct request_ctx *rq)
{
    struct fleet *f = rq->core->fleet;
    const struct cluster *declared;
    struct value body;
    if (!find(x, rq, &declared) || !admin_body(x, NULL, &body))
        return EXCHANGE_DONE;
    const struct cluster_change reset = {.kind = CLUSTER_RESET,
                                         .cluster = rq->path.name,
                                         .cause = admin_cause(x),
                                         .peer = admin_peer(x)};
    return await_fleet(x, f, fleet_cluster_change(f, &reset, x->waiter), on_changed, rq);
}

/* --- Approval -------------------------------------------------------------------------------- */

enum exchange_verdict admin_harden_cluster(struct exchange *x, struct request_ctx *rq)
{
    static const char *const members[] = {"off", NULL};
    struct fleet *f = rq->core->fleet;
    const struct cluster *declared;
    struct value body;
    if (!find(x, rq, &declared) || !admin_body(x, members, &body))
        return EXCHANGE_DONE;
    struct value off = value_get(body, STR("off"));
    if (off.kind != VALUE_UNDEFINED && off.kind != VALUE_BOOL) {
        answer_problem(x, 400, "'off' is not true or false");
        return EXCHANGE_DONE;
    }
    const struct cluster_change c = {.kind = CLUSTER_HARDEN,
                                     .cluster = rq->path.name,
                                     .cause = admin_cause(x),
                                     .peer = admin_peer(x),
                                     .harden = !(off.kind == VALUE_BOOL && off.b)};
    return await_fleet(x, f, fleet_cluster_change(f, &c, x->waiter), on_changed, rq);
}

/* --- Adoption -------------------------------------------------------------------------------- */

static struct cluster_change adoption(struct exchange *x, const struct request_ctx *rq,
                                      const struct cluster *declared,
                                      const struct bootstrap_adoption *b)
{
    const struct cluster_token none = {.sealed = STR("")};
    const struct core *core = rq->core;
    struct str name = rq->path.name;
    return (struct cluster_change){
        .kind = CLUSTER_ADOPT,
        .cluster = name,
        .cause = admin_cause(x),
        .peer = admin_peer(x),
        .report =
            {
                .endpoint = b->endpoint,
                .declared = ARENA_JOIN(&x->arena, STR("https://"), declared->endpoint),
                .ca = b->ca,
                .minter =
                    b->has_minter ? bootstrap_seal(x, core, name, "minter", &b->minter) : none,
                .approver = b->has_approver
                                ? bootstrap_seal(x, core, name, "approver", &b->approver)
                                : none,
                .replaces_ca = b->replaces_ca,
            },
    };
}

/* Whether it would be adopted. */
static enum exchange_verdict answer_whether(struct exchange *x, struct request_ctx *rq,
                                            const struct cluster_change *c)
{
    struct cluster_record r;
    struct cluster_outcome out;
    fleet_cluster(rq->core->fleet, c->cluster, &x->arena, &r);
    cluster_apply(&r, c, clock_wall_ms(), &x->arena, &out);
    const struct fleet_result result = {
        .answer = FLEET_DONE, .status = out.status, .decision = &out.decision};
    return on_changed(x, rq, &result);
}

static bool read_adoption(struct exchange *x, struct bootstrap_adoption *ret)
{
    struct err e;
    x->is_secret = true;
    if (!admin_params(x, NULL, 0) || !admin_json(x))
        return false;
    if (bootstrap_read_adoption(x->in.body, &x->arena, ret, &e) == 0 &&
        certificate_check_list(ret->ca, BOOTSTRAP_CAS_MAX, "'ca'", &e) == 0)
        return true;
    answer_problem(x, 400, arena_str(&x->arena, str_from(e.msg)).p);
    return false;
}

enum exchange_verdict admin_adopt_cluster(struct exchange *x, struct request_ctx *rq)
{
    struct fleet *f = rq->core->fleet;
    const struct cluster *declared;
    struct bootstrap_adoption b;
    if (!find(x, rq, &declared) || !read_adoption(x, &b))
        return EXCHANGE_DONE;
    if (!declared) {
        answer_problem(x, 409, "the cluster is not in the seed tree any more: declare it");
        return EXCHANGE_DONE;
    }
    const struct cluster_change c = adoption(x, rq, declared, &b);
    if (!b.has_minter)
        return answer_whether(x, rq, &c);
    return await_fleet(x, f, fleet_cluster_change(f, &c, x->waiter), on_changed, rq);
}

/* --- Certificates for further masters -------------------------------------------------------- */

struct certs {
    char key[CERTIFICATE_KEY_LEN + 1]; /* in the exchange's arena, which is wiped */
};

static enum exchange_verdict on_certs(struct exchange *x, void *state,
                                      const struct fleet_result *result)
{
    const struct certs *c = state;
    struct arena *a = &x->arena;
    if (is_done(x, result))
        answer_json(
            x, 200,
            JSON_MAP(
                a,
                JSON_STR("command", ARENA_JOIN(a, STR(KUBEADM_UPLOAD_CERTS " "), str_from(c->key))),
                JSON_VALUE("expires", json_time(result->decision->expires_wall_ms, a))));
    return EXCHANGE_DONE;
}

/* kubeadm on a master uploads them with the key that it is given; the key is shown once, in this
 * answer, and kept sealed. */
enum exchange_verdict admin_cluster_certs(struct exchange *x, struct request_ctx *rq)
{
    const struct core *core = rq->core;
    const struct cluster *declared;
    struct value body;
    x->is_secret = true;
    if (!find(x, rq, &declared) || !admin_body(x, NULL, &body))
        return EXCHANGE_DONE;
    struct certs *c = ARENA_NEW(&x->arena, struct certs);
    struct str purpose = keys_cluster_purpose(rq->path.name, STR("certificate"), &x->arena);
    keys_new_certificate(c->key);
    const struct cluster_change change = {
        .kind = CLUSTER_CERTS,
        .cluster = rq->path.name,
        .cause = admin_cause(x),
        .peer = admin_peer(x),
        .certificate = sealer_seal(core->sealer, purpose, str_from(c->key), &x->arena),
    };
    return await_fleet(x, core->fleet, fleet_cluster_change(core->fleet, &change, x->waiter),
                       on_certs, c);
}
