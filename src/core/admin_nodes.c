/* SPDX-License-Identifier: Apache-2.0 */
/* A node as admins see it, lists of them, and a node's documents. */
#include "core/internal.h"

#include "base/guess.h"
#include "core/answer.h"
#include "render/definition.h"
#include "render/document.h"
#include "render/values.h"

#include <assert.h>

#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define MEMBERS_MAX 40

struct node_members {
    struct value_pair list[MEMBERS_MAX];
    size_t n;
};

static void put(struct node_members *m, struct str key, struct value v)
{
    assert(m->n < MEMBERS_MAX);
    m->list[m->n++] = (struct value_pair){value_str(key), v};
}

/* --- What is defined ------------------------------------------------------------------------- */

static void put_definition(struct node_members *m, const struct node *n, struct arena *a)
{
    m->n = definition_pairs(n, a, m->list);
}

static void put_urls(struct node_members *m, struct exchange *x, const struct node *n)
{
    struct arena *a = &x->arena;
    struct str url = ARENA_JOIN(a, snapshot_url(x->snapshot), STR("/s/"),
                                snapshot_node_key(x->snapshot, n), STR("/"));
    struct str discovery = ARENA_JOIN(a, STR(KEYS_DISCOVERY), url);
    bool shown = admin_sees_keys(x);
    put(m, STR("seed_url"), shown ? value_str(url) : value_none());
    put(m, STR("discovery"), shown ? value_str(discovery) : value_none());
}

/* --- What is known of its life --------------------------------------------------------------- */

static struct value failure_value(const struct record *r, struct arena *a)
{
    if (r->state != STATE_FAILED && !r->reason.n)
        return value_none();
    return JSON_MAP(a, JSON_VALUE("stage", admin_text_or_none(r->stage)),
                    JSON_STR("reason", r->reason), JSON_VALUE("log", admin_text_or_none(r->log)));
}

/* The token by which it joins. */
static struct value mint_value(const struct fleet *f, const struct node *n, struct arena *a)
{
    struct mint_record r;
    if (!fleet_minted(f, n->uid, a, &r))
        return value_none();
    return JSON_MAP(a, JSON_STR("phase", str_from(mint_phase_names[r.phase])),
                    JSON_STR("token", r.token.id), JSON_VALUE("ends", json_time(r.end_wall_ms, a)),
                    JSON_VALUE("reason", admin_text_or_none(r.reason)));
}

static struct value vm_value(const struct record *r, struct arena *a)
{
    if (!r->vm.endpoint.n)
        return value_none();
    return JSON_MAP(a, JSON_STR("endpoint", r->vm.endpoint), JSON_STR("host", r->vm.host),
                    JSON_INT("vmid", r->vm.vmid));
}

static struct value tombstones_value(const struct record *r, struct arena *a)
{
    struct value *list = ARENA_ARRAY(a, struct value, r->tombstones_n);
    for (uint32_t i = 0; i < r->tombstones_n; i++) {
        const struct tombstone *at = &r->tombstones[i];
        list[i] = JSON_MAP(a, JSON_STR("endpoint", at->vm.endpoint), JSON_STR("host", at->vm.host),
                           JSON_INT("vmid", at->vm.vmid), JSON_INT("generation", at->generation));
    }
    return value_list(list, r->tombstones_n);
}

static struct value window_value(const struct record *r, struct arena *a)
{
    if (!r->has_window)
        return value_none();
    int64_t opened = r->window.opened_wall_ms;
    return JSON_MAP(a, JSON_VALUE("opened", json_time(opened, a)),
                    JSON_VALUE("ends", json_time(opened + (int64_t)r->window.length_ms, a)),
                    JSON_BOOL("claimed", r->window.claim.n > 0));
}

static struct value boot_value(const struct record *r, struct arena *a)
{
    const struct boot *b = &r->boot;
    if (!r->has_boot)
        return value_none();
    return JSON_MAP(a, JSON_VALUE("began", json_time(b->began_wall_ms, a)),
                    JSON_VALUE("last", json_time(b->last_wall_ms, a)),
                    JSON_VALUE("stage", admin_text_or_none(b->stage)),
                    JSON_INT("events", b->events), JSON_INT("warnings", b->warnings),
                    JSON_VALUE("failed", admin_text_or_none(b->failed)),
                    JSON_BOOL("finished", b->finished), JSON_BOOL("reboot", b->reboot));
}

static struct value host_keys_value(const struct host_key *keys, uint32_t n, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, n);
    for (uint32_t i = 0; i < n; i++)
        pairs[i] = (struct value_pair){value_str(keys[i].kind), value_str(keys[i].key)};
    return value_map(pairs, n);
}

static struct value identity_value(const struct record *r, struct arena *a)
{
    if (!r->hostname.n && !r->instance_id.n && !r->host_keys_n && !r->offered_keys_n)
        return value_none();
    return JSON_MAP(
        a, JSON_VALUE("hostname", admin_text_or_none(r->hostname)),
        JSON_VALUE("fqdn", admin_text_or_none(r->fqdn)),
        JSON_VALUE("instance_id", admin_text_or_none(r->instance_id)),
        JSON_VALUE("host_keys", host_keys_value(r->host_keys, r->host_keys_n, a)),
        JSON_VALUE("offered_keys", host_keys_value(r->offered_keys, r->offered_keys_n, a)));
}

/* As its cluster shows it now, else as it was shown last. */
static struct value kubernetes_value(const struct request_ctx *rq, const struct node *n,
                                     const struct record *r, struct arena *a)
{
    struct nodewatch_node seen;
    struct value since = r->away.n ? json_time(r->away_wall_ms, a) : value_none();
    if (n->role->bootstrap == BOOTSTRAP_NONE)
        return value_none();
    if (watchings_find(rq->core->watchings, n, &seen))
        return JSON_MAP(a, JSON_BOOL("ready", seen.ready),
                        JSON_VALUE("reason", admin_text_or_none(seen.reason)),
                        JSON_VALUE("kubelet", admin_text_or_none(seen.kubelet)),
                        JSON_VALUE("since", since));
    if (!r->seen && !r->away.n)
        return value_none();
    return JSON_MAP(a, JSON_BOOL("ready", r->seen),
                    JSON_VALUE("reason", admin_text_or_none(r->away)),
                    JSON_VALUE("kubelet", value_none()), JSON_VALUE("since", since));
}

/* Only since it was served last: a window that is open makes it history. */
static struct value refused_value(const struct core *c, const struct node *n, struct arena *a)
{
    struct refused_fetches r;
    if (!refused_find(c->refused, n->uid, &r))
        return value_none();
    return JSON_MAP(
        a, JSON_INT("times", (int64_t)r.times), JSON_VALUE("first", json_time(r.first_wall_ms, a)),
        JSON_VALUE("last", json_time(r.last_wall_ms, a)), JSON_STR("reason", str_from(r.reason)));
}

static void put_life(struct node_members *m, const struct node *n, const struct record *r,
                     struct arena *a)
{
    put(m, STR("generation"), value_int(r->generation));
    put(m, STR("instance_id"),
        value_str(arena_printf(a, "%.*s-%u", STR_ARG(n->name), r->generation)));
    put(m, STR("state"), value_str(str_from(node_state_names[r->state])));
    put(m, STR("since"), r->since_wall_ms ? json_time(r->since_wall_ms, a) : value_none());
    put(m, STR("failure"), failure_value(r, a));
    put(m, STR("waits"),
        admin_text_or_none(r->state == STATE_JOINING && !r->handed ? r->waits : STR("")));
    put(m, STR("vm"), vm_value(r, a));
    put(m, STR("tombstones"), tombstones_value(r, a));
    put(m, STR("window"), window_value(r, a));
    put(m, STR("boot"), boot_value(r, a));
    put(m, STR("identity"), identity_value(r, a));
    put(m, STR("alarms"), value_int(r->alarms));
    put(m, STR("alarm"), admin_text_or_none(r->alarm));
    put(m, STR("alarm_detail"), admin_text_or_none(r->alarm_detail));
    put(m, STR("locked"), value_bool(r->locked));
}

struct value admin_node_value(struct exchange *x, const struct request_ctx *rq,
                              const struct node *n)
{
    struct node_members m = {.n = 0};
    struct record r;
    uint64_t revision;
    fleet_record(rq->core->fleet, n->uid, &x->arena, &r, &revision);
    put_definition(&m, n, &x->arena);
    put_urls(&m, x, n);
    put_life(&m, n, &r, &x->arena);
    put(&m, STR("mint"), mint_value(rq->core->fleet, n, &x->arena));
    put(&m, STR("kubernetes"), kubernetes_value(rq, n, &r, &x->arena));
    put(&m, STR("refused"), refused_value(rq->core, n, &x->arena));
    put(&m, STR("check"),
        value_str(str_from(check_verdict_names[snapshot_verdict(x->snapshot, n)])));
    return json_map(m.list, m.n, &x->arena);
}

enum exchange_verdict admin_show_node(struct exchange *x, struct request_ctx *rq)
{
    const struct node *n = admin_node(x, rq);
    if (n && admin_params(x, NULL, 0))
        answer_json(x, 200, admin_node_value(x, rq, n));
    return EXCHANGE_DONE;
}

/* --- Lists ----------------------------------------------------------------------------------- */

enum { LIMIT, AFTER, STATE, ROLE, CLUSTER, HOST, REGISTERED, PARAMS };

bool admin_state(struct exchange *x, struct str name)
{
    struct guess g;
    guess_init(&g, name);
    for (const char *const *known = node_state_names; *known; known++) {
        if (str_is(name, *known))
            return true;
        guess_offer(&g, str_from(*known));
    }
    answer_problem(x, 400,
                   arena_printf(&x->arena, "state: there is none such%s", guess_text(&g)).p);
    return false;
}

static bool is_true(struct exchange *x, const struct admin_param *p)
{
    if (!p->value.p || str_is(p->value, "true"))
        return true;
    answer_problem(x, 400, arena_printf(&x->arena, "%s: expected true", p->name).p);
    return false;
}

static bool is_wanted(const struct request_ctx *rq, const struct node *n,
                      const struct admin_param *p)
{
    struct str cluster = n->cluster ? n->cluster->name : STR("");
    enum node_state state = fleet_look(rq->core->fleet, n->uid).state;
    return (!p[ROLE].value.p || str_eq(p[ROLE].value, n->role->name)) &&
           (!p[CLUSTER].value.p || str_eq(p[CLUSTER].value, cluster)) &&
           (!p[STATE].value.p || str_is(p[STATE].value, node_state_names[state]));
}

/* The node of which that is the name, the fully qualified name, in any case, or an address: found
 * without a look at all others, as ssh asks for it at each connection. */
static const struct node *find_host(const struct exchange *x, struct str host, struct arena *a)
{
    struct address address;
    if (address_parse(host, &address))
        return snapshot_find_address(x->snapshot, address);
    struct str name = arena_str(a, host);
    for (size_t i = 0; i < name.n; i++) {
        char *c = (char *)(uintptr_t)&name.p[i];
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    const struct node *n = snapshot_find_name(x->snapshot, name);
    for (size_t i = 0; !n && i < name.n; i++) {
        n = name.p[i] == '.' ? snapshot_find_name(x->snapshot, str_head(name, i)) : NULL;
        if (n && !str_eq_nocase(values_fqdn(n, a), name))
            n = NULL;
    }
    return n;
}

/* Of all nodes, or without those of the seed tree. */
static const struct node *next_node(const struct exchange *x, const struct admin_param *p,
                                    struct str after)
{
    const struct tree *registered = snapshot_registered(x->snapshot);
    if (!p[REGISTERED].value.p)
        return snapshot_next(x->snapshot, after);
    return registered ? tree_next(registered, after) : NULL;
}

static void list_host(struct exchange *x, const struct request_ctx *rq,
                      const struct admin_param *params)
{
    const struct node *n = find_host(x, params[HOST].value, &x->arena);
    const struct value_pair rest[] = {JSON_VALUE("next", value_none())};
    answer_list_begin(x, "nodes");
    if (n && is_wanted(rq, n, params))
        answer_list_item(x, admin_node_value(x, rq, n));
    answer_list_end(x, rest, 1);
}

enum exchange_verdict admin_list_nodes(struct exchange *x, struct request_ctx *rq)
{
    struct admin_param params[PARAMS] = {
        [LIMIT] = {.name = "limit"},           [AFTER] = {.name = "after"},
        [STATE] = {.name = "state"},           [ROLE] = {.name = "role"},
        [CLUSTER] = {.name = "cluster"},       [HOST] = {.name = "host"},
        [REGISTERED] = {.name = "registered"},
    };
    uint64_t limit;
    size_t n = 0;
    if (!admin_params(x, params, PARAMS) ||
        !admin_number(x, &params[LIMIT], 1, PAGE_MAX, PAGE_DEFAULT, &limit) ||
        (params[STATE].value.p && !admin_state(x, params[STATE].value)) ||
        !is_true(x, &params[REGISTERED]))
        return EXCHANGE_DONE;
    if (params[HOST].value.p) {
        list_host(x, rq, params);
        return EXCHANGE_DONE;
    }
    answer_list_begin(x, "nodes");
    struct str after = params[AFTER].value, next = {NULL, 0}, last = {NULL, 0};
    const struct node *node;
    while (!next.p && (node = next_node(x, params, after))) {
        after = node->name;
        if (!is_wanted(rq, node, params))
            continue;
        if (n++ < limit && answer_list_item(x, admin_node_value(x, rq, node)))
            last = node->name;
        else
            next = last;
    }
    const struct value_pair rest[] = {JSON_VALUE("next", next.p ? value_str(next) : value_none())};
    answer_list_end(x, rest, 1);
    return EXCHANGE_DONE;
}

/* --- Documents ------------------------------------------------------------------------------- */

enum exchange_verdict admin_list_documents(struct exchange *x, struct request_ctx *rq)
{
    const struct node *n = admin_node(x, rq);
    if (!n || !admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    uint32_t count = document_count(n);
    struct value *items = ARENA_ARRAY(&x->arena, struct value, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = value_str(document_name(n, document_at(n, i), &x->arena));
    answer_json(x, 200, JSON_MAP(&x->arena, JSON_VALUE("documents", value_list(items, count))));
    return EXCHANGE_DONE;
}

static bool find_document(struct exchange *x, const struct request_ctx *rq, const struct node *n,
                          struct document *ret)
{
    for (uint32_t i = 0; i < document_count(n); i++) {
        *ret = document_at(n, i);
        if (str_eq(document_name(n, *ret, &x->arena), rq->path.document))
            return true;
    }
    answer_problem(x, 404, "the node has no such document");
    return false;
}

enum exchange_verdict admin_show_document(struct exchange *x, struct request_ctx *rq)
{
    const struct node *n = admin_node(x, rq);
    struct admin_param trace = {.name = "trace"};
    struct template_fault fault;
    struct document d;
    if (!n || !admin_params(x, &trace, 1) || !find_document(x, rq, n, &d))
        return EXCHANGE_DONE;
    if (trace.value.p && !str_is(trace.value, "1")) {
        answer_problem(x, 400, "trace: expected 1");
        return EXCHANGE_DONE;
    }
    if (trace.value.p)
        return admin_trace_document(x, rq, n, d);
    struct arena *a = &x->arena;
    const struct render_env env = {.seed_url =
                                       ARENA_JOIN(a, snapshot_url(x->snapshot), STR("/s/"),
                                                  snapshot_node_key(x->snapshot, n), STR("/")),
                                   .generation = fleet_look(rq->core->fleet, n->uid).generation};
    if (document_render(snapshot_tables(x->snapshot), n, d, &env, a, &x->body, NULL, &fault) < 0) {
        answer_problem(x, 422,
                       arena_printf(a, "%s:%u:%u: %s", fault.at.file ? fault.at.file : "?",
                                    fault.at.line, fault.at.column, fault.msg)
                           .p);
        return EXCHANGE_DONE;
    }
    x->out.body = buf_view(&x->body);
    answer_body(x, 200, "text/plain; charset=utf-8");
    return EXCHANGE_DONE;
}
