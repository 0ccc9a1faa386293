/* SPDX-License-Identifier: Apache-2.0 */
#include "core/admin.h"

#include "base/guess.h"
#include "core/definition.h"
#include "core/internal.h"
#include "core/problem.h"
#include "wire/form.h"
#include "wire/negotiate.h"

static const char *method_name(enum exchange_method m)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "-"};
    return names[m];
}

static bool is_listed(const char *methods, enum exchange_method m)
{
    struct str rest = str_from(methods);
    while (rest.p) {
        if (str_is(str_trim(str_cut(&rest, ',')), method_name(m)))
            return true;
    }
    return false;
}

void admin_begin(struct exchange *x, struct call *call)
{
    call->admin = admin_route_parse(x->in.path, &x->arena);
    const char *methods = admin_methods(call->admin.kind);
    if (call->admin.kind == ADMIN_NONE) {
        answer_problem(x, 404, "no such path: docs/formats/api.md lists them");
    } else if (!is_listed(methods, x->in.method)) {
        answer_problem(x, 405, arena_printf(&x->arena, "here %s can be asked for", methods).p);
        x->out.allow = methods;
    } else if (x->in.method != METHOD_GET && x->in.method != METHOD_HEAD) {
        x->body_max_bytes = ADMIN_BODY_MAX_BYTES;
    }
}

static bool defines(const struct exchange *x, const struct call *call)
{
    bool writes = x->in.method != METHOD_GET && x->in.method != METHOD_HEAD;
    enum admin_kind kind = call->admin.kind;
    return kind == ADMIN_REKEY || (writes && (kind == ADMIN_NODES || kind == ADMIN_NODE));
}

enum exchange_verdict admin_step(struct exchange *x, struct call *call)
{
    if (defines(x, call))
        return admin_define(x, call);
    switch (call->admin.kind) {
    case ADMIN_NODES: admin_list_nodes(x, call); break;
    case ADMIN_NODE: admin_show_node(x, call); break;
    case ADMIN_DOCUMENTS: admin_list_documents(x, call); break;
    case ADMIN_DOCUMENT: admin_show_document(x, call); break;
    case ADMIN_DISCOVERED: admin_list_discovered(x, call); break;
    case ADMIN_SERVER: admin_show_server(x, call); break;
    case ADMIN_EVENTS: return admin_list_events(x, call);
    case ADMIN_RELOAD: return admin_reload(x, call);
    case ADMIN_BACKUP: return admin_backup(x, call);
    case ADMIN_NONE: break; /* answered already */
    default: return admin_act(x, call);
    }
    return EXCHANGE_DONE;
}

/* --- What the steps share ----------------------------------------------------------------------
 */

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
    for (; *members; members++) {
        if (str_is(name, *members))
            return true;
        guess_offer(g, str_from(*members));
    }
    return false;
}

/* PATCH may call it a merge patch, which it is. */
static bool is_json(struct str content_type)
{
    struct str type = str_trim(str_cut(&content_type, ';'));
    return !type.n || str_eq_nocase(type, STR("application/json")) ||
           str_eq_nocase(type, STR("application/merge-patch+json"));
}

bool admin_body(struct exchange *x, const char *const *members, struct value *ret)
{
    struct err e;
    struct guess g;
    *ret = value_map(NULL, 0);
    if (str_trim(x->in.body).n == 0)
        return true;
    if (!is_json(x->in.content_type)) {
        answer_problem(x, 415, "Content-Type: expected application/json");
        return false;
    }
    if (json_read(x->in.body, &x->arena, ret, &e) < 0) {
        answer_problem(x, 400, arena_printf(&x->arena, "the body is no JSON: %s", e.msg).p);
        return false;
    }
    if (ret->kind != VALUE_MAP) {
        answer_problem(x, 400, "the body is no JSON object");
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

const struct node *admin_node(struct exchange *x, const struct call *call)
{
    const struct node *n = snapshot_find_name(x->snapshot, call->admin.name);
    struct guess g;
    if (n) {
        x->out.node = n->name;
        return n;
    }
    guess_init(&g, call->admin.name);
    for (n = snapshot_next(x->snapshot, STR("")); n; n = snapshot_next(x->snapshot, n->name))
        guess_offer(&g, n->name);
    answer_problem(x, 404, arena_printf(&x->arena, "there is no such node%s", guess_text(&g)).p);
    return NULL;
}

/* What the check has found meanwhile is nobody's change. */
bool admin_matches(struct exchange *x, const struct call *call, const struct node *n)
{
    if (!x->in.if_match.p)
        return true;
    struct value node = admin_node_value(x, call, n);
    for (int i = CHECK_UNCHECKED; i <= CHECK_FAULTY; i++) {
        struct value seen = definition_with(node, STR("check"),
                                            value_str(str_from(check_verdict_names[i])), &x->arena);
        if (negotiate_etag_listed(x->in.if_match, answer_json_tag(x, seen)))
            return true;
    }
    answer_problem(x, 412, "somebody else has changed this node since: look at it again");
    return false;
}

struct str admin_cause(struct exchange *x)
{
    return arena_printf(&x->arena, "uid %u", x->in.principal.uid);
}
