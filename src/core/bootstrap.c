/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap: nodes that join their cluster (docs/formats/bootstrap.md). */
#include "wire/bootstrap.h"
#include "base/clock.h"
#include "core/answer.h"
#include "core/bootstrap_answer.h"
#include "core/identify.h"
#include "core/internal.h"
#include "core/probe.h"
#include "crypto/cahash.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "model/placeholder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_MAX_BYTES 512
#define WAIT_S 30     /* until a node asks again … */
#define HELD_WAIT_S 2 /* … after it was held: it is still waited for */
#define REASON_MAX_BYTES 256
#define NONE_MS ((int64_t)15 * 60 * 1000)
/* kubeadm's reset, its half hour, and the result, with some to spare. */
#define JOIN_MINUTES 45
#define MASTER_MINUTES 30 /* the API server, the accounts, the tokens */
#define ADDON_MINUTES 25  /* it is fetched, and applied up to five times */
#define CONDITION_MINUTES 12

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

static struct str words_of_lock(const struct node *n, struct arena *a)
{
    return arena_printf(a,
                        "%.*s is locked after an alarm: see 'cloudseed events %.*s', and once you "
                        "know what happened open a new window with 'cloudseed node arm %.*s'",
                        STR_ARG(n->name), STR_ARG(n->name), STR_ARG(n->name));
}

static enum exchange_verdict refuse_locked(struct exchange *x, const struct node *n)
{
    return refuse(x, 403, "locked", "%s", words_of_lock(n, &x->arena).p);
}

static struct str words_of_closed_window(const struct node *n, struct arena *a)
{
    return arena_printf(a,
                        "no build window is open for %.*s: open one with 'cloudseed node arm %.*s' "
                        "and start the machine with the serial that it prints",
                        STR_ARG(n->name), STR_ARG(n->name));
}

/* Of a role that cannot bootstrap; empty: it can. Any master may be the one that makes the cluster.
 */
static struct str words_of_role(const struct node *n, struct arena *a)
{
    if (n->role->bootstrap == BOOTSTRAP_NONE)
        return arena_printf(a,
                            "the role of %.*s has no 'bootstrap': give the node a role that joins "
                            "a cluster, or stop this machine's cloudseed-join.service",
                            STR_ARG(n->name));
    if (n->role->bootstrap == BOOTSTRAP_MASTER && !n->role->kubeadm)
        return arena_printf(a,
                            "the role of %.*s makes it a master and has no 'kubeadm' template: "
                            "name one, run 'cloudseed reload', then start cloudseed-join.service",
                            STR_ARG(n->name));
    return STR("");
}

const char *bootstrap_refusal(const struct node *n, const struct record *r, struct arena *a,
                              struct str *ret_words)
{
    *ret_words = STR("");
    if (!r->has_window)
        *ret_words = words_of_closed_window(n, a);
    if (ret_words->n)
        return "window-closed";
    *ret_words = words_of_role(n, a);
    if (ret_words->n)
        return "no-bootstrap";
    if (r->locked)
        *ret_words = words_of_lock(n, a);
    return r->locked ? "locked" : NULL;
}

static enum exchange_verdict refuse_unknown(struct exchange *x)
{
    return refuse(x, 404, "unknown-key",
                  "no node has this key: start the machine with the serial that 'cloudseed node "
                  "url' prints");
}

static enum exchange_verdict wait(struct exchange *x, const char *reason, unsigned retry_after_s,
                                  struct str detail)
{
    refuse(x, 503, reason, "%.*s", STR_ARG(detail));
    x->out.event = "waits";
    x->out.retry_after_s = retry_after_s;
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
    struct str pinned_uuid;             /* of the machine that has claimed the window */
    struct str uuid;                    /* of bootstrap: as it counts, empty: none does */
    struct str machine;                 /* of bootstrap: hash of machine-id, empty: unknown */
    struct str kubeadm;                 /* of bootstrap: its version, empty: unknown */
    struct bootstrap_cluster *reported; /* of cluster */
    struct cluster_change ask;
    struct cluster_decision decision;
    struct hold *hold;
    enum cluster_probe probe; /* for the decision that comes next */
    bool by_join_key; /* else only by the key of its window, which anyone on the network may read */
    bool is_trusted;  /* with secrets: has the join key, or the site says that the other one is as
                         good */
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

static const struct site *site_of(const struct exchange *x)
{
    return tree_site(snapshot_tree(x->snapshot));
}

static struct change change_by(struct exchange *x, const struct caller *c, enum change_kind kind)
{
    struct change change = request_change(x, c->node, kind);
    /* Anyone on the network can cause an alarm without it: nobody else must lock a node. */
    change.lock_on_alarm = c->by_join_key && site_of(x)->alarms == ALARMS_LOCK;
    return change;
}

/* For admins: an alarm, or what the node waits for. It is not waited for until it is written. */
static void tell(struct exchange *x, const struct caller *c, enum change_kind kind, struct str text)
{
    struct fleet *f = c->rq->core->fleet;
    struct change change = change_by(x, c, kind);
    if (kind == CHANGE_MISMATCH)
        change.mismatch = text;
    else if (kind == CHANGE_WAITS)
        change.waits = text;
    else if (kind == CHANGE_UNRENDERED)
        change.unrendered = text;
    fleet_forget(f, fleet_change(f, c->node->uid, c->node->name, &change, (struct waiter){0}));
}

/* Anyone on the network may have that key: by itself it never makes a machine a master. */
static bool may_use_window_key(struct exchange *x, const struct node *n)
{
    enum window_key_joins joins = site_of(x)->window_key_joins;
    bool is_master = n->role->bootstrap == BOOTSTRAP_MASTER;
    if (joins == WINDOW_KEY_JOINS_ALL || (joins == WINDOW_KEY_JOINS_WORKERS && !is_master))
        return true;
    refuse(x, 403, "join-key",
           "%.*s %s, which needs the join key of its build window: start the machine with the "
           "serial that 'cloudseed node arm %.*s' printed last",
           STR_ARG(n->name), is_master ? "is a master" : "is a node of this site",
           STR_ARG(n->name));
    return false;
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
    c->is_trusted = c->by_join_key || site_of(x)->window_key_joins == WINDOW_KEY_JOINS_ALL;
    if (c->by_join_key)
        return true;
    if (keys_same(bearer, window_key) && keys_same(c->rq->path.key, window_key))
        return may_use_window_key(x, c->node);
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
        refuse(x, 403, "window-closed", "%s", words_of_closed_window(c->node, &x->arena).p);
        return false;
    }
    c->claim = (struct claim){.join_key = r.window.join_key, .digest = digest_of(claim, &x->arena)};
    c->is_claimed = r.window.claim.n > 0;
    c->pinned_uuid = r.window.uuid;
    return check_bearer(x, c, &r);
}

/* A node without a uuid has that of the first machine in a window which has one. */
static bool check_pinned_uuid(struct exchange *x, const struct caller *c)
{
    struct str name = c->node->name, pinned = c->pinned_uuid;
    struct str found = c->uuid.n ? ARENA_JOIN(&x->arena, STR("uuid "), c->uuid) : STR("no uuid");
    if (!pinned.n || str_eq(pinned, c->uuid))
        return true;
    tell(x, c, CHANGE_MISMATCH,
         ARENA_JOIN(&x->arena, STR("has the key of "), name, STR(", but "), found,
                    STR(" instead of "), pinned));
    refuse(x, 403, "clone",
           "the build window of %.*s belongs to the machine with uuid %.*s, which came first, and "
           "this machine has %s: if this is the right one, open another window with 'cloudseed "
           "node arm %.*s'",
           STR_ARG(name), STR_ARG(pinned), c->uuid.n ? "another" : "none", STR_ARG(name));
    return false;
}

/* A machine whose uuid is not that of the node is a clone, or the node's uuid is wrong. */
static bool check_uuid(struct exchange *x, struct caller *c, struct str text)
{
    struct uuid uuid, own;
    char own_text[UUID_TEXT_SIZE] = "";
    struct str name = c->node->name, foreign;
    bool has = !placeholder_uuid_text(text) && uuid_parse(text, &uuid);
    c->uuid = has ? text : STR("");
    foreign = identify_foreign_uuid(x->snapshot, c->node, has ? &uuid : NULL, &x->arena);
    if (!foreign.n)
        return check_pinned_uuid(x, c);
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

static enum exchange_verdict refuse_unwritten(struct exchange *x, const struct fleet_result *result)
{
    return refuse(x, 503, "busy", "the server cannot take this now: %s", result->reason);
}

/* Goes on once the claim, and whatever came with it, is written. */
static enum exchange_verdict on_changed(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    struct caller *c = state;
    if (result->answer != FLEET_DONE)
        return refuse_unwritten(x, result);
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

/* As long as the join script may take without a word (docs/formats/bootstrap.md): a master makes
 * its cluster, and then applies the addons and waits for each of their conditions. */
static uint64_t joining_ms(const struct node *n)
{
    uint64_t minutes = JOIN_MINUTES;
    const struct cluster *cluster = n->cluster;
    if (n->role->bootstrap == BOOTSTRAP_MASTER)
        minutes += MASTER_MINUTES;
    for (uint32_t i = 0; n->role->bootstrap == BOOTSTRAP_MASTER && i < cluster->addons_n; i++)
        minutes += ADDON_MINUTES + cluster->addons[i].wait_n * (uint64_t)CONDITION_MINUTES;
    return minutes * 60 * 1000;
}

/* The first claim in a window wins. */
static enum exchange_verdict submit_claim(struct exchange *x, struct caller *c, caller_then *then)
{
    struct change change = change_by(x, c, CHANGE_CLAIM);
    struct str words = words_of_role(c->node, &x->arena);
    if (words.n)
        return refuse(x, 403, "no-bootstrap", "%s", words.p);
    change.claim = c->claim;
    change.claim.uuid = c->uuid;
    change.claim.machine = c->machine;
    change.joining_ms = joining_ms(c->node);
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
    case HOLD_CHANGED: return submit_claim(x, c, decide);
    case HOLD_SUPERSEDED:
        return wait(x, "busy", WAIT_S,
                    arena_printf(&x->arena, "another request of %.*s came later, and waits instead",
                                 STR_ARG(c->node->name)));
    case HOLD_OVER: break;
    }
    return wait(x, c->decision.reason, c->rq->core->host.held_beats ? HELD_WAIT_S : WAIT_S,
                c->decision.detail);
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
                        STR_ARG(n->name), STR_ARG(c->kubeadm), STR_ARG(n->cluster->name), is,
                        kubeversion_text(version, text), version.major, version.minor);
}

static struct kubeversion kubeadm_of(const struct caller *c)
{
    struct kubeversion v = {0};
    kubeversion_parse(c->kubeadm, &v);
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
    return wait(x, "busy", WAIT_S,
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
        tell(x, c, CHANGE_UNRENDERED, why);
    return EXCHANGE_DONE;
}

/* False where there is a certificate key, but another server's. */
static bool unseal_certificate(struct exchange *x, const struct caller *c, struct str *ret)
{
    struct str purpose =
        keys_cluster_purpose(c->node->cluster->name, STR("certificate"), &x->arena);
    *ret = STR("");
    return !c->decision.certificate.n ||
           sealer_unseal(c->rq->core->sealer, purpose, c->decision.certificate, &x->arena, ret);
}

static enum exchange_verdict refuse_certificate(struct exchange *x, const struct caller *c,
                                                const char *command)
{
    struct str cluster = c->node->cluster->name;
    return wait(x, "busy", WAIT_S,
                arena_printf(&x->arena,
                             "the certificate key of the cluster %.*s cannot be read with this "
                             "server's key: run 'cloudseed cluster %s %.*s'",
                             STR_ARG(cluster), command, STR_ARG(cluster)));
}

static enum exchange_verdict answer_init(struct exchange *x, const struct caller *c)
{
    struct bootstrap_answer what = {
        .action = CLUSTER_DO_INIT,
        .expires_wall_ms = c->decision.expires_wall_ms,
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
    if (c->decision.certificate.n && c->decision.expires_wall_ms < what.expires_wall_ms)
        what.expires_wall_ms = c->decision.expires_wall_ms;
    fleet_cluster(c->rq->core->fleet, c->node->cluster->name, &x->arena, &r);
    what.values.version = r.version;
    if (cahash_read(r.ca, &x->arena, hashes, &what.values.ca_hashes_n, &e) < 0)
        return wait(x, "busy", WAIT_S, str_from(e.msg));
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
        return refuse(x, 403, "version", "%.*s",
                      STR_ARG(words_of_skew(x, c, "runs", minted->version)));
    case MINTING_API: return wait(x, "waits-for-api", WAIT_S, minted->reason);
    case MINTING_TOKEN: return wait(x, "waits-for-token", HELD_WAIT_S, minted->reason);
    case MINTING_AGAIN: return submit_claim(x, c, decide);
    case MINTING_BUSY: break;
    }
    return wait(x, "busy", WAIT_S, minted->reason);
}

/* kubeadm would refuse to join. What is said of another machine, too, could count as this one's. */
static enum exchange_verdict refuse_existing(struct exchange *x, const struct caller *c)
{
    struct str name = c->node->name;
    return refuse(x, 403, "node-exists",
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
    return wait(x, "waits-for-api", WAIT_S, reason);
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
        .hold = c->hold,
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
        return wait(x, "busy", WAIT_S,
                    arena_printf(&x->arena,
                                 "the server cannot look now whether the cluster %.*s is there",
                                 STR_ARG(c->node->cluster->name)));
    c->probe = found;
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
        return refuse_unwritten(x, result);
    if (!result->decision)
        return refuse_unknown(x);
    c->decision = *result->decision;
    switch (c->decision.verdict) {
    case CLUSTER_DO_PROBE: return probe(x, c);
    case CLUSTER_DO_WAIT:
        tell(x, c, CHANGE_WAITS, c->decision.detail);
        return hold_wait(x, c->hold);
    case CLUSTER_DO_REFUSE:
        return refuse(x, result->status, c->decision.reason, "%.*s", STR_ARG(c->decision.detail));
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
    c->ask = cluster_change_by(x, c, CLUSTER_ASK);
    bootstrap_question(x, c->node, &c->ask);
    c->ask.ask.unfit = unfit_for_init(x, c);
    c->ask.ask.probe = c->probe;
    c->probe = CLUSTER_UNPROBED; /* it is good for once */
    if (c->ask.ask.is_master && c->ask.ask.masters_n > 1)
        c->ask.ask.certificate = seal_certificate_key(x, c);
    if (!c->hold)
        c->hold = hold_new(x, core, &c->ask, on_held, c);
    return await_fleet(x, core->fleet, fleet_cluster_change(core->fleet, &c->ask, x->waiter),
                       on_decided, c);
}

static struct caller *caller_new(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = ARENA_NEW(&x->arena, struct caller);
    c->rq = rq;
    c->node = rq->node;
    c->uuid = c->machine = c->pinned_uuid = STR("");
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
    c->machine = q.machine;
    c->kubeadm = q.kubeadm;
    return submit_claim(x, c, decide);
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
        return refuse_unwritten(x, result);
    if (!result->decision)
        return refuse_unknown(x);
    if (result->status != 200)
        return refuse(x, result->status, result->decision->reason, "%.*s",
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
    if (!is_json(x))
        return EXCHANGE_DONE;
    c->reported = ARENA_NEW(&x->arena, struct bootstrap_cluster);
    if (bootstrap_read_cluster(x->in.body, &x->arena, c->reported, &e) < 0 ||
        certificate_check_list(c->reported->ca, BOOTSTRAP_CAS_MAX, "'ca'", &e) < 0)
        return refuse_malformed(x, e.msg);
    if (!admit(x, c, c->reported->claim) || !has_asked(x, c))
        return EXCHANGE_DONE;
    return submit_claim(x, c, report_cluster);
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
