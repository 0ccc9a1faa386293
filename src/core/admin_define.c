/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes that admins register, change and delete.
 *
 * One at a time, from the look at the world to the snapshot that has the node as it is now: what
 * was found free is still free when it is written (docs/why/registered.md).
 */
#include "core/admin.h"
#include "core/definition.h"
#include "core/internal.h"
#include "core/problem.h"
#include "crypto/keys.h"

#include <errno.h>

struct definition_call {
    struct value body;
    struct str uid, name;
    bool read;    /* the body */
    bool written; /* to the disk; the world is to follow */
    uint64_t version;
};

/* --- Turns -------------------------------------------------------------------------------------
 */

static bool is_mine(const struct core *c, const struct exchange *x)
{
    return c->turn.slot == x->waiter.ref.slot && c->turn.generation == x->waiter.ref.generation;
}

/* Whoever had the turn may have left while the disk was busy with his definition. */
static bool is_still_written(struct core *c)
{
    struct fleet_result result;
    if (!c->orphan.generation)
        return false;
    fleet_take(c->fleet, c->orphan, &result);
    if (result.answer == FLEET_PENDING)
        return true;
    c->orphan = (struct slot_ref){0};
    return false;
}

bool core_is_defining(struct core *c)
{
    return c->writing || is_still_written(c);
}

static bool take_turn(struct exchange *x, struct core *c)
{
    if (is_mine(c, x))
        return true;
    if (c->turn.generation)
        return false;
    c->turn = x->waiter.ref;
    return true;
}

void define_end(struct exchange *x, struct call *call)
{
    struct core *c = call->core;
    if (!is_mine(c, x))
        return;
    if (call->ticket.generation)
        c->orphan = call->ticket;
    call->ticket = (struct slot_ref){0};
    c->writing = false;
    c->turn = (struct slot_ref){0};
    core_tell_waiters(c);
}

/* --- What is asked for --------------------------------------------------------------------------
 */

static bool read_body(struct exchange *x, const struct call *call, struct definition_call *d)
{
    static const char *const none[] = {NULL};
    bool has_body = x->in.method == METHOD_PATCH || call->admin.kind == ADMIN_NODES;
    d->read = admin_body(x, has_body ? definition_members : none, &d->body);
    return d->read;
}

static bool refuse_declared(struct exchange *x, const struct node *n)
{
    answer_problem(x, 409,
                   arena_printf(&x->arena,
                                "'%s' is declared at %s:%u: what it is can be changed "
                                "there alone",
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

/* A definition that has no place in the world at the moment can be deleted and put right. */
static bool find_left_out(struct exchange *x, const struct call *call, struct fleet_definition *ret)
{
    const struct fleet *f = call->core->fleet;
    for (uint32_t at = 0; fleet_definition_at(f, &at, ret);) {
        struct value name = value_get(definition_read(ret->json, &x->arena), STR("name"));
        if (name.kind == VALUE_STR && str_eq(value_text(name), call->admin.name) &&
            !snapshot_find_uid(x->snapshot, ret->uid))
            return true;
    }
    return false;
}

static bool find_definition(struct exchange *x, const struct call *call,
                            struct fleet_definition *ret)
{
    const struct node *n = snapshot_find_name(x->snapshot, call->admin.name);
    if ((!n || n->at.line) && find_left_out(x, call, ret))
        return true;
    n = admin_node(x, call);
    if (!n)
        return false;
    if (n->at.line)
        return refuse_declared(x, n);
    return admin_matches(x, call, n) && fleet_definition(call->core->fleet, n->uid, ret);
}

/* --- Asking the fleet ---------------------------------------------------------------------------
 */

static bool fits(struct exchange *x, const struct definition_call *d, struct str json)
{
    struct faults faults;
    faults_init(&faults);
    int r = tree_try(snapshot_tree(x->snapshot), snapshot_registered(x->snapshot),
                     (struct tree_definition){d->uid, json, 1}, &faults);
    if (r < 0)
        answer_definition_faults(x, r == -EEXIST ? 409 : 422,
                                 r == -EEXIST ? "another node has what is this one's alone"
                                              : "the definition has faults",
                                 definition_members, &faults);
    faults_done(&faults);
    return r == 0;
}

static void define(struct exchange *x, struct call *call, uint64_t expected, struct str json,
                   const char *kind)
{
    const struct definition_call *d = call->definition;
    const struct event why = {kind, value_map(NULL, 0)};
    const struct change by = {.cause = admin_cause(x), .peer = STR("")};
    x->out.node = d->name;
    call->core->writing = true;
    call->ticket =
        fleet_define(call->core->fleet, d->uid, d->name, expected, json, &why, &by, x->waiter.ref);
}

static void ask_to_create(struct exchange *x, struct call *call)
{
    struct definition_call *d = call->definition;
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
        define(x, call, STORE_ABSENT, json, "created");
}

/* Its name is what its events are found by. */
static bool keeps_name(struct exchange *x, const struct definition_call *d, struct value made)
{
    if (value_same(value_get(made, STR("name")), value_str(d->name)))
        return true;
    answer_problem(x, 422, "name: a node keeps it; delete this one, and register another");
    return false;
}

static void ask_to_change(struct exchange *x, struct call *call,
                          const struct fleet_definition *from)
{
    struct definition_call *d = call->definition;
    bool rekey = call->admin.kind == ADMIN_REKEY;
    struct value old = definition_read(from->json, &x->arena);
    struct value epoch = value_get(old, STR("key_epoch"));
    struct value made =
        rekey ? definition_with(old, STR("key_epoch"),
                                value_int(epoch.kind == VALUE_INT ? epoch.i + 1 : 2), &x->arena)
              : definition_patch(old, d->body, &x->arena);
    struct str json = definition_text(made, &x->arena);
    if (keeps_name(x, d, made) && fits(x, d, json))
        define(x, call, from->revision, json, rekey ? "rekeyed" : "changed");
}

/* Nothing is written where the answer is there already. */
static void ask(struct exchange *x, struct call *call)
{
    struct definition_call *d = call->definition;
    struct fleet_definition from;
    call_look_again(x, call->core);
    if (call->admin.kind == ADMIN_NODES) {
        ask_to_create(x, call);
        return;
    }
    if (!find_definition(x, call, &from))
        return;
    d->uid = arena_str(&x->arena, from.uid);
    d->name = arena_str(&x->arena, call->admin.name);
    if (x->in.method == METHOD_DELETE)
        define(x, call, from.revision, STR(""), "deleted");
    else
        ask_to_change(x, call, &from);
}

/* --- The step ----------------------------------------------------------------------------------
 */

static enum exchange_verdict await(struct exchange *x, struct core *c)
{
    core_await(c, x);
    return EXCHANGE_WAIT;
}

/* Whether the world has all that was written up to `version`; else that is asked for. */
static bool is_in_force(struct core *c, uint64_t version)
{
    if (snapshot_version(c->snapshot) >= version)
        return true;
    c->host.extend(c->host.cls);
    return false;
}

static void answer(struct exchange *x, struct call *call)
{
    const struct definition_call *d = call->definition;
    call_look_again(x, call->core);
    const struct node *n = snapshot_find_uid(x->snapshot, d->uid);
    if (x->in.method == METHOD_DELETE) {
        x->out.status = 204;
        x->out.body = (struct str){"", 0}; /* whatever If-Match was held against */
        return;
    }
    if (!n) {
        answer_problem(x, 409, "it is written down, but has no place in the world: see the log");
        return;
    }
    bool created = call->admin.kind == ADMIN_NODES;
    answer_json(x, created ? 201 : 200, admin_node_value(x, call, n));
    if (created)
        x->out.location = ARENA_JOIN(&x->arena, STR("/v1/nodes/"), d->name).p;
}

/* Takes what the fleet says; false while it says nothing. */
static bool take(struct exchange *x, struct call *call)
{
    struct fleet_result result;
    if (!call_take(x, call, &result))
        return false;
    call->core->writing = false;
    if (result.answer == FLEET_DONE && result.status == 200) {
        call->definition->written = true;
        call->definition->version = fleet_definitions_version(call->core->fleet);
    } else {
        answer_problem(x, result.status, result.reason);
    }
    return true;
}

enum exchange_verdict admin_define(struct exchange *x, struct call *call)
{
    struct core *c = call->core;
    struct definition_call *d = call->definition;
    if (!d)
        d = call->definition = ARENA_NEW(&x->arena, struct definition_call);
    if (!d->read && !read_body(x, call, d))
        return EXCHANGE_DONE;
    if (!take_turn(x, c))
        return await(x, c);
    if (!d->written && !call->ticket.generation) {
        if (is_still_written(c)) {
            answer_problem(x, 503, "another definition is still being written: try again");
            return EXCHANGE_DONE;
        }
        if (!is_in_force(c, fleet_definitions_version(c->fleet)))
            return await(x, c);
        ask(x, call);
        if (!call->ticket.generation)
            return EXCHANGE_DONE;
    }
    if (call->ticket.generation && !take(x, call))
        return EXCHANGE_WAIT;
    if (!d->written)
        return EXCHANGE_DONE;
    if (!is_in_force(c, d->version))
        return await(x, c);
    answer(x, call);
    return EXCHANGE_DONE;
}
