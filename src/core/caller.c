/* SPDX-License-Identifier: Apache-2.0 */
#include "core/caller.h"

#include "core/answer.h"
#include "core/identify.h"
#include "crypto/digest.h"
#include "model/placeholder.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_MAX_BYTES 512
/* kubeadm's reset, its half hour, and the result, with some to spare. */
#define JOIN_MINUTES 45
#define MASTER_MINUTES 30 /* the API server, the accounts, the tokens */
#define ADDON_MINUTES 25  /* it is fetched, and applied up to five times */
#define CONDITION_MINUTES 12

/* --- Refusals -------------------------------------------------------------------------------- */

enum exchange_verdict caller_refuse(struct exchange *x, int status, const char *reason,
                                    const char *fmt, ...)
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

enum exchange_verdict caller_refuse_malformed(struct exchange *x, const char *what)
{
    return caller_refuse(x, 400, "malformed",
                         "the request is not what docs/formats/bootstrap.md says: %s", what);
}

static enum exchange_verdict refuse_over(struct exchange *x, const struct node *n)
{
    return caller_refuse(
        x, 410, "window-over",
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
    return caller_refuse(x, 403, "locked", "%s", words_of_lock(n, &x->arena).p);
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

const char *caller_refusal(const struct node *n, const struct record *r, struct arena *a,
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

enum exchange_verdict caller_refuse_unknown(struct exchange *x)
{
    return caller_refuse(
        x, 404, "unknown-key",
        "no node has this key: start the machine with the serial that 'cloudseed node "
        "url' prints");
}

enum exchange_verdict caller_wait(struct exchange *x, const char *reason, unsigned retry_after_s,
                                  struct str detail)
{
    caller_refuse(x, 503, reason, "%.*s", STR_ARG(detail));
    x->out.event = "waits";
    x->out.retry_after_s = retry_after_s;
    return EXCHANGE_DONE;
}

/* --- Who asks -------------------------------------------------------------------------------- */

bool caller_sends_json(struct exchange *x)
{
    struct str rest = x->in.content_type;
    if (rest.p && str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json")))
        return true;
    caller_refuse_malformed(x, "its Content-Type is not application/json");
    return false;
}

static const struct site *site_of(const struct exchange *x)
{
    return tree_site(snapshot_tree(x->snapshot));
}

struct change caller_change(struct exchange *x, const struct caller *c, enum change_kind kind)
{
    struct change change = request_change(x, c->node, kind);
    /* Anyone on the network can cause an alarm without it: nobody else must lock a node. */
    change.lock_on_alarm = c->by_join_key && site_of(x)->alarms == ALARMS_LOCK;
    return change;
}

void caller_tell(struct exchange *x, const struct caller *c, enum change_kind kind, struct str text)
{
    struct fleet *f = c->rq->core->fleet;
    struct change change = caller_change(x, c, kind);
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
    caller_refuse(
        x, 403, "join-key",
        "%.*s %s, which needs the join key of its build window: start the machine with the "
        "serial that 'cloudseed node arm %.*s' printed last",
        STR_ARG(n->name), is_master ? "is a master" : "is a node of this site", STR_ARG(n->name));
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
        caller_refuse(
            x, 403, "window-closed",
            "the join key of %.*s cannot be read with this server's key: open another window "
            "with 'cloudseed node arm %.*s'",
            STR_ARG(c->node->name), STR_ARG(c->node->name));
        return false;
    }
    c->by_join_key = c->rq->by_join_key = keys_same(bearer, join);
    c->is_trusted = c->by_join_key || site_of(x)->window_key_joins == WINDOW_KEY_JOINS_ALL;
    if (c->by_join_key)
        return true;
    if (keys_same(bearer, window_key) && keys_same(c->rq->path.key, window_key))
        return may_use_window_key(x, c->node);
    caller_tell(x, c, CHANGE_WRONG_KEY, STR(""));
    caller_refuse(
        x, 403, "join-key",
        "this is not the join key of the build window of %.*s: start the machine with the "
        "serial that 'cloudseed node arm %.*s' printed last",
        STR_ARG(c->node->name), STR_ARG(c->node->name));
    return false;
}

struct str caller_digest(struct str claim, struct arena *a)
{
    char digest[DIGEST_TEXT_SIZE];
    return arena_str(a, str_from(digest_text(claim, digest)));
}

bool caller_admit(struct exchange *x, struct caller *c, struct str claim)
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
        caller_refuse(x, 403, "window-closed", "%s", words_of_closed_window(c->node, &x->arena).p);
        return false;
    }
    c->claim =
        (struct claim){.join_key = r.window.join_key, .digest = caller_digest(claim, &x->arena)};
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
    caller_tell(x, c, CHANGE_MISMATCH,
                ARENA_JOIN(&x->arena, STR("has the key of "), name, STR(", but "), found,
                           STR(" instead of "), pinned));
    caller_refuse(
        x, 403, "clone",
        "the build window of %.*s belongs to the machine with uuid %.*s, which came first, and "
        "this machine has %s: if this is the right one, open another window with 'cloudseed "
        "node arm %.*s'",
        STR_ARG(name), STR_ARG(pinned), c->uuid.n ? "another" : "none", STR_ARG(name));
    return false;
}

/* A machine whose uuid is not that of the node is a clone, or the node's uuid is wrong. */
bool caller_check_uuid(struct exchange *x, struct caller *c, struct str text)
{
    struct uuid uuid, own;
    char own_text[UUID_TEXT_SIZE] = "";
    struct str name = c->node->name, foreign;
    bool has = !placeholder_uuid_text(text) && uuid_parse(text, &uuid);
    c->uuid = has ? text : STR("");
    foreign = identify_foreign_uuid(x->snapshot, c->node, has ? &uuid : NULL, &x->arena);
    if (!foreign.n)
        return check_pinned_uuid(x, c);
    caller_tell(x, c, CHANGE_MISMATCH,
                ARENA_JOIN(&x->arena, STR("has the key of "), name, STR(", but "), foreign));
    if (!c->node->uuid || placeholder_uuid(*c->node->uuid)) {
        caller_refuse(
            x, 403, "clone",
            "this machine has %.*s: a clone or a restored backup needs a node of its own, with "
            "'cloudseed node add'",
            STR_ARG(foreign));
        return false;
    }
    own = *c->node->uuid;
    uuid_text(own, own_text);
    if (has && uuid_same(uuid_swapped(own), uuid))
        caller_refuse(
            x, 403, "clone",
            "%.*s is registered with uuid %s, and this machine reports %.*s, the same with the "
            "bytes of its first three groups in the other order: register that one",
            STR_ARG(name), own_text, STR_ARG(text));
    else
        caller_refuse(
            x, 403, "clone",
            "%.*s is registered with uuid %s, and this machine has %s: a clone or a restored "
            "backup needs a node of its own, with 'cloudseed node add'",
            STR_ARG(name), own_text, has ? "another" : "none");
    return false;
}

struct caller *caller_new(struct exchange *x, struct request_ctx *rq)
{
    struct caller *c = ARENA_NEW(&x->arena, struct caller);
    c->rq = rq;
    c->node = rq->node;
    c->uuid = c->machine = c->pinned_uuid = STR("");
    return c;
}

/* --- Claims ---------------------------------------------------------------------------------- */

static enum exchange_verdict refuse_claim(struct exchange *x, const struct caller *c)
{
    const struct node *n = c->node;
    return caller_refuse(
        x, 409, "claim",
        "another boot has claimed the build window of %.*s: if that was this machine "
        "before a restart, open a new one with 'cloudseed node arm %.*s', else find the "
        "machine that has its serial",
        STR_ARG(n->name), STR_ARG(n->name));
}

enum exchange_verdict caller_refuse_unwritten(struct exchange *x, const struct fleet_result *result)
{
    return caller_refuse(x, 503, "busy", "the server cannot take this now: %s", result->reason);
}

/* Goes on once the claim, and whatever came with it, is written. */
static enum exchange_verdict on_changed(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    struct caller *c = state;
    if (result->answer != FLEET_DONE)
        return caller_refuse_unwritten(x, result);
    switch (result->status) {
    case 200: return c->then(x, c);
    case 403: return refuse_locked(x, c->node);
    case 404: return caller_refuse_unknown(x);
    case 409: return refuse_claim(x, c);
    default: return refuse_over(x, c->node);
    }
}

enum exchange_verdict caller_submit(struct exchange *x, struct caller *c,
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

enum exchange_verdict caller_claim(struct exchange *x, struct caller *c, caller_then *then)
{
    struct change change = caller_change(x, c, CHANGE_CLAIM);
    struct str words = words_of_role(c->node, &x->arena);
    if (words.n)
        return caller_refuse(x, 403, "no-bootstrap", "%s", words.p);
    change.claim = c->claim;
    change.claim.uuid = c->uuid;
    change.claim.machine = c->machine;
    change.joining_ms = joining_ms(c->node);
    return caller_submit(x, c, &change, then);
}

bool caller_has_asked(struct exchange *x, const struct caller *c)
{
    if (!c->is_claimed)
        caller_refuse(
            x, 409, "claim",
            "no boot has claimed the build window of %.*s: POST /s/KEY/bootstrap comes first",
            STR_ARG(c->node->name));
    return c->is_claimed;
}
