/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap: nodes that join their cluster (docs/formats/bootstrap.md). */
#include "wire/bootstrap.h"
#include "core/answer.h"
#include "core/identify.h"
#include "core/internal.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "model/placeholder.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_MAX_BYTES 512
#define WAIT_S 30 /* until a node asks again */
#define REASON_MAX_BYTES 256

/* --- Refusals -------------------------------------------------------------------------------- */

static enum exchange_verdict __attribute__((format(printf, 4, 5)))
refuse(struct exchange *x, int status, const char *reason, const char *fmt, ...)
{
    char text[DETAIL_MAX_BYTES + 1];
    va_list list;
    va_start(list, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, list);
    va_end(list);
    struct str detail = {text, n > DETAIL_MAX_BYTES ? DETAIL_MAX_BYTES : (size_t)n};
    answer_reason(x, status, reason, arena_str(&x->arena, str_head(detail, detail.n)).p);
    return EXCHANGE_DONE;
}

static enum exchange_verdict refuse_malformed(struct exchange *x, const char *what)
{
    return refuse(x, 400, "malformed", "the request is not what docs/formats/bootstrap.md says: %s",
                  what);
}

static enum exchange_verdict refuse_over(struct exchange *x, const struct node *n)
{
    return refuse(x, 410, "window-over",
                  "the build window of %.*s is over: open one with 'cloudseed node arm %.*s' and "
                  "start the machine with the serial that it prints",
                  STR_ARG(n->name), STR_ARG(n->name));
}

static enum exchange_verdict refuse_locked(struct exchange *x, const struct node *n)
{
    return refuse(x, 403, "locked",
                  "%.*s is locked after an alarm: see 'cloudseed events %.*s', and once you know "
                  "what happened open a new window with 'cloudseed node arm %.*s'",
                  STR_ARG(n->name), STR_ARG(n->name), STR_ARG(n->name));
}

static enum exchange_verdict refuse_unknown(struct exchange *x)
{
    return refuse(x, 404, "unknown-key",
                  "no node has this key: start the machine with the serial that 'cloudseed node "
                  "url' prints");
}

static enum exchange_verdict wait(struct exchange *x, const char *reason, const char *detail)
{
    refuse(x, 503, reason, "%s", detail);
    x->out.event = "waits";
    x->out.retry_after_s = WAIT_S;
    return EXCHANGE_DONE;
}

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
        refuse(x, 413, "too-large", "the request is larger than %zu bytes",
               rq->route->body_max_bytes);
    else if (status == 400)
        refuse_malformed(x, reason);
    else if (status == 404)
        refuse_unknown(x);
    else if (status == 503)
        refuse(x, 503, "busy", "%s", reason);
    else
        answer_problem(x, status, reason);
}

/* --- Who asks -------------------------------------------------------------------------------- */

/* A node that joins, and what it has shown. */
struct caller;
typedef enum exchange_verdict caller_then(struct exchange *x, struct caller *c);

struct caller {
    struct request_ctx *rq;
    const struct node *node;
    struct claim claim;
    bool by_join_key; /* else only by the key of its window, which anyone on the network may read */
    bool is_claimed;  /* the window, by whatever boot */
    caller_then *then;
};

static bool is_json(struct exchange *x)
{
    struct str rest = x->in.content_type;
    if (rest.p && str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json")))
        return true;
    refuse_malformed(x, "its Content-Type is not application/json");
    return false;
}

static struct change change_by(struct exchange *x, const struct caller *c, enum change_kind kind)
{
    struct change change = request_change(x, c->node, kind);
    change.lock_on_alarm &= c->by_join_key; /* nobody else is to lock a node */
    return change;
}

/* Raises an alarm. The refusal does not wait until it is written. */
static void tell(struct exchange *x, const struct caller *c, enum change_kind kind,
                 struct str mismatch)
{
    struct fleet *f = c->rq->core->fleet;
    struct change change = change_by(x, c, kind);
    if (kind == CHANGE_MISMATCH)
        change.mismatch = mismatch;
    fleet_forget(f, fleet_change(f, c->node->uid, c->node->name, &change, (struct waiter){0}));
}

/* Whether the bearer is the window's join key, or the window's own key where that is in the path.
 * The key of a seed's URL crosses the network in plain HTTP: it proves nothing. */
static bool check_bearer(struct exchange *x, struct caller *c, const struct record *r)
{
    struct str bearer = x->in.bearer.p ? x->in.bearer : STR(""), join;
    struct str uid = c->node->uid, window_key = c->rq->view.window_key;
    if (!sealer_unseal(c->rq->core->sealer, keys_join_purpose(uid, &x->arena), r->window.join_key,
                       &x->arena, &join)) {
        refuse(x, 403, "window-closed",
               "the join key of %.*s cannot be read with this server's key: open another window "
               "with 'cloudseed node arm %.*s'",
               STR_ARG(c->node->name), STR_ARG(c->node->name));
        return false;
    }
    c->by_join_key = keys_same(bearer, join);
    if (c->by_join_key || (keys_same(bearer, window_key) && keys_same(c->rq->path.key, window_key)))
        return true;
    tell(x, c, CHANGE_WRONG_KEY, STR(""));
    refuse(x, 403, "join-key",
           "this is not the join key of the build window of %.*s: start the machine with the "
           "serial that 'cloudseed node arm %.*s' printed last",
           STR_ARG(c->node->name), STR_ARG(c->node->name));
    return false;
}

static struct str digest_of(struct str text, struct arena *a)
{
    char digest[DIGEST_TEXT_SIZE];
    struct digest *d = digest_new();
    digest_add(d, text);
    return arena_str(a, str_from(digest_end(d, digest)));
}

/* Whether the node's window is open, and the caller has its key; else it is refused. */
static bool admit(struct exchange *x, struct caller *c, struct str claim)
{
    struct str window_key = c->rq->view.window_key;
    struct record r;
    uint64_t revision;
    fleet_record(c->rq->core->fleet, c->node->uid, &x->arena, &r, &revision);
    if (!snapshot_find_key(x->snapshot, c->rq->path.key) &&
        !keys_same(c->rq->path.key, window_key)) {
        refuse_over(x, c->node);
        return false;
    }
    if (!r.has_window) {
        refuse(x, 403, "window-closed",
               "no build window is open for %.*s: open one with 'cloudseed node arm %.*s' and "
               "start the machine with the serial that it prints",
               STR_ARG(c->node->name), STR_ARG(c->node->name));
        return false;
    }
    c->claim = (struct claim){r.window.join_key, digest_of(claim, &x->arena)};
    c->is_claimed = r.window.claim.n > 0;
    return check_bearer(x, c, &r);
}

/* A machine whose uuid is not that of the node is a clone, or the node's uuid is wrong. */
static bool check_uuid(struct exchange *x, struct caller *c, struct str text)
{
    struct uuid uuid, own;
    char own_text[UUID_TEXT_SIZE] = "";
    struct str name = c->node->name, foreign;
    bool has = !placeholder_uuid_text(text) && uuid_parse(text, &uuid);
    foreign = identify_foreign_uuid(x->snapshot, c->node, has ? &uuid : NULL, &x->arena);
    if (!foreign.n)
        return true;
    tell(x, c, CHANGE_MISMATCH,
         ARENA_JOIN(&x->arena, STR("has the key of "), name, STR(", but "), foreign));
    if (!c->node->uuid || placeholder_uuid(*c->node->uuid)) {
        refuse(x, 403, "clone",
               "this machine has %.*s: a clone or a restored backup needs a node of its own, with "
               "'cloudseed node add'",
               STR_ARG(foreign));
        return false;
    }
    own = *c->node->uuid;
    uuid_text(own, own_text);
    if (has && uuid_same(uuid_swapped(own), uuid))
        refuse(x, 403, "clone",
               "%.*s is registered with uuid %s, and this machine reports %.*s, the same with the "
               "bytes of its first three groups in the other order: register that one",
               STR_ARG(name), own_text, STR_ARG(text));
    else
        refuse(x, 403, "clone",
               "%.*s is registered with uuid %s, and this machine has %s: a clone or a restored "
               "backup needs a node of its own, with 'cloudseed node add'",
               STR_ARG(name), own_text, has ? "another" : "none");
    return false;
}

/* --- Claims ---------------------------------------------------------------------------------- */

static enum exchange_verdict refuse_claim(struct exchange *x, const struct caller *c)
{
    const struct node *n = c->node;
    return refuse(x, 409, "claim",
                  "another boot has claimed the build window of %.*s: if that was this machine "
                  "before a restart, open a new one with 'cloudseed node arm %.*s', else find the "
                  "machine that has its serial",
                  STR_ARG(n->name), STR_ARG(n->name));
}

/* Goes on once the claim, and whatever came with it, is written. */
static enum exchange_verdict on_changed(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    struct caller *c = state;
    if (result->answer != FLEET_DONE)
        return refuse(x, 503, "busy", "the server cannot take this now: %s", result->reason);
    switch (result->status) {
    case 200: return c->then(x, c);
    case 403: return refuse_locked(x, c->node);
    case 404: return refuse_unknown(x);
    case 409: return refuse_claim(x, c);
    default: return refuse_over(x, c->node);
    }
}

static enum exchange_verdict submit(struct exchange *x, struct caller *c,
                                    const struct change *change, caller_then *then)
{
    struct fleet *f = c->rq->core->fleet;
    c->then = then;
    return await_fleet(x, f, fleet_change(f, c->node->uid, c->node->name, change, x->waiter),
                       on_changed, c);
}

/* The first claim in a window wins. */
static enum exchange_verdict submit_claim(struct exchange *x, struct caller *c, caller_then *then)
{
    struct change change = change_by(x, c, CHANGE_CLAIM);
    if (c->node->role->bootstrap == BOOTSTRAP_NONE)
        return refuse(x, 403, "no-bootstrap",
                      "the role of %.*s has no 'bootstrap': give the node a role that joins a "
                      "cluster, or stop this machine's cloudseed-join.service",
                      STR_ARG(c->node->name));
    change.claim = c->claim;
    return submit(x, c, &change, then);
}

/* `cluster` and `result` come from the boot that asked before. */
static bool has_asked(struct exchange *x, const struct caller *c)
{
    if (!c->is_claimed)
        refuse(x, 409, "claim",
               "no boot has claimed the build window of %.*s: POST /s/KEY/bootstrap comes first",
               STR_ARG(c->node->name));
    return c->is_claimed;
}

/* --- bootstrap ------------------------------------------------------------------------------- */

static const struct node *first_master(const struct snapshot *s, const struct cluster *cluster)
{
    const struct node *n = snapshot_next(s, STR(""));
    while (n && !(n->cluster == cluster && n->role->bootstrap == BOOTSTRAP_MASTER))
        n = snapshot_next(s, n->name);
    return n;
}

/* What a node that has the claim is to do. All wait, as this server gives out no 'init' yet. */
static enum exchange_verdict bootstrap_decide(struct exchange *x, struct caller *c)
{
    const struct cluster *cluster = c->node->cluster;
    const struct node *first = first_master(x->snapshot, cluster);
    struct str name = cluster ? cluster->name : STR("(none)");
    if (first && first != c->node)
        return wait(x, "waits-for-master",
                    arena_printf(&x->arena, "waits for %.*s to bring up the cluster %.*s",
                                 STR_ARG(first->name), STR_ARG(name))
                        .p);
    return wait(
        x, "busy",
        arena_printf(&x->arena, "this server cannot bring up the cluster %.*s yet", STR_ARG(name))
            .p);
}

static struct caller *caller_new(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = ARENA_NEW(&x->arena, struct caller);
    c->rq = rq;
    c->node = rq->node;
    return c;
}

enum exchange_verdict bootstrap_ask(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = caller_new(x, rq);
    struct bootstrap_request q;
    struct err e;
    if (!is_json(x))
        return EXCHANGE_DONE;
    if (bootstrap_read_request(x->in.body, &x->arena, &q, &e) < 0)
        return refuse_malformed(x, e.msg);
    if (!admit(x, c, q.claim) || !check_uuid(x, c, q.uuid))
        return EXCHANGE_DONE;
    return submit_claim(x, c, bootstrap_decide);
}

/* --- cluster --------------------------------------------------------------------------------- */

static enum exchange_verdict refuse_lease(struct exchange *x, struct caller *c)
{
    struct str cluster = c->node->cluster ? c->node->cluster->name : STR("(none)");
    return refuse(x, 403, "not-lease-holder",
                  "%.*s was not given 'init' for the cluster %.*s: run 'kubeadm reset' on this "
                  "machine, then start cloudseed-join.service",
                  STR_ARG(c->node->name), STR_ARG(cluster));
}

enum exchange_verdict bootstrap_cluster(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = caller_new(x, rq);
    struct bootstrap_cluster cluster;
    struct err e;
    if (!is_json(x))
        return EXCHANGE_DONE;
    if (bootstrap_read_cluster(x->in.body, &x->arena, &cluster, &e) < 0 ||
        certificate_check_list(cluster.ca, BOOTSTRAP_CAS_MAX, "'ca'", &e) < 0)
        return refuse_malformed(x, e.msg);
    if (!admit(x, c, cluster.claim) || !has_asked(x, c))
        return EXCHANGE_DONE;
    return submit_claim(x, c, refuse_lease);
}

/* --- result ---------------------------------------------------------------------------------- */

static enum exchange_verdict on_result(struct exchange *x, struct caller *c)
{
    (void)c;
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

enum exchange_verdict bootstrap_result(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = caller_new(x, rq);
    struct bootstrap_result result;
    struct err e;
    if (!is_json(x))
        return EXCHANGE_DONE;
    if (bootstrap_read_result(x->in.body, &x->arena, &result, &e) < 0)
        return refuse_malformed(x, e.msg);
    if (!admit(x, c, result.claim) || !has_asked(x, c))
        return EXCHANGE_DONE;
    struct change change = change_by(x, c, CHANGE_RESULT);
    change.result = (struct join_result){
        .by = c->claim,
        .ok = result.ok,
        .stage = result.stage,
        .reason = reason_in(result.log),
        .log = result.log,
    };
    return submit(x, c, &change, on_result);
}
