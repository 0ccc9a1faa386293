/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes that admins register, change and delete.
 *
 * One at a time, from the check against the current snapshot to the snapshot that has the new
 * definition: what was free when it was checked is still free when it is written
 * (docs/why/registered.md).
 */
#include "core/internal.h"

#include "core/answer.h"
#include "crypto/keys.h"

#include <errno.h>

/* --- Definitions as JSON: what their members mean is the tree's to know ---------------------- */

#define TEXT_MAX_BYTES (1024 * 1024)

static const char *const definition_members[] = {
    "name",      "role",      "cluster",   "macs",       "uuid", "serial",
    "addresses", "variables", "key_epoch", "interfaces", NULL};

/* A new one: members that are null are left out. */
static struct value definition_new(struct value body, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, body.n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < body.n; i++) {
        if (body.pairs[i].value.kind != VALUE_NONE)
            pairs[n++] = body.pairs[i];
    }
    return value_map(pairs, n);
}

/* A JSON merge patch (RFC 7396). The result may point into both. */
static struct value definition_patch(struct value old, struct value patch, struct arena *a)
{
    if (patch.kind != VALUE_MAP)
        return patch;
    uint32_t room = patch.n + (old.kind == VALUE_MAP ? old.n : 0), n = 0;
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, room);
    for (uint32_t i = 0; old.kind == VALUE_MAP && i < old.n; i++) {
        struct value change = value_get(patch, value_text(old.pairs[i].key));
        if (change.kind == VALUE_NONE)
            continue;
        pairs[n] = old.pairs[i];
        if (change.kind != VALUE_UNDEFINED)
            pairs[n].value = definition_patch(old.pairs[i].value, change, a);
        n++;
    }
    for (uint32_t i = 0; i < patch.n; i++) {
        struct value_pair p = patch.pairs[i];
        if (p.value.kind != VALUE_NONE && value_get(old, value_text(p.key)).kind == VALUE_UNDEFINED)
            pairs[n++] =
                (struct value_pair){p.key, definition_patch((struct value){0}, p.value, a)};
    }
    return value_map(pairs, n);
}

struct value definition_with(struct value old, struct str key, struct value v, struct arena *a)
{
    const struct value_pair pair = {value_str(key), v};
    return value_copy(a, definition_patch(old, value_map(&pair, 1), a));
}

static struct str definition_text(struct value definition, struct arena *a)
{
    struct buf b;
    buf_init(&b, TEXT_MAX_BYTES);
    json_write(&b, definition, false);
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

struct value definition_read(struct str json, struct arena *a)
{
    struct value v;
    if (json_read(json, a, &v, NULL) < 0 || v.kind != VALUE_MAP)
        return value_map(NULL, 0);
    return v;
}

/* --- Requests -------------------------------------------------------------------------------- */

enum define_what { DEFINE_CREATE, DEFINE_CHANGE, DEFINE_REKEY, DEFINE_DELETE };

/* One request. core->turn points to it while it has the turn. */
struct define {
    struct core *core;
    const struct request_ctx *rq;
    struct waiter waiter;
    enum define_what what;
    struct str name; /* of the path, or of a new one's body */
    struct value body;
    struct str uid;
    bool is_asked;              /* the fleet writes the definition, or has written it */
    struct fleet_result result; /* of the writing; FLEET_PENDING until it is known */
    struct arena *arena;        /* for its texts */
    uint64_t version;           /* of the definitions, with this one */
};

/* --- The turn -------------------------------------------------------------------------------- */

static void give_turn(struct core *c)
{
    c->turn.is_taken = false;
    c->turn.define = NULL;
    core_wake_waiters(c);
}

/* A definition that is being written is written even if its peer left; the turn is given back after
 * that. */
static void leave(struct exchange *x, void *state)
{
    struct define *d = state;
    struct core *c = d->core;
    core_leave(c, x);
    if (c->turn.define != d)
        return;
    c->turn.define = NULL;
    if (!c->turn.ticket.generation)
        give_turn(c);
}

/* The fleet's wake. Core is the one that waits for the fleet, since the exchange may end first. */
static void on_written(void *cls, struct slot_ref ref)
{
    struct core *c = cls;
    struct define *d = c->turn.define;
    struct fleet_result result;
    struct arena scratch;
    (void)ref;
    if (!c->turn.ticket.generation)
        return; /* from within fleet_define: define() calls this again */
    arena_init(&scratch, 256);
    fleet_take(c->fleet, c->turn.ticket, d ? d->arena : &scratch, &result);
    arena_done(&scratch);
    if (result.answer == FLEET_PENDING)
        return;
    c->turn.ticket = (struct slot_ref){0};
    if (!d) {
        give_turn(c);
        return;
    }
    d->result = result;
    d->version = fleet_definitions_version(c->fleet);
    waiter_wake(d->waiter);
}

bool core_is_defining(const struct core *c)
{
    return c->turn.ticket.generation;
}

void definitions_stop(struct core *c)
{
    fleet_forget(c->fleet, c->turn.ticket);
}

/* --- What is asked for ----------------------------------------------------------------------- */

static bool refuse_declared(struct exchange *x, const struct node *n)
{
    answer_problem(x, 409,
                   arena_printf(&x->arena,
                                "'%s' is declared at %s:%u: it can be changed only there",
                                n->name.p, n->at.file, n->at.line)
                       .p);
    return false;
}

static bool refuse_name(struct exchange *x, const struct node *n)
{
    if (n->at.line)
        return refuse_declared(x, n);
    answer_problem(x, 409,
                   arena_printf(&x->arena, "a node '%s' is registered already", n->name.p).p);
    return false;
}

/* A definition that cannot be activated is in no snapshot, but can be changed and deleted. */
static bool find_left_out(struct exchange *x, const struct define *d, struct fleet_definition *ret)
{
    const struct fleet *f = d->core->fleet;
    for (uint32_t at = 0; fleet_definition_at(f, &at, ret);) {
        struct value name = value_get(definition_read(ret->json, &x->arena), STR("name"));
        if (name.kind == VALUE_STR && str_eq(value_text(name), d->name) &&
            !snapshot_find_uid(x->snapshot, ret->uid))
            return true;
    }
    return false;
}

static bool find_definition(struct exchange *x, const struct define *d,
                            struct fleet_definition *ret)
{
    const struct node *n = snapshot_find_name(x->snapshot, d->name);
    if ((!n || n->at.line) && find_left_out(x, d, ret))
        return true;
    n = admin_node(x, d->rq);
    if (!n)
        return false;
    if (n->at.line)
        return refuse_declared(x, n);
    return admin_matches(x, d->rq, n) && fleet_definition(d->core->fleet, n->uid, ret);
}

/* --- Asking the fleet ------------------------------------------------------------------------ */

static bool fits(struct exchange *x, const struct define *d, struct str json)
{
    struct faults faults;
    faults_init(&faults);
    int r = tree_try(snapshot_tree(x->snapshot), snapshot_registered(x->snapshot),
                     (struct tree_definition){d->uid, json, 1}, &faults);
    if (r < 0)
        answer_definition_faults(x, r == -EEXIST ? 409 : 422,
                                 r == -EEXIST ? "it conflicts with another node"
                                              : "the definition has faults",
                                 definition_members, &faults);
    faults_done(&faults);
    return r == 0;
}

static void define(struct exchange *x, struct define *d, uint64_t expected, struct str json,
                   const char *kind)
{
    struct core *c = d->core;
    const struct event why = {kind, value_map(NULL, 0)};
    const struct change by = {.cause = admin_cause(x), .peer = admin_peer(x)};
    const struct waiter w = {{on_written, c}, {0, 1}};
    x->out.node = d->name;
    d->is_asked = true;
    c->turn.ticket = fleet_define(c->fleet, d->uid, d->name, expected, json, &why, &by, w);
    on_written(c, w.ref);
}

static void ask_to_create(struct exchange *x, struct define *d)
{
    struct value made = definition_new(d->body, &x->arena);
    struct value name = value_get(made, STR("name"));
    char uid[NODE_UID_LEN + 1];
    keys_new_uid(uid);
    d->uid = arena_str(&x->arena, str_from(uid));
    d->name = name.kind == VALUE_STR ? value_text(name) : STR("");
    struct str json = definition_text(made, &x->arena);
    const struct node *taken = snapshot_find_name(x->snapshot, d->name);
    if (taken)
        refuse_name(x, taken);
    else if (fits(x, d, json))
        define(x, d, STORE_ABSENT, json, "created");
}

/* A node's events are found by its name. */
static bool keeps_name(struct exchange *x, const struct define *d, struct value made)
{
    if (value_same(value_get(made, STR("name")), value_str(d->name)))
        return true;
    answer_problem(x, 422, "name: a node keeps it; delete this one, and register another");
    return false;
}

static void ask_to_change(struct exchange *x, struct define *d, const struct fleet_definition *from)
{
    struct value old = definition_read(from->json, &x->arena), made;
    struct value epoch = value_get(old, STR("key_epoch"));
    if (d->what == DEFINE_REKEY)
        made = definition_with(old, STR("key_epoch"),
                               value_int(epoch.kind == VALUE_INT ? epoch.i + 1 : 2), &x->arena);
    else
        made = definition_patch(old, d->body, &x->arena);
    struct str json = definition_text(made, &x->arena);
    if (keeps_name(x, d, made) && fits(x, d, json))
        define(x, d, from->revision, json, d->what == DEFINE_REKEY ? "rekeyed" : "changed");
}

/* Either asks the fleet, or refuses. */
static void ask(struct exchange *x, struct define *d)
{
    struct fleet_definition from;
    request_look_again(x, d->core);
    if (d->what == DEFINE_CREATE) {
        ask_to_create(x, d);
        return;
    }
    if (!find_definition(x, d, &from))
        return;
    d->uid = arena_str(&x->arena, from.uid);
    if (d->what == DEFINE_DELETE)
        define(x, d, from.revision, STR(""), "deleted");
    else
        ask_to_change(x, d, &from);
}

/* --- The way of a definition ----------------------------------------------------------------- */

static enum exchange_verdict finish(struct define *d)
{
    give_turn(d->core);
    return EXCHANGE_DONE;
}

/* Whether the snapshot in force has all definitions up to `version`; else one is asked for. */
static bool is_in_force(struct core *c, uint64_t version)
{
    if (snapshot_version(c->snapshot) >= version)
        return true;
    c->host.extend(c->host.cls);
    return false;
}

static void answer(struct exchange *x, const struct define *d)
{
    request_look_again(x, d->core);
    const struct node *n = snapshot_find_uid(x->snapshot, d->uid);
    if (d->what == DEFINE_DELETE) {
        x->out.status = 204;
        x->out.body = (struct str){"", 0}; /* If-Match was checked against what is there now */
    } else if (!n) {
        answer_problem(x, 409, "it is written down, but has no place in the world: see the log");
    } else {
        answer_json(x, d->what == DEFINE_CREATE ? 201 : 200, admin_node_value(x, d->rq, n));
        if (d->what == DEFINE_CREATE)
            x->out.location = ARENA_JOIN(&x->arena, STR("/v1/nodes/"), d->name).p;
    }
}

static enum exchange_verdict show(struct exchange *x, void *state)
{
    struct define *d = state;
    if (!is_in_force(d->core, d->version))
        return core_await(d->core, x, show, d);
    answer(x, d);
    return finish(d);
}

static enum exchange_verdict on_result(struct exchange *x, void *state)
{
    struct define *d = state;
    if (d->result.answer == FLEET_PENDING)
        return exchange_wait(x, on_result, d);
    if (d->result.answer == FLEET_DONE && d->result.status == 200)
        return show(x, d);
    answer_problem(x, d->result.status, d->result.reason);
    return finish(d);
}

/* The new definition is checked against all earlier ones, so those must be in the snapshot first.
 */
static enum exchange_verdict look(struct exchange *x, void *state)
{
    struct define *d = state;
    if (!is_in_force(d->core, fleet_definitions_version(d->core->fleet)))
        return core_await(d->core, x, look, d);
    ask(x, d);
    return d->is_asked ? on_result(x, d) : finish(d);
}

static enum exchange_verdict take_turn(struct exchange *x, void *state)
{
    struct define *d = state;
    struct core *c = d->core;
    if (c->turn.is_taken)
        return core_await(c, x, take_turn, d);
    c->turn.is_taken = true;
    c->turn.define = d;
    return look(x, d);
}

/* The tree takes any scalar for a text, as it was written: JSON's 1e3 would become another serial.
 * False after a refusal. */
static bool has_texts(struct exchange *x, struct value body)
{
    static const char *const texts[] = {"name", "role", "cluster", "uuid", "serial"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct value v = value_get(body, str_from(texts[i]));
        if (v.kind == VALUE_UNDEFINED || v.kind == VALUE_NONE || v.kind == VALUE_STR)
            continue;
        answer_problem(x, 400, arena_printf(&x->arena, "%s: expected a text", texts[i]).p);
        return false;
    }
    return true;
}

static enum exchange_verdict begin(struct exchange *x, struct request_ctx *rq,
                                   enum define_what what)
{
    struct define *d = ARENA_NEW(&x->arena, struct define);
    bool has_members = what == DEFINE_CREATE || what == DEFINE_CHANGE;
    *d = (struct define){.core = rq->core,
                         .rq = rq,
                         .waiter = x->waiter,
                         .arena = &x->arena,
                         .what = what,
                         .name = rq->path.name};
    if (!admin_body(x, has_members ? definition_members : NULL, &d->body) || !has_texts(x, d->body))
        return EXCHANGE_DONE;
    exchange_at_end(x, leave, d);
    return take_turn(x, d);
}

enum exchange_verdict admin_create_node(struct exchange *x, struct request_ctx *rq)
{
    return begin(x, rq, DEFINE_CREATE);
}

enum exchange_verdict admin_change_node(struct exchange *x, struct request_ctx *rq)
{
    return begin(x, rq, DEFINE_CHANGE);
}

enum exchange_verdict admin_delete_node(struct exchange *x, struct request_ctx *rq)
{
    return begin(x, rq, DEFINE_DELETE);
}

enum exchange_verdict admin_rekey_node(struct exchange *x, struct request_ctx *rq)
{
    return begin(x, rq, DEFINE_REKEY);
}
