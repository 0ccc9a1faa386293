/* SPDX-License-Identifier: Apache-2.0 */
/* What all requests of admins share, and what admins do to a node's life. */
#include "core/internal.h"

#include "base/guess.h"
#include "core/answer.h"
#include "crypto/keys.h"
#include "wire/form.h"
#include "wire/negotiate.h"

/* --- Parameters and bodies ------------------------------------------------------------------- */

void admin_refuse_name(struct exchange *x, const char *what, struct str name, struct guess *g)
{
    struct buf text;
    buf_init(&text, 256);
    buf_escaped(&text, name, 64);
    answer_problem(x, 404,
                   arena_printf(&x->arena, "there is no such %s: '%.*s'%s", what,
                                STR_ARG(buf_view(&text)), guess_text(g))
                       .p);
    buf_done(&text);
}

static void refuse_param(struct exchange *x, struct str name, const struct admin_param *list,
                         size_t n)
{
    struct guess g;
    struct buf text;
    buf_init(&text, 256);
    guess_init(&g, name);
    for (size_t i = 0; i < n; i++)
        guess_offer(&g, str_from(list[i].name));
    buf_str(&text, STR("there is no parameter '"));
    buf_escaped(&text, name, 64);
    answer_problem(x, 400,
                   arena_printf(&x->arena, "%.*s'%s", STR_ARG(buf_view(&text)), guess_text(&g)).p);
    buf_done(&text);
}

bool admin_params(struct exchange *x, struct admin_param *list, size_t n)
{
    struct str rest = x->in.query;
    struct form_field field;
    while (form_next(&rest, &x->arena, &field)) {
        size_t i = 0;
        while (i < n && !str_is(field.name, list[i].name))
            i++;
        if (i == n) {
            refuse_param(x, field.name, list, n);
            return false;
        }
        list[i].value = field.value;
    }
    return true;
}

bool admin_number(struct exchange *x, const struct admin_param *p, uint64_t min, uint64_t max,
                  uint64_t fallback, uint64_t *ret)
{
    *ret = fallback;
    if (!p->value.p || (str_to_u64(p->value, max, ret) && *ret >= min))
        return true;
    answer_problem(x, 400,
                   arena_printf(&x->arena, "%s: expected a number from %llu to %llu", p->name,
                                (unsigned long long)min, (unsigned long long)max)
                       .p);
    return false;
}

static bool is_member(struct str name, const char *const *members, struct guess *g)
{
    guess_init(g, name);
    for (; members && *members; members++) {
        if (str_is(name, *members))
            return true;
        guess_offer(g, str_from(*members));
    }
    return false;
}

/* PATCH bodies may also be called merge patches. */
bool admin_json(struct exchange *x)
{
    struct str rest = x->in.content_type;
    struct str type = str_trim(str_cut(&rest, ';'));
    if (!type.n || str_eq_nocase(type, STR("application/json")) ||
        str_eq_nocase(type, STR("application/merge-patch+json")))
        return true;
    answer_problem(x, 415, "Content-Type: expected application/json");
    return false;
}

bool admin_body(struct exchange *x, const char *const *members, struct value *ret)
{
    struct err e;
    struct guess g;
    *ret = value_map(NULL, 0);
    if (!admin_params(x, NULL, 0))
        return false;
    if (str_trim(x->in.body).n == 0)
        return true;
    if (!admin_json(x))
        return false;
    if (json_read(x->in.body, &x->arena, ret, &e) < 0) {
        answer_problem(x, 400, arena_printf(&x->arena, "the body is not JSON: %s", e.msg).p);
        return false;
    }
    if (ret->kind != VALUE_MAP) {
        answer_problem(x, 400, "the body is not a JSON object");
        return false;
    }
    for (uint32_t i = 0; i < ret->n; i++) {
        struct str name = value_text(ret->pairs[i].key);
        if (is_member(name, members, &g))
            continue;
        answer_problem(x, 400,
                       arena_printf(&x->arena, "there is no member '%.*s'%s",
                                    STR_ARG(str_head(name, 64)), guess_text(&g))
                           .p);
        return false;
    }
    return true;
}

const struct node *admin_node(struct exchange *x, const struct request_ctx *rq)
{
    const struct node *n = snapshot_find_name(x->snapshot, rq->path.name);
    struct guess g;
    if (n) {
        x->out.node = n->name;
        return n;
    }
    guess_init(&g, rq->path.name);
    for (n = snapshot_next(x->snapshot, STR("")); n; n = snapshot_next(x->snapshot, n->name))
        guess_offer(&g, n->name);
    admin_refuse_name(x, "node", rq->path.name, &g);
    return NULL;
}

/* The check's verdict is part of the value, but a new verdict is not a change of the node: each
 * verdict is tried. */
bool admin_matches(struct exchange *x, const struct request_ctx *rq, const struct node *n)
{
    if (!x->in.if_match.p)
        return true;
    struct value node = admin_node_value(x, rq, n);
    for (int i = CHECK_UNCHECKED; i <= CHECK_FAULTY; i++) {
        struct value seen = definition_with(node, STR("check"),
                                            value_str(str_from(check_verdict_names[i])), &x->arena);
        if (negotiate_etag_listed(x->in.if_match, answer_json_tag(x, seen)))
            return true;
    }
    answer_problem(x, 412, "somebody else has changed this node since: look at it again");
    return false;
}

struct value admin_text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

struct str admin_cause(struct exchange *x)
{
    const struct principal *who = &x->in.principal;
    if (who->kind == PRINCIPAL_TOKEN)
        return ARENA_JOIN(&x->arena, STR("token "), who->token);
    return arena_printf(&x->arena, "uid %u", who->uid);
}

struct str admin_peer(struct exchange *x)
{
    char text[ADDRESS_TEXT_SIZE];
    if (!x->in.peer.family)
        return STR("");
    return arena_str(&x->arena, str_from(address_text(x->in.peer, text)));
}

bool admin_sees_keys(const struct exchange *x)
{
    return x->in.principal.access >= ACCESS_OPERATOR;
}

/* --- Arm, disarm, unlock, reprovision, accept keys
 * -------------------------------------------------------- */

#define MINUTE_MS ((uint64_t)60 * 1000)
/* Of QEMU's, as Proxmox passes it on. */
#define SERIAL_MAX_BYTES 339

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
    const struct request_ctx *rq;
    const struct node *node;
    /* New ones, in the clear; p == NULL: no window was opened. */
    struct str window_key, join_key;
};

/* The keys are shown once, in this answer, and kept sealed. */
static void make_keys(struct exchange *x, struct act *act, struct change *c)
{
    const struct sealer *s = act->rq->core->sealer;
    struct str uid = act->node->uid;
    struct arena *a = &x->arena;
    char join[JOIN_KEY_LEN + 1], window[WINDOW_KEY_LEN + 1];
    keys_new_join(join);
    keys_new_window(window);
    x->is_secret = true;
    act->window_key = arena_str(a, str_from(window));
    act->join_key = arena_str(a, str_from(join));
    c->arm.join_key = sealer_seal(s, keys_join_purpose(uid, a), act->join_key, a);
    c->arm.window_key = sealer_seal(s, keys_window_purpose(uid, a), act->window_key, a);
    c->arm.pin = arena_str(a, act->rq->core->tls.pin);
    explicit_bzero(join, sizeof(join));
    explicit_bzero(window, sizeof(window));
}

static struct str seed_url(struct exchange *x, const struct node *n)
{
    return boot_seed_url(x, snapshot_node_key(x->snapshot, n));
}

/* What an admin enters on the machine. */
static struct str serial_of(struct exchange *x, const struct node *n, struct str join,
                            struct str pin)
{
    struct str first = ARENA_JOIN(&x->arena, STR(KEYS_DISCOVERY), seed_url(x, n));
    return pin.n ? ARENA_JOIN(&x->arena, first, STR(" cs="), join, STR("."), pin) : first;
}

/* False after a refusal: Proxmox would cut the serial, and the machine would trust nobody. */
static bool serial_fits(struct exchange *x, struct str serial)
{
    if (serial.n <= SERIAL_MAX_BYTES)
        return true;
    answer_problem(x, 409,
                   arena_printf(&x->arena,
                                "the serial would have %zu bytes, and Proxmox takes %d: give the "
                                "site (or the server's configuration) a shorter url",
                                serial.n, SERIAL_MAX_BYTES)
                       .p);
    return false;
}

static struct value arm_value(struct exchange *x, const struct act *act)
{
    struct arena *a = &x->arena;
    struct record r;
    uint64_t revision;
    fleet_record(act->rq->core->fleet, act->node->uid, a, &r, &revision);
    struct str serial = serial_of(x, act->node, act->join_key, r.window.pin);
    int64_t ends = r.window.opened_wall_ms + (int64_t)r.window.length_ms;
    return JSON_MAP(a, JSON_STR("serial", serial),
                    JSON_STR("window_url", boot_seed_url(x, act->window_key)),
                    JSON_VALUE("ends", json_time(ends, a)));
}

static void answer(struct exchange *x, const struct act *act)
{
    struct value node = admin_node_value(x, act->rq, act->node);
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

#define VM_TEXT_MAX 63
#define VMID_MAX 999999999

/* Names of hypervisors and hosts. */
static bool is_vm_text(struct value v)
{
    return v.kind == VALUE_STR && v.n > 0 && v.n <= VM_TEXT_MAX && node_name_valid(value_text(v));
}

static bool read_vm(struct exchange *x, struct vm *ret)
{
    static const char *const members[] = {"endpoint", "host", "vmid", NULL};
    struct value body;
    if (!admin_body(x, members, &body))
        return false;
    struct value endpoint = value_get(body, STR("endpoint")), host = value_get(body, STR("host")),
                 vmid = value_get(body, STR("vmid"));
    if (!is_vm_text(endpoint) || !is_vm_text(host)) {
        answer_problem(x, 400, "endpoint, host: expected names, like home and pve1");
        return false;
    }
    if (vmid.kind != VALUE_INT || vmid.i < 1 || vmid.i > VMID_MAX) {
        answer_problem(x, 400, "vmid: expected a whole number from 1 to 999999999");
        return false;
    }
    *ret = (struct vm){value_text(endpoint), value_text(host), (uint32_t)vmid.i};
    return true;
}

static enum exchange_verdict act(struct exchange *x, struct request_ctx *rq, enum change_kind kind)
{
    struct fleet *f = rq->core->fleet;
    const struct node *n = admin_node(x, rq);
    struct act *act = ARENA_NEW(&x->arena, struct act);
    struct value body;
    if (!n || !admin_matches(x, rq, n))
        return EXCHANGE_DONE;
    *act = (struct act){.rq = rq, .node = n};
    struct change c = request_change(x, n, kind);
    c.cause = admin_cause(x);
    c.peer = admin_peer(x);
    if (x->in.if_match.p)
        fleet_seen(f, n->uid, &c);
    if (kind == CHANGE_ARM || kind == CHANGE_REPROVISION) {
        if (!read_minutes(x, &c.arm.length_ms))
            return EXCHANGE_DONE;
        make_keys(x, act, &c);
        if (!serial_fits(x, serial_of(x, n, act->join_key, c.arm.pin)))
            return EXCHANGE_DONE;
    } else if ((kind == CHANGE_VM && x->in.method == METHOD_POST) || kind == CHANGE_VM_BURIED) {
        if (!read_vm(x, &c.vm))
            return EXCHANGE_DONE;
    } else if (!admin_body(x, NULL, &body)) {
        return EXCHANGE_DONE;
    }
    return await_fleet(x, f, fleet_change(f, n->uid, n->name, &c, x->waiter), on_changed, act);
}

enum exchange_verdict admin_arm(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_ARM);
}

enum exchange_verdict admin_disarm(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_DISARM);
}

enum exchange_verdict admin_unlock(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_UNLOCK);
}

enum exchange_verdict admin_reprovision(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_REPROVISION);
}

enum exchange_verdict admin_accept_keys(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_ACCEPT_KEYS);
}

enum exchange_verdict admin_lose_vm(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_VM_LOST);
}

enum exchange_verdict admin_bury_vm(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_VM_BURIED);
}

enum exchange_verdict admin_set_vm(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_VM);
}

enum exchange_verdict admin_forget_vm(struct exchange *x, struct request_ctx *rq)
{
    return act(x, rq, CHANGE_VM);
}

/* --- The serial of an open window ------------------------------------------------------------- */

/* NULL, or why there is none that a node could join with. */
static const char *open_serial(struct exchange *x, const struct request_ctx *rq,
                               const struct node *n, const struct record *r, struct value *ret)
{
    const struct core_tls *tls = &rq->core->tls;
    const struct window *w = &r->window;
    struct arena *a = &x->arena;
    struct str join;
    if (!r->has_window)
        return "no build window is open, and only then there is a join key: 'cloudseed node arm' "
               "opens one";
    if (!sealer_unseal(rq->core->sealer, keys_join_purpose(n->uid, a), w->join_key, a, &join))
        return "the window's join key was sealed with another key: open another window with "
               "'cloudseed node arm'";
    if (w->pin.n && !str_eq(w->pin, tls->pin) && !str_eq(w->pin, tls->former_pin))
        return "the window has the pin of a CA that was replaced, so the machine would refuse this "
               "server: open another window with 'cloudseed node arm'";
    *ret = JSON_MAP(a, JSON_STR("serial", serial_of(x, n, join, w->pin)),
                    JSON_VALUE("ends", json_time(w->opened_wall_ms + (int64_t)w->length_ms, a)));
    return NULL;
}

enum exchange_verdict admin_show_serial(struct exchange *x, struct request_ctx *rq)
{
    const struct node *n = admin_node(x, rq);
    struct record r;
    struct value v;
    uint64_t revision;
    if (!n || !admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    x->is_secret = true;
    fleet_record(rq->core->fleet, n->uid, &x->arena, &r, &revision);
    const char *reason = open_serial(x, rq, n, &r, &v);
    if (reason)
        answer_problem(x, 409, reason);
    else
        answer_json(x, 200, v);
    return EXCHANGE_DONE;
}
