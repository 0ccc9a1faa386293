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

/* The keys are told to whoever asked, once, and kept sealed. */
static void make_keys(struct exchange *x, struct call *call, const struct node *n, struct change *c)
{
    const struct sealer *s = call->core->sealer;
    struct arena *a = &x->arena;
    char join[JOIN_KEY_LEN + 1], window[WINDOW_KEY_LEN + 1];
    keys_new_join(join);
    keys_new_window(window);
    call->window_key = arena_str(a, str_from(window));
    c->arm.join_key = sealer_seal(s, keys_join_purpose(n->uid, a), str_from(join), a);
    c->arm.window_key = sealer_seal(s, keys_window_purpose(n->uid, a), call->window_key, a);
}

static bool ask(struct exchange *x, struct call *call, const struct node *n)
{
    static const char *const none[] = {NULL};
    struct change c = call_change(x, n, change_of(call->admin.kind));
    struct value body;
    c.cause = admin_cause(x);
    c.peer = STR("");
    if (!admin_matches(x, call, n))
        return false;
    if (x->in.if_match.p)
        fleet_seen(call->core->fleet, n->uid, &c);
    if (opens_a_window(call->admin.kind)) {
        if (!read_minutes(x, &c.arm.length_ms))
            return false;
        make_keys(x, call, n, &c);
    } else if (!admin_body(x, none, &body)) {
        return false;
    }
    call->ticket = fleet_change(call->core->fleet, n->uid, n->name, &c, x->waiter.ref);
    return true;
}

/* What an admin gives to the machine. The join key follows once the server has a CA to pin. */
static struct value arm_value(struct exchange *x, const struct call *call, const struct node *n)
{
    struct arena *a = &x->arena;
    struct record r;
    uint64_t revision;
    fleet_record(call->core->fleet, n->uid, a, &r, &revision);
    struct str base = ARENA_JOIN(a, snapshot_url(x->snapshot), STR("/s/"));
    struct str seed = ARENA_JOIN(a, base, snapshot_node_key(x->snapshot, n), STR("/"));
    int64_t ends = r.window.opened_wall_ms + (int64_t)r.window.length_ms;
    return JSON_MAP(a, JSON_STR("serial", ARENA_JOIN(a, STR(KEYS_DISCOVERY), seed)),
                    JSON_STR("window_url", ARENA_JOIN(a, base, call->window_key, STR("/"))),
                    JSON_VALUE("ends", json_time(ends, a)));
}

static void answer(struct exchange *x, const struct call *call, const struct node *n)
{
    struct value node = admin_node_value(x, call, n);
    if (!opens_a_window(call->admin.kind)) {
        answer_json(x, 200, node);
        return;
    }
    struct value_pair *pairs = ARENA_ARRAY(&x->arena, struct value_pair, node.n + 1);
    memcpy(pairs, node.pairs, node.n * sizeof(*pairs));
    pairs[node.n] = (struct value_pair)JSON_VALUE("arm", arm_value(x, call, n));
    answer_json(x, 200, value_map(pairs, node.n + 1));
}

enum exchange_verdict admin_act(struct exchange *x, struct call *call)
{
    struct fleet_result result;
    const struct node *n = admin_node(x, call);
    if (!n || (!call->ticket.generation && !ask(x, call, n)))
        return EXCHANGE_DONE;
    if (!call_take(x, call, &result))
        return EXCHANGE_WAIT;
    if (result.answer == FLEET_DONE && result.status == 200)
        answer(x, call, n);
    else
        answer_problem(x, result.status, result.reason);
    return EXCHANGE_DONE;
}
