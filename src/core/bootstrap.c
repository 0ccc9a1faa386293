/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap: what nodes that join their cluster ask and report (docs/formats/bootstrap.md). */
#include "wire/bootstrap.h"
#include "base/clock.h"
#include "core/answer.h"
#include "core/bootstrap_answer.h"
#include "core/caller.h"
#include "core/probe.h"
#include "crypto/cahash.h"
#include "crypto/certificate.h"

#include <string.h>

#define WAIT_S 30     /* until a node asks again … */
#define HELD_WAIT_S 2 /* … after it was held: it is still waited for */
#define REASON_MAX_BYTES 256
#define NONE_MS ((int64_t)15 * 60 * 1000)

bool bootstrap_is_path(struct str path)
{
    static const char *const names[] = {"/bootstrap", "/cluster", "/result"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_starts(path, STR("/s/")) && str_ends(path, str_from(names[i])))
            return true;
    }
    return false;
}

void bootstrap_refuse(struct exchange *x, int status, const char *reason)
{
    const struct request_ctx *rq = x->core;
    if (status == 413 && rq && rq->route)
        caller_refuse(x, 413, "too-large", "the request is larger than %zu bytes",
                      rq->route->body_max_bytes);
    else if (status == 400)
        caller_refuse_malformed(x, reason);
    else if (status == 404)
        caller_refuse_unknown(x);
    else if (status == 503)
        caller_refuse(x, 503, "busy", "%s", reason);
    else
        answer_problem(x, status, reason);
}

/* --- bootstrap ------------------------------------------------------------------------------- */

/* What a node is to do. */
struct asking {
    struct str kubeadm; /* its version, empty: unknown */
    struct cluster_change question;
    struct cluster_decision decision;
    struct hold *hold;
    enum cluster_probe probe; /* for the decision that comes next */
};

static bool has_address(const struct node *n, struct address a)
{
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        if (address_same(n->addresses[i], a))
            return true;
    }
    return false;
}

/* The masters of the cluster that are in the tree. */
static void add_masters(struct exchange *x, const struct tree *t, const struct cluster *cluster,
                        struct cluster_change *ask)
{
    struct cluster_master *list = (struct cluster_master *)ask->ask.masters;
    uint32_t room = ask->ask.masters_n;
    struct endpoint e;
    bool is_address = endpoint_parse(cluster->endpoint, &e);
    for (uint32_t i = 0; t && i < tree_node_count(t); i++) {
        const struct node *n = tree_node(t, i);
        if (n->cluster != cluster || n->role->bootstrap != BOOTSTRAP_MASTER)
            continue;
        list = arena_grow(&x->arena, list, ask->ask.masters_n, &room, sizeof(*list));
        list[ask->ask.masters_n++] = (struct cluster_master){.uid = n->uid, .name = n->name};
        if (is_address && has_address(n, e.address))
            ask->ask.only = n->uid;
    }
    ask->ask.masters = list;
}

void bootstrap_question(struct exchange *x, const struct node *n, struct cluster_change *ret)
{
    ret->ask.is_master = n->role->bootstrap == BOOTSTRAP_MASTER;
    ret->ask.only = ret->ask.unfit = ret->ask.certificate = STR("");
    ret->ask.endpoint = n->cluster->endpoint;
    add_masters(x, snapshot_tree(x->snapshot), n->cluster, ret);
    add_masters(x, snapshot_registered(x->snapshot), n->cluster, ret);
}

static struct cluster_change cluster_change_by(struct exchange *x, const struct caller *c,
                                               enum cluster_change_kind kind)
{
    const struct node *n = c->node;
    struct change by = request_change(x, n, CHANGE_CLAIM);
    uint32_t generation = fleet_look(c->rq->core->fleet, n->uid).generation;
    return (struct cluster_change){
        .kind = kind,
        .cluster = n->cluster->name,
        .cause = by.cause,
        .peer = by.peer,
        .by = {n->uid, n->name, generation, c->claim.digest, c->machine},
    };
}

static enum exchange_verdict decide(struct exchange *x, struct caller *c);

/* What was true when it began to wait may not be: it asks again from its claim on. */
static enum exchange_verdict on_held(struct exchange *x, void *state, enum hold_end end)
{
    struct caller *c = state;
    switch (end) {
    case HOLD_CHANGED: return caller_claim(x, c, decide);
    case HOLD_SUPERSEDED:
        return caller_wait(x, "busy", WAIT_S,
                           arena_printf(&x->arena,
                                        "another request of %.*s came later, and waits instead",
                                        STR_ARG(c->node->name)));
    case HOLD_OVER: break;
    }
    return caller_wait(x, c->asking->decision.reason,
                       c->rq->core->host.held_beats ? HELD_WAIT_S : WAIT_S,
                       c->asking->decision.detail);
}

/* Of a kubeadm that cannot make the cluster, or join it. */
static struct str words_of_skew(struct exchange *x, const struct caller *c, const char *is,
                                struct kubeversion version)
{
    char text[KUBEVERSION_TEXT_SIZE];
    const struct node *n = c->node;
    return arena_printf(&x->arena,
                        "kubeadm on %.*s is %.*s and the cluster %.*s %s v%s: install kubeadm and "
                        "kubelet %u.%u, then start cloudseed-join.service",
                        STR_ARG(n->name), STR_ARG(c->asking->kubeadm), STR_ARG(n->cluster->name),
                        is, kubeversion_text(version, text), version.major, version.minor);
}

static struct kubeversion kubeadm_of(const struct caller *c)
{
    struct kubeversion v = {0};
    kubeversion_parse(c->asking->kubeadm, &v);
    return v;
}

/* Why its kubeadm cannot make the cluster as it is declared; empty: it can. */
static struct str unfit_for_init(struct exchange *x, const struct caller *c)
{
    struct kubeversion kubeadm = kubeadm_of(c), declared;
    if (!kubeadm.major || !kubeversion_parse(c->node->cluster->version, &declared) ||
        kubeversion_same_minor(kubeadm, declared))
        return STR("");
    return words_of_skew(x, c, "is declared with", declared);
}

/* Where nothing fills the port: a server without a loop. */
static enum exchange_verdict cannot_join(struct exchange *x, const struct caller *c)
{
    return caller_wait(x, "busy", WAIT_S,
                       arena_printf(&x->arena,
                                    "%.*s must join the cluster %.*s, but this server makes no "
                                    "tokens",
                                    STR_ARG(c->node->name), STR_ARG(c->node->cluster->name)));
}

static enum exchange_verdict answer(struct exchange *x, const struct caller *c,
                                    const struct bootstrap_answer *what)
{
    struct record r;
    uint64_t revision;
    struct str why = bootstrap_answer(x, c->rq, what);
    fleet_record(c->rq->core->fleet, c->node->uid, &x->arena, &r, &revision);
    if (!str_eq(why, r.reason))
        caller_tell(x, c, CHANGE_UNRENDERED, why);
    return EXCHANGE_DONE;
}

/* False where there is a certificate key, but another server's. */
static bool unseal_certificate(struct exchange *x, const struct caller *c, struct str *ret)
{
    struct str purpose =
        keys_cluster_purpose(c->node->cluster->name, STR("certificate"), &x->arena);
    *ret = STR("");
    return !c->asking->decision.certificate.n ||
           sealer_unseal(c->rq->core->sealer, purpose, c->asking->decision.certificate, &x->arena,
                         ret);
}

static enum exchange_verdict refuse_certificate(struct exchange *x, const struct caller *c,
                                                const char *command)
{
    struct str cluster = c->node->cluster->name;
    return caller_wait(
        x, "busy", WAIT_S,
        arena_printf(&x->arena,
                     "the certificate key of the cluster %.*s cannot be read with this "
                     "server's key: run 'cloudseed cluster %s %.*s'",
                     STR_ARG(cluster), command, STR_ARG(cluster)));
}

static enum exchange_verdict answer_init(struct exchange *x, const struct caller *c)
{
    struct bootstrap_answer what = {
        .action = CLUSTER_DO_INIT,
        .expires_wall_ms = c->asking->decision.expires_wall_ms,
        .values = {.endpoint = c->node->cluster->endpoint},
        .with_files = c->is_trusted,
    };
    if (!unseal_certificate(x, c, &what.values.certificate_key))
        return refuse_certificate(x, c, "reset");
    return answer(x, c, &what);
}

static enum exchange_verdict answer_join(struct exchange *x, struct caller *c,
                                         const struct minting_result *minted)
{
    struct cluster_record r;
    struct str *hashes = ARENA_ARRAY(&x->arena, struct str, CAHASH_MAX);
    struct bootstrap_answer what = {
        .action = CLUSTER_DO_JOIN,
        .expires_wall_ms = minted->end_wall_ms,
        .values = {.endpoint = c->node->cluster->endpoint, .token = minted->token},
        .with_files = c->is_trusted,
    };
    struct err e;
    if (!unseal_certificate(x, c, &what.values.certificate_key))
        return refuse_certificate(x, c, "certs");
    if (c->asking->decision.certificate.n &&
        c->asking->decision.expires_wall_ms < what.expires_wall_ms)
        what.expires_wall_ms = c->asking->decision.expires_wall_ms;
    fleet_cluster(c->rq->core->fleet, c->node->cluster->name, &x->arena, &r);
    what.values.version = r.version;
    if (cahash_read(r.ca, &x->arena, hashes, &what.values.ca_hashes_n, &e) < 0)
        return caller_wait(x, "busy", WAIT_S, str_from(e.msg));
    what.values.ca_hashes = hashes;
    return answer(x, c, &what);
}

static enum exchange_verdict on_minted(struct exchange *x, void *state,
                                       const struct minting_result *minted)
{
    struct caller *c = state;
    switch (minted->end) {
    case MINTING_GOOD: return answer_join(x, c, minted);
    case MINTING_SKEW:
        return caller_refuse(x, 403, "version", "%.*s",
                             STR_ARG(words_of_skew(x, c, "runs", minted->version)));
    case MINTING_API: return caller_wait(x, "waits-for-api", WAIT_S, minted->reason);
    case MINTING_TOKEN: return caller_wait(x, "waits-for-token", HELD_WAIT_S, minted->reason);
    case MINTING_AGAIN: return caller_claim(x, c, decide);
    case MINTING_BUSY: break;
    }
    return caller_wait(x, "busy", WAIT_S, minted->reason);
}

/* kubeadm would refuse to join. What is said of another machine, too, could count as this one's. */
static enum exchange_verdict refuse_existing(struct exchange *x, const struct caller *c)
{
    struct str name = c->node->name;
    return caller_refuse(
        x, 403, "node-exists",
        "the cluster %.*s has a Node %.*s that is Ready: if that machine is gone, run "
        "'kubectl delete node %.*s', then start cloudseed-join.service on this one",
        STR_ARG(c->node->cluster->name), STR_ARG(name), STR_ARG(name));
}

static enum exchange_verdict mint(struct exchange *x, struct caller *c);

static enum exchange_verdict on_clear(struct exchange *x, void *state, enum watching_end end,
                                      struct str reason)
{
    struct caller *c = state;
    switch (end) {
    case WATCHING_CLEAR: return mint(x, c);
    case WATCHING_READY: return refuse_existing(x, c);
    case WATCHING_UNKNOWN: break;
    }
    return caller_wait(x, "waits-for-api", WAIT_S, reason);
}

/* A node that was given its token may be Ready, and ask again as it does not know that. */
static enum exchange_verdict join(struct exchange *x, struct caller *c)
{
    struct core *core = c->rq->core;
    struct mint_record minted;
    if (fleet_minted(core->fleet, c->node->uid, &x->arena, &minted) &&
        minted.phase == MINT_PHASE_SIGNED)
        return mint(x, c);
    return watching_await_clear(x, core->watchings, c->node, core->host.held_beats, on_clear, c);
}

static enum exchange_verdict mint(struct exchange *x, struct caller *c)
{
    const struct node *n = c->node;
    const struct minting_request q = {
        .uid = n->uid,
        .name = n->name,
        .claim = c->claim.digest,
        .cluster = n->cluster->name,
        .kubeadm = kubeadm_of(c),
        .hold = c->asking->hold,
        .beats = c->rq->core->host.held_beats,
    };
    if (!c->rq->core->host.mint)
        return cannot_join(x, c);
    return minting_await(x, c->rq->core->mintings, &q, on_minted, c);
}

/* Nothing in it is of use for a short time only. */
static enum exchange_verdict answer_none(struct exchange *x, const struct caller *c)
{
    return answer(x, c,
                  &(struct bootstrap_answer){
                      .action = CLUSTER_DO_NONE,
                      .expires_wall_ms = clock_wall_ms() + NONE_MS,
                      .with_files = c->is_trusted,
                  });
}

static enum exchange_verdict on_probed(struct exchange *x, void *state, enum cluster_probe found)
{
    struct caller *c = state;
    if (found == CLUSTER_UNPROBED)
        return caller_wait(
            x, "busy", WAIT_S,
            arena_printf(&x->arena, "the server cannot look now whether the cluster %.*s is there",
                         STR_ARG(c->node->cluster->name)));
    c->asking->probe = found;
    return decide(x, c);
}

static enum exchange_verdict probe(struct exchange *x, struct caller *c)
{
    const struct core *core = c->rq->core;
    return probe_endpoint(x, core->host.fetch, c->node->cluster->endpoint, on_probed, c);
}

static enum exchange_verdict on_decided(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    struct caller *c = state;
    if (result->answer != FLEET_DONE)
        return caller_refuse_unwritten(x, result);
    if (result->status == 409 && !result->decision)
        return caller_claim(x, c, decide); /* it has another window, or none: that refuses it */
    if (!result->decision)
        return caller_refuse_unknown(x);
    c->asking->decision = *result->decision;
    switch (c->asking->decision.verdict) {
    case CLUSTER_DO_PROBE: return probe(x, c);
    case CLUSTER_DO_WAIT:
        caller_tell(x, c, CHANGE_WAITS, c->asking->decision.detail);
        return hold_wait(x, c->asking->hold);
    case CLUSTER_DO_REFUSE:
        return caller_refuse(x, result->status, c->asking->decision.reason, "%.*s",
                             STR_ARG(c->asking->decision.detail));
    case CLUSTER_DO_INIT: return answer_init(x, c);
    case CLUSTER_DO_JOIN: return c->node->role->kubeadm ? join(x, c) : answer_none(x, c);
    case CLUSTER_DO_NONE: break;
    }
    return answer_none(x, c);
}

/* For the certificates that further masters need, in case that this request needs a new one. */
static struct str seal_certificate_key(struct exchange *x, const struct caller *c)
{
    char key[CERTIFICATE_KEY_LEN + 1];
    struct str purpose =
        keys_cluster_purpose(c->node->cluster->name, STR("certificate"), &x->arena);
    keys_new_certificate(key);
    struct str sealed = sealer_seal(c->rq->core->sealer, purpose, str_from(key), &x->arena);
    explicit_bzero(key, sizeof(key));
    return sealed;
}

/* What a node that has the claim is to do. It is written before it is answered. */
static enum exchange_verdict decide(struct exchange *x, struct caller *c)
{
    struct core *core = c->rq->core;
    struct asking *asking = c->asking;
    struct cluster_change *q = &asking->question;
    *q = cluster_change_by(x, c, CLUSTER_ASK);
    bootstrap_question(x, c->node, q);
    q->ask.unfit = unfit_for_init(x, c);
    q->ask.probe = asking->probe;
    asking->probe = CLUSTER_UNPROBED; /* it is good for once */
    if (q->ask.is_master && q->ask.masters_n > 1)
        q->ask.certificate = seal_certificate_key(x, c);
    if (!asking->hold)
        asking->hold = hold_new(x, core, q, on_held, c);
    return await_fleet(x, core->fleet, fleet_cluster_change(core->fleet, q, x->waiter), on_decided,
                       c);
}

enum exchange_verdict bootstrap_ask(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = caller_new(x, rq);
    struct bootstrap_request q;
    struct err e;
    if (!caller_sends_json(x))
        return EXCHANGE_DONE;
    if (bootstrap_read_request(x->in.body, &x->arena, &q, &e) < 0)
        return caller_refuse_malformed(x, e.msg);
    if (!caller_admit(x, c, q.claim) || !caller_check_uuid(x, c, q.uuid))
        return EXCHANGE_DONE;
    c->machine = q.machine;
    c->asking = ARENA_NEW(&x->arena, struct asking);
    c->asking->kubeadm = q.kubeadm;
    return caller_claim(x, c, decide);
}

/* --- cluster --------------------------------------------------------------------------------- */

struct cluster_token bootstrap_seal(struct exchange *x, const struct core *c, struct str cluster,
                                    const char *account, const struct bootstrap_token *t)
{
    struct str purpose = keys_cluster_purpose(cluster, str_from(account), &x->arena);
    return (struct cluster_token){sealer_seal(c->sealer, purpose, t->token, &x->arena),
                                  t->expires_ms};
}

static enum exchange_verdict on_cluster_written(struct exchange *x, void *state,
                                                const struct fleet_result *result)
{
    (void)state;
    if (result->answer != FLEET_DONE)
        return caller_refuse_unwritten(x, result);
    if (!result->decision)
        return caller_refuse_unknown(x);
    if (result->status != 200)
        return caller_refuse(x, result->status, result->decision->reason, "%.*s",
                             STR_ARG(result->decision->detail));
    answer_json(x, 200, value_map(NULL, 0));
    return EXCHANGE_DONE;
}

/* Its claim is the window's; whether it is that of the lease's holder, the fleet decides. */
static enum exchange_verdict report_cluster(struct exchange *x, struct caller *c)
{
    const struct core *core = c->rq->core;
    struct fleet *f = core->fleet;
    struct str name = c->node->cluster->name;
    struct cluster_change report = cluster_change_by(x, c, CLUSTER_REPORT);
    report.report.endpoint = c->reported->endpoint;
    report.report.declared = ARENA_JOIN(&x->arena, STR("https://"), c->node->cluster->endpoint);
    report.report.ca = c->reported->ca;
    report.report.minter = bootstrap_seal(x, core, name, "minter", &c->reported->minter);
    report.report.approver = (struct cluster_token){.sealed = STR("")};
    if (c->reported->has_approver)
        report.report.approver = bootstrap_seal(x, core, name, "approver", &c->reported->approver);
    return await_fleet(x, f, fleet_cluster_change(f, &report, x->waiter), on_cluster_written, c);
}

enum exchange_verdict bootstrap_cluster(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = caller_new(x, rq);
    struct err e;
    if (!caller_sends_json(x))
        return EXCHANGE_DONE;
    c->reported = ARENA_NEW(&x->arena, struct bootstrap_cluster);
    if (bootstrap_read_cluster(x->in.body, &x->arena, c->reported, &e) < 0 ||
        certificate_check_list(c->reported->ca, BOOTSTRAP_CAS_MAX, "'ca'", &e) < 0)
        return caller_refuse_malformed(x, e.msg);
    if (!caller_admit(x, c, c->reported->claim) || !caller_has_asked(x, c))
        return EXCHANGE_DONE;
    return caller_claim(x, c, report_cluster);
}

/* --- result ---------------------------------------------------------------------------------- */

static enum exchange_verdict on_result(struct exchange *x, struct caller *c)
{
    watchings_look_at(c->rq->core->watchings, c->node);
    answer_json(x, 200, value_map(NULL, 0));
    return EXCHANGE_DONE;
}

/* The line of a log that says most: kubeadm's own "[ERROR Swap]: …", then "error …", then the
 * first, which the join script writes. */
static struct str reason_in(struct str log)
{
    static const char *const marks[] = {"[ERROR ", "error", ""};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        struct str rest = log;
        while (rest.p && rest.n) {
            struct str line = str_trim(str_cut(&rest, '\n'));
            if (line.n && str_starts(line, str_from(marks[i])))
                return str_head(line, REASON_MAX_BYTES);
        }
    }
    return STR("it did not say why");
}

/* A report that was taken and made the node ready, which closed its window; its answer was lost. */
static bool is_taken(struct exchange *x, const struct caller *c,
                     const struct bootstrap_result *result)
{
    struct record r;
    uint64_t revision;
    fleet_record(c->rq->core->fleet, c->node->uid, &x->arena, &r, &revision);
    return result->ok && r.state == STATE_READY && r.joined_claim.n &&
           str_eq(r.joined_claim, caller_digest(result->claim, &x->arena));
}

enum exchange_verdict bootstrap_result(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = caller_new(x, rq);
    struct bootstrap_result result;
    struct err e;
    if (!caller_sends_json(x))
        return EXCHANGE_DONE;
    if (bootstrap_read_result(x->in.body, &x->arena, &result, &e) < 0)
        return caller_refuse_malformed(x, e.msg);
    if (is_taken(x, c, &result))
        return on_result(x, c);
    if (!caller_admit(x, c, result.claim) || !caller_has_asked(x, c))
        return EXCHANGE_DONE;
    struct change change = caller_change(x, c, CHANGE_RESULT);
    change.result = (struct join_result){
        .by = c->claim,
        .ok = result.ok,
        .stage = result.stage,
        .reason = reason_in(result.log),
        .log = result.log,
    };
    return caller_submit(x, c, &change, on_result);
}
