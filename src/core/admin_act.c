/* SPDX-License-Identifier: Apache-2.0 */
/* What admins do to a node's life: arm, disarm, unlock, reprovision. */
#include "core/admin.h"
#include "core/internal.h"
#include "core/problem.h"
#include "crypto/keys.h"

#define MINUTE_MS ((uint64_t)60 * 1000)

static enum change_kind change_of(enum admin_kind kind)
{
    switch (kind) {
    case ADMIN_ARM: return CHANGE_ARM;
    case ADMIN_DISARM: return CHANGE_DISARM;
    case ADMIN_UNLOCK: return CHANGE_UNLOCK;
    default: return CHANGE_REPROVISION;
    }
}

static bool opens_a_window(enum admin_kind kind)
{
    return kind == ADMIN_ARM || kind == ADMIN_REPROVISION;
}

static bool read_minutes(struct exchange *x, uint64_t *ret_ms)
{
    static const char *const members[] = {"minutes", NULL};
    struct value body;
    if (!admin_body(x, members, &body))
        return false;
    struct value minutes = value_get(body, STR("minutes"));
    *ret_ms = WINDOW_DEFAULT_MS;
    if (minutes.kind == VALUE_UNDEFINED)
        return true;
    if (minutes.kind != VALUE_INT || minutes.i < 1 ||
        (uint64_t)minutes.i > WINDOW_MAX_MS / MINUTE_MS) {
        answer_problem(x, 400, "minutes: expected a whole number from 1 to 10080");
        return false;
    }
    *ret_ms = (uint64_t)minutes.i * MINUTE_MS;
    return true;
}

/* What the answer needs once the change was written. */
struct act {
    const struct call *call;
    const struct node *node;
    struct str window_key; /* a new one, in the clear; p == NULL: no window was opened */
};

/* The keys are shown once, in this answer, and kept sealed. */
static void make_keys(struct exchange *x, struct act *act, struct change *c)
{
    const struct sealer *s = act->call->core->sealer;
    struct str uid = act->node->uid;
    struct arena *a = &x->arena;
    char join[JOIN_KEY_LEN + 1], window[WINDOW_KEY_LEN + 1];
    keys_new_join(join);
    keys_new_window(window);
    x->is_secret = true;
    act->window_key = arena_str(a, str_from(window));
    c->arm.join_key = sealer_seal(s, keys_join_purpose(uid, a), str_from(join), a);
    c->arm.window_key = sealer_seal(s, keys_window_purpose(uid, a), act->window_key, a);
}

/* What an admin gives to the machine. The join key follows once the server has a CA to pin. */
static struct value arm_value(struct exchange *x, const struct act *act)
{
    struct arena *a = &x->arena;
    struct record r;
    uint64_t revision;
    fleet_record(act->call->core->fleet, act->node->uid, a, &r, &revision);
    struct str base = ARENA_JOIN(a, snapshot_url(x->snapshot), STR("/s/"));
    struct str seed = ARENA_JOIN(a, base, snapshot_node_key(x->snapshot, act->node), STR("/"));
    int64_t ends = r.window.opened_wall_ms + (int64_t)r.window.length_ms;
    return JSON_MAP(a, JSON_STR("serial", ARENA_JOIN(a, STR(KEYS_DISCOVERY), seed)),
                    JSON_STR("window_url", ARENA_JOIN(a, base, act->window_key, STR("/"))),
                    JSON_VALUE("ends", json_time(ends, a)));
}

static void answer(struct exchange *x, const struct act *act)
{
    struct value node = admin_node_value(x, act->call, act->node);
    if (!act->window_key.p) {
        answer_json(x, 200, node);
        return;
    }
    struct value_pair *pairs = ARENA_ARRAY(&x->arena, struct value_pair, node.n + 1);
    memcpy(pairs, node.pairs, node.n * sizeof(*pairs));
    pairs[node.n] = (struct value_pair)JSON_VALUE("arm", arm_value(x, act));
    answer_json(x, 200, value_map(pairs, node.n + 1));
}

static enum exchange_verdict on_changed(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    if (result->answer == FLEET_DONE && result->status == 200)
        answer(x, state);
    else
        answer_problem(x, result->status, result->reason);
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_act(struct exchange *x, struct call *call)
{
    static const char *const none[] = {NULL};
    struct fleet *f = call->core->fleet;
    const struct node *n = admin_node(x, call);
    struct act *act = ARENA_NEW(&x->arena, struct act);
    struct value body;
    if (!n || !admin_matches(x, call, n))
        return EXCHANGE_DONE;
    *act = (struct act){.call = call, .node = n};
    struct change c = call_change(x, n, change_of(call->admin.kind));
    c.cause = admin_cause(x);
    c.peer = STR("");
    if (x->in.if_match.p)
        fleet_seen(f, n->uid, &c);
    if (opens_a_window(call->admin.kind)) {
        if (!read_minutes(x, &c.arm.length_ms))
            return EXCHANGE_DONE;
        make_keys(x, act, &c);
    } else if (!admin_body(x, none, &body)) {
        return EXCHANGE_DONE;
    }
    return await_fleet(x, f, fleet_change(f, n->uid, n->name, &c, x->waiter), on_changed, act);
}
