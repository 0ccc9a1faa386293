/* SPDX-License-Identifier: Apache-2.0 */
/* The server itself: how it is, reload, backup; and a node's documents. */
#include "core/admin.h"
#include "core/definition.h"
#include "core/internal.h"
#include "core/problem.h"
#include "render/document.h"

#include <sys/stat.h>

#define LEFT_OUT_MAX 100 /* each is held against the world anew, on the loop */

/* --- How it is -----------------------------------------------------------------------------------
 */

static struct value store_value(const struct call *call, struct arena *a)
{
    struct store_stats stats;
    struct err why = {.code = 0};
    bool ok = fleet_healthy(call->core->fleet, &why);
    fleet_stats(call->core->fleet, &stats);
    return JSON_MAP(
        a, JSON_BOOL("ok", ok),
        JSON_VALUE("reason", ok ? value_none() : value_str(arena_str(a, str_from(why.msg)))),
        JSON_INT("file_bytes", (int64_t)stats.file_bytes),
        JSON_INT("free_bytes", (int64_t)stats.free_bytes),
        JSON_INT("queued", (int64_t)stats.queued));
}

/* Why the definition has no place in the world; undefined where it would have one: then the world
 * that has it is being made. */
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

void admin_show_server(struct exchange *x, struct call *call)
{
    struct arena *a = &x->arena;
    const struct core *c = call->core;
    uint32_t faulty = 0, nodes = 0, registered = 0;
    struct str after = {NULL, 0};
    const struct node *n;
    while ((n = snapshot_next(x->snapshot, after))) {
        after = n->name;
        nodes++;
        registered += !snapshot_is_declared(x->snapshot, n);
        faulty += snapshot_verdict(x->snapshot, n) == CHECK_FAULTY;
    }
    answer_json(x, 200,
                JSON_MAP(a, JSON_STR("version", STR(CLOUDSEED_VERSION)),
                         JSON_VALUE("started", json_time(c->started_wall_ms, a)),
                         JSON_INT("nodes", nodes), JSON_INT("registered", registered),
                         JSON_INT("faulty", faulty), JSON_STR("url", snapshot_url(x->snapshot)),
                         JSON_VALUE("seed_loaded", json_time(c->loaded_wall_ms, a)),
                         JSON_VALUE("left_out", left_out_values(x, c->fleet)),
                         JSON_VALUE("store", store_value(call, a))));
}

/* --- Reload --------------------------------------------------------------------------------------
 */

static bool has_no_body(struct exchange *x)
{
    static const char *const none[] = {NULL};
    struct value body;
    return admin_body(x, none, &body);
}

struct reload {
    struct core *core;
    uint64_t number;
};

static enum exchange_verdict on_reloaded(struct exchange *x, void *state)
{
    const struct reload *r = state;
    const struct core *c = r->core;
    if (c->reloads < r->number)
        return core_await(r->core, x, on_reloaded, state);
    if (!c->reload_ok)
        answer_faults(x, 409, "the seed tree has faults; the one before goes on",
                      &c->reload_faults);
    else
        answer_json(x, 200,
                    JSON_MAP(&x->arena, JSON_INT("nodes", snapshot_node_count(c->snapshot)),
                             JSON_INT("ms", (int64_t)c->reload_ms)));
    return EXCHANGE_DONE;
}

static void stop_waiting(struct exchange *x, void *state)
{
    const struct reload *r = state;
    core_leave(r->core, x);
}

enum exchange_verdict admin_reload(struct exchange *x, struct call *call)
{
    struct core *c = call->core;
    if (!has_no_body(x))
        return EXCHANGE_DONE;
    struct reload *r = ARENA_NEW(&x->arena, struct reload);
    *r = (struct reload){c, c->host.reload(c->host.cls)};
    exchange_at_end(x, stop_waiting, r);
    return on_reloaded(x, r);
}

/* --- Backup --------------------------------------------------------------------------------------
 */

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
    struct stat st = {.st_size = 0};
    if (result->answer != FLEET_DONE) {
        answer_problem(x, result->status, result->reason);
        return EXCHANGE_DONE;
    }
    stat(path->p, &st);
    answer_json(x, 200,
                JSON_MAP(&x->arena, JSON_STR("path", *path), JSON_INT("bytes", st.st_size)));
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_backup(struct exchange *x, struct call *call)
{
    struct fleet *f = call->core->fleet;
    struct str *path = ARENA_NEW(&x->arena, struct str);
    if (!read_path(x, path))
        return EXCHANGE_DONE;
    return await_fleet(x, f, fleet_backup(f, path->p, x->waiter), on_backup, path);
}

/* --- Documents -----------------------------------------------------------------------------------
 */

void admin_list_documents(struct exchange *x, struct call *call)
{
    const struct node *n = admin_node(x, call);
    if (!n)
        return;
    uint32_t count = document_count(n);
    struct value *items = ARENA_ARRAY(&x->arena, struct value, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = value_str(document_name(n, document_at(n, i), &x->arena));
    answer_json(x, 200, JSON_MAP(&x->arena, JSON_VALUE("documents", value_list(items, count))));
}

static bool find_document(struct exchange *x, const struct call *call, const struct node *n,
                          struct document *ret)
{
    for (uint32_t i = 0; i < document_count(n); i++) {
        *ret = document_at(n, i);
        if (str_eq(document_name(n, *ret, &x->arena), call->admin.document))
            return true;
    }
    answer_problem(x, 404, "the node has no such document");
    return false;
}

void admin_show_document(struct exchange *x, struct call *call)
{
    const struct node *n = admin_node(x, call);
    struct template_fault fault;
    struct document d;
    if (!n || !find_document(x, call, n, &d))
        return;
    struct arena *a = &x->arena;
    const struct render_env env = {.seed_url =
                                       ARENA_JOIN(a, snapshot_url(x->snapshot), STR("/s/"),
                                                  snapshot_node_key(x->snapshot, n), STR("/")),
                                   .generation = fleet_look(call->core->fleet, n->uid).generation};
    if (document_render(snapshot_tables(x->snapshot), n, d, &env, a, &x->body, NULL, &fault) < 0) {
        answer_problem(x, 422,
                       arena_printf(a, "%s:%u:%u: %s", fault.at.file ? fault.at.file : "?",
                                    fault.at.line, fault.at.column, fault.msg)
                           .p);
        return;
    }
    x->out.status = 200;
    x->out.type = "text/plain; charset=utf-8";
    x->out.cache = "no-store";
    x->out.body = buf_view(&x->body);
}
