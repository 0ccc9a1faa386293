/* SPDX-License-Identifier: Apache-2.0 */
/* The server itself: how it is, reload, backup, and the machines that it has seen. */
#include "core/internal.h"

#include "core/answer.h"

#define LEFT_OUT_MAX 100 /* each is checked against the tree again, on the loop */

/* --- How it is ------------------------------------------------------------------------------- */

static struct value store_value(const struct request_ctx *rq, struct arena *a)
{
    struct store_stats stats;
    struct err why = {.code = 0};
    bool ok = fleet_healthy(rq->core->fleet, &why);
    fleet_stats(rq->core->fleet, &stats);
    return JSON_MAP(
        a, JSON_BOOL("ok", ok),
        JSON_VALUE("reason", ok ? value_none() : value_str(arena_str(a, str_from(why.msg)))),
        JSON_INT("file_bytes", (int64_t)stats.file_bytes),
        JSON_INT("free_bytes", (int64_t)stats.free_bytes),
        JSON_INT("queued", (int64_t)stats.queued));
}

static struct value load_value(const struct core *c, struct arena *a)
{
    struct core_load load = {0};
    if (c->host.load)
        c->host.load(c->host.cls, &load);
    return JSON_MAP(a, JSON_INT("connections", load.connections),
                    JSON_INT("requests", load.requests), JSON_INT("exchanges", c->exchanges),
                    JSON_INT("transfers", load.transfers));
}

/* Lost: since the start, for want of room in memory or on the disk. */
static struct value audit_value(const struct core *c, struct arena *a)
{
    return JSON_MAP(a, JSON_INT("lost", (int64_t)fleet_audit_lost(c->fleet)));
}

static struct value loss_value(const struct fleet_loss *l, struct arena *a)
{
    return JSON_MAP(a, JSON_INT("found", (int64_t)l->found), JSON_INT("noted", (int64_t)l->noted),
                    JSON_VALUE("time", json_time(l->at_ms, a)));
}

/* Null where boots are not sent as traces. */
static struct value traces_or_none(const struct core *c, struct arena *a)
{
    struct tracing_stats s;
    if (!c->tracing)
        return value_none();
    tracing_stats(c->tracing, &s);
    struct value trouble = value_none();
    if (s.trouble)
        trouble = value_str(arena_str(a, str_from(s.trouble)));
    return JSON_MAP(a, JSON_INT("sent", (int64_t)s.sent), JSON_INT("lost", (int64_t)s.lost),
                    JSON_INT("waiting", s.waiting), JSON_VALUE("trouble", trouble));
}

/* Null if there was none, or it was acknowledged. */
static struct value loss_or_none(const struct core *c, struct arena *a)
{
    struct fleet_loss loss;
    return fleet_lost(c->fleet, &loss) ? loss_value(&loss, a) : value_none();
}

/* Why the definition cannot be activated; undefined if it can: then a snapshot that has it is being
 * made. */
static struct value left_out_value(struct exchange *x, const struct fleet_definition *d)
{
    struct arena *a = &x->arena;
    struct value v = {.kind = VALUE_UNDEFINED};
    struct faults faults;
    faults_init(&faults);
    int r = tree_try(snapshot_tree(x->snapshot), snapshot_registered(x->snapshot),
                     (struct tree_definition){d->uid, d->json, d->revision}, &faults);
    if (r < 0) {
        struct value name = value_get(definition_read(d->json, a), STR("name"));
        const char *why = faults.kept ? faults.list[0].msg : "";
        v = JSON_MAP(a, JSON_VALUE("name", name.kind == VALUE_STR ? name : value_none()),
                     JSON_STR("reason", arena_str(a, str_from(why))));
    }
    faults_done(&faults);
    return v;
}

static struct value left_out_values(struct exchange *x, const struct fleet *f)
{
    struct value *items = ARENA_ARRAY(&x->arena, struct value, LEFT_OUT_MAX);
    struct fleet_definition d;
    uint32_t n = 0;
    for (uint32_t at = 0; n < LEFT_OUT_MAX && fleet_definition_at(f, &at, &d);) {
        if (!snapshot_find_uid(x->snapshot, d.uid))
            items[n] = left_out_value(x, &d);
        n += items[n].kind != VALUE_UNDEFINED;
    }
    return value_list(items, n);
}

enum exchange_verdict admin_show_server(struct exchange *x, struct request_ctx *rq)
{
    struct arena *a = &x->arena;
    const struct core *c = rq->core;
    uint32_t faulty = 0, nodes = 0, registered = 0;
    struct str after = {NULL, 0};
    const struct node *n;
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    while ((n = snapshot_next(x->snapshot, after))) {
        after = n->name;
        nodes++;
        registered += !snapshot_is_declared(x->snapshot, n);
        faulty += snapshot_verdict(x->snapshot, n) == CHECK_FAULTY;
    }
    answer_json(
        x, 200,
        JSON_MAP(a, JSON_STR("version", STR(CLOUDSEED_VERSION)),
                 JSON_VALUE("started", json_time(c->started_wall_ms, a)), JSON_INT("nodes", nodes),
                 JSON_INT("registered", registered), JSON_INT("faulty", faulty),
                 JSON_STR("url", snapshot_url(x->snapshot)),
                 JSON_VALUE("seed_loaded", json_time(c->loaded_wall_ms, a)),
                 JSON_VALUE("left_out", left_out_values(x, c->fleet)),
                 JSON_VALUE("load", load_value(c, a)), JSON_VALUE("store", store_value(rq, a)),
                 JSON_VALUE("audit", audit_value(c, a)), JSON_VALUE("loss", loss_or_none(c, a)),
                 JSON_BOOL("recovery", fleet_own_has(c->fleet, OWN_SERVER, OWN_RECOVERY)),
                 JSON_VALUE("traces", traces_or_none(c, a))));
    return EXCHANGE_DONE;
}

/* --- Reload ---------------------------------------------------------------------------------- */

struct reload_wait {
    struct core *core;
    uint64_t number;
};

static enum exchange_verdict on_reloaded(struct exchange *x, void *state)
{
    const struct reload_wait *r = state;
    const struct core *c = r->core;
    if (c->reloads < r->number)
        return core_await(r->core, x, on_reloaded, state);
    if (!c->reload_ok)
        answer_faults(x, 409, "the seed tree has faults; the previous one stays in use",
                      &c->reload_faults);
    else
        answer_json(x, 200,
                    JSON_MAP(&x->arena, JSON_INT("nodes", snapshot_node_count(c->snapshot)),
                             JSON_INT("ms", (int64_t)c->reload_ms)));
    return EXCHANGE_DONE;
}

static void stop_waiting(struct exchange *x, void *state)
{
    const struct reload_wait *r = state;
    core_leave(r->core, x);
}

enum exchange_verdict admin_reload(struct exchange *x, struct request_ctx *rq)
{
    struct core *c = rq->core;
    struct value body;
    if (!admin_body(x, NULL, &body))
        return EXCHANGE_DONE;
    struct reload_wait *r = ARENA_NEW(&x->arena, struct reload_wait);
    *r = (struct reload_wait){c, c->host.reload(c->host.cls)};
    exchange_at_end(x, stop_waiting, r);
    return on_reloaded(x, r);
}

/* --- Backup ---------------------------------------------------------------------------------- */

static bool read_path(struct exchange *x, struct str *ret)
{
    static const char *const members[] = {"path", NULL};
    struct value body;
    if (!admin_body(x, members, &body))
        return false;
    struct value path = value_get(body, STR("path"));
    if (path.kind != VALUE_STR || !str_starts(value_text(path), STR("/")) ||
        memchr(path.s, '\0', path.n)) {
        answer_problem(x, 400, "path: expected an absolute path, which the server may write");
        return false;
    }
    *ret = arena_str(&x->arena, value_text(path));
    return true;
}

static enum exchange_verdict on_backup(struct exchange *x, void *state,
                                       const struct fleet_result *result)
{
    const struct str *path = state;
    if (result->answer != FLEET_DONE) {
        answer_problem(x, result->status, result->reason);
        return EXCHANGE_DONE;
    }
    answer_json(
        x, 200,
        JSON_MAP(&x->arena, JSON_STR("path", *path), JSON_INT("bytes", (int64_t)result->bytes)));
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_backup(struct exchange *x, struct request_ctx *rq)
{
    struct fleet *f = rq->core->fleet;
    struct str *path = ARENA_NEW(&x->arena, struct str);
    if (!read_path(x, path))
        return EXCHANGE_DONE;
    return await_fleet(x, f, fleet_backup(f, path->p, x->waiter), on_backup, path);
}

/* --- A loss ---------------------------------------------------------------------------------- */

static enum exchange_verdict on_acknowledged(struct exchange *x, void *state,
                                             const struct fleet_result *result)
{
    if (result->answer != FLEET_DONE)
        answer_problem(x, result->status, result->reason);
    else
        answer_json(x, 200, loss_value(state, &x->arena));
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_acknowledge(struct exchange *x, struct request_ctx *rq)
{
    struct fleet *f = rq->core->fleet;
    struct fleet_loss *loss = ARENA_NEW(&x->arena, struct fleet_loss);
    struct value body;
    if (!admin_body(x, NULL, &body))
        return EXCHANGE_DONE;
    const struct change by = {.cause = admin_cause(x), .peer = admin_peer(x)};
    if (!fleet_lost(f, loss)) {
        answer_problem(x, 409, "nothing was lost that an admin must acknowledge");
        return EXCHANGE_DONE;
    }
    return await_fleet(x, f, fleet_acknowledge(f, &by, x->waiter), on_acknowledged, loss);
}

/* --- Machines that belong to no node --------------------------------------------------------- */

static struct value uuid_or_none(const struct machine *said, struct arena *a)
{
    char text[UUID_TEXT_SIZE];
    return said->has_uuid ? value_str(arena_str(a, str_from(uuid_text(said->uuid, text))))
                          : value_none();
}

static struct value machine_value(const struct discovered_machine *d, struct arena *a)
{
    char mac[MAC_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
    const struct machine *said = &d->said;
    return JSON_MAP(
        a, JSON_STR("mac", arena_str(a, str_from(mac_text(said->mac, mac)))),
        JSON_VALUE("uuid", uuid_or_none(said, a)),
        JSON_VALUE("manufacturer", admin_text_or_none(said->manufacturer)),
        JSON_VALUE("product", admin_text_or_none(said->product)),
        JSON_VALUE("platform", admin_text_or_none(said->platform)),
        JSON_VALUE("arch", admin_text_or_none(said->arch)),
        JSON_VALUE("address",
                   admin_text_or_none(arena_str(a, str_from(address_text(d->peer, address))))),
        JSON_VALUE("first", json_time(d->first_wall_ms, a)),
        JSON_VALUE("last", json_time(d->last_wall_ms, a)), JSON_INT("times", (int64_t)d->times));
}

/* All in one answer: a test checks that a full table of the longest texts fits. */
enum exchange_verdict admin_list_discovered(struct exchange *x, struct request_ctx *rq)
{
    struct value *items = ARENA_ARRAY(&x->arena, struct value, DISCOVERED_MAX);
    const struct discovered_machine *d;
    size_t n = 0;
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    for (uint32_t i = 0; (d = discovered_at(rq->core->discovered, i)); i++) {
        if (!snapshot_find_mac(x->snapshot, d->said.mac))
            items[n++] = machine_value(d, &x->arena);
    }
    answer_json(x, 200, JSON_MAP(&x->arena, JSON_VALUE("machines", value_list(items, n))));
    return EXCHANGE_DONE;
}
