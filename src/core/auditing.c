/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auditing.h"

#include "core/internal.h"

static const struct str nodes = {"/v1/nodes/", 10};

/* At the end it may be deleted. */
void auditing_begin(struct exchange *x, struct request_ctx *rq)
{
    const struct node *n = NULL;
    if (rq->route && rq->path.name.n && str_starts(x->in.path, nodes))
        n = snapshot_find_name(x->snapshot, rq->path.name);
    rq->uid = n ? arena_str(&x->arena, n->uid) : STR("");
}

/* --- Who ------------------------------------------------------------------------------------- */

/* By which key of the path the node was found. */
static struct str key_words(const struct exchange *x, const struct request_ctx *rq)
{
    struct str key = rq->path.key;
    bool is_window = rq->route->identity == IDENTITY_SEED_KEY
                         ? str_eq(rq->view.window_key, key)
                         : !snapshot_find_key(x->snapshot, key);
    return is_window ? STR("window key") : STR("seed key");
}

static struct str who(struct exchange *x, const struct request_ctx *rq)
{
    if (x->in.principal.kind != PRINCIPAL_NONE)
        return admin_cause(x);
    if (rq->path.evidence < EVIDENCE_COUNT)
        return ARENA_JOIN(&x->arena, str_from(evidence_names[rq->path.evidence]), STR(" "),
                          rq->path.value);
    if (rq->by_join_key)
        return STR("join key");
    return rq->path.key.n && rq->node ? key_words(x, rq) : STR("");
}

/* --- What ------------------------------------------------------------------------------------ */

static struct str method_and(struct exchange *x, struct str path)
{
    const char *method = route_method_names(1U << x->in.method, &x->arena);
    return ARENA_JOIN(&x->arena, str_from(method), STR(" "), path);
}

static void about(const struct node *n, struct audit_entry *e)
{
    if (!n)
        return;
    e->uid = n->uid;
    e->node = n->name;
}

/* One that was made has a name only now. */
static void about_named(const struct exchange *x, const struct request_ctx *rq,
                        struct audit_entry *e)
{
    struct str made = str_from(x->out.location ? x->out.location : "");
    if (str_starts(made, nodes)) {
        about(snapshot_find_name(rq->core->snapshot, str_skip(made, nodes.n)), e);
    } else if (rq->uid.n) {
        e->uid = rq->uid;
        e->node = rq->path.name;
    }
}

/* Without the key that a node's path has, and with the name of what was made. */
static struct str path_shown(const struct exchange *x, const struct request_ctx *rq)
{
    if (rq->path.key.n)
        return str_from(rq->route->pattern);
    return x->out.location ? str_from(x->out.location) : x->in.path;
}

/* False: it only looked at what is no secret. */
static bool note_admin(struct exchange *x, const struct request_ctx *rq, struct audit_entry *e)
{
    bool is_read = METHODS_READ & 1U << x->in.method;
    bool is_refused = e->status == 401 || e->status == 403 || e->status == 429 ||
                      x->in.principal.kind == PRINCIPAL_NONE;
    /* What takes an operator to read has keys in it. */
    bool is_secret = x->in.method == METHOD_GET && rq->route->access == ACCESS_OPERATOR;
    if (is_read && !is_secret && !is_refused)
        return false;
    e->class = is_refused ? STORE_REFUSED : STORE_BY_ADMIN;
    e->what = method_and(x, path_shown(x, rq));
    about_named(x, rq, e);
    return true;
}

/* What stands behind the last slash of the row's path: "phone-home". */
static struct str last_word(const struct route *r)
{
    return str_from(strrchr(r->pattern, '/') + 1);
}

static bool is_asked_for_by_nodes(const struct exchange *x, const struct request_ctx *rq)
{
    switch (rq->route->identity) {
    case IDENTITY_SEED_KEY:
    case IDENTITY_EVIDENCE: return x->in.method == METHOD_GET;
    case IDENTITY_BOOT_KEY: return rq->route->answer == node_phone_home;
    case IDENTITY_JOIN_KEY:
        return x->out.status != 503; /* else it waits, and asks again */
    /* A boot script that has the node's URL in it. */
    case IDENTITY_NONE: return x->in.method == METHOD_GET && rq->node;
    default: return false;
    }
}

static bool note_node(struct exchange *x, const struct request_ctx *rq, struct audit_entry *e)
{
    bool is_refused = e->status >= 400 && e->status < 500;
    bool is_known = rq->node || rq->suspect || rq->route->identity == IDENTITY_EVIDENCE;
    if (!e->status || !is_known || !is_asked_for_by_nodes(x, rq))
        return false;
    e->class = is_refused                               ? STORE_REFUSED
               : x->in.principal.kind != PRINCIPAL_NONE ? STORE_BY_ADMIN
                                                        : STORE_BY_NODE;
    e->what = x->out.file.n ? x->out.file : last_word(rq->route);
    about(rq->node ? rq->node : rq->suspect, e);
    return true;
}

/* A request that is refused because it has no valid token counts as an admin's. */
static bool is_admins(const struct request_ctx *rq, int status)
{
    const struct route *r = rq->route;
    return r->identity == IDENTITY_ADMIN || r->identity == IDENTITY_SESSION ||
           r->answer == page_sign_in || status == 401 || status == 429;
}

/* A page that is opened asks whether it has a session: the guard made no event of it. */
static bool only_asks_for_session(const struct exchange *x, const struct request_ctx *rq)
{
    return rq->route->identity == IDENTITY_SESSION && x->out.status == 401 && !x->out.event;
}

void auditing_note(struct exchange *x, const struct request_ctx *rq)
{
    struct audit_entry e = {.status = x->out.status, .from = x->in.peer};
    if (!rq->route || only_asks_for_session(x, rq) ||
        !(is_admins(rq, e.status) ? note_admin(x, rq, &e) : note_node(x, rq, &e)))
        return;
    e.who = who(x, rq);
    e.agent = x->in.user_agent;
    if (e.status >= 400 && x->out.reason)
        e.reason = str_from(x->out.reason);
    fleet_audit(rq->core->fleet, &e);
}
