/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of a journal, and the audit. */
#include "core/admin_journal.h"

#include "core/answer.h"

#define PAGE_DEFAULT 100

enum { NODE, KIND, AFTER, BEFORE, ORDER, LIMIT, WHO, PARAMS };

static struct str text_of(const struct admin_param *p)
{
    return p->value.p ? p->value : STR("");
}

static bool read_query(struct exchange *x, const struct admin_journal *j, struct store_query *ret)
{
    struct admin_param p[PARAMS] = {
        [NODE] = {.name = "node"},     [KIND] = {.name = "kind"},   [AFTER] = {.name = "after"},
        [BEFORE] = {.name = "before"}, [ORDER] = {.name = "order"}, [LIMIT] = {.name = "limit"},
        [WHO] = {.name = "who"},
    };
    uint64_t limit;
    if (!admin_params(x, p, j->journal == STORE_AUDIT ? PARAMS : WHO) ||
        !admin_number(x, &p[LIMIT], 1, STORE_PAGE_MAX, PAGE_DEFAULT, &limit) ||
        !admin_number(x, &p[AFTER], 0, INT64_MAX, 0, &ret->after) ||
        !admin_number(x, &p[BEFORE], 0, INT64_MAX, 0, &ret->before))
        return false;
    ret->limit = limit;
    ret->kind = text_of(&p[KIND]);
    ret->who = text_of(&p[WHO]);
    if (p[KIND].value.p && !j->check_kind(x, ret->kind))
        return false;
    ret->node = text_of(&p[NODE]);
    ret->newest_first = p[ORDER].value.p && str_is(p[ORDER].value, "newest");
    const struct node *n = snapshot_find_name(x->snapshot, ret->node);
    if (n)
        ret->node = n->uid; /* otherwise it may be the uid of a node that was deleted */
    if (!p[ORDER].value.p || ret->newest_first || str_is(p[ORDER].value, "oldest"))
        return true;
    answer_problem(x, 400, "order: expected oldest or newest");
    return false;
}

static void answer_page(struct exchange *x, const struct admin_journal *j,
                        const struct store_page *page)
{
    struct arena *a = &x->arena;
    size_t n = 0;
    answer_list_begin(x, j->member);
    while (n < page->n && answer_list_item(x, j->item(&page->entries[n], a)))
        n++;
    struct value next = value_none(), oldest = value_none(), removed = value_none();
    if (n && (page->more || n < page->n))
        next = value_int((int64_t)page->entries[n - 1].id);
    if (page->oldest)
        oldest = value_int((int64_t)page->oldest);
    if (page->removed)
        removed = value_int((int64_t)page->removed);
    const struct value_pair rest[] = {JSON_VALUE("next", next), JSON_VALUE("oldest", oldest),
                                      JSON_VALUE("removed", removed)};
    answer_list_end(x, rest, 3);
}

static enum exchange_verdict on_page(struct exchange *x, void *state,
                                     const struct fleet_result *result)
{
    const struct admin_journal *const *j = state;
    if (result->page)
        answer_page(x, *j, result->page);
    else
        answer_problem(x, result->status, result->reason);
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_journal_list(struct exchange *x, struct request_ctx *rq,
                                         const struct admin_journal *j)
{
    struct fleet *f = rq->core->fleet;
    struct store_query q = {.journal = j->journal};
    if (!read_query(x, j, &q))
        return EXCHANGE_DONE;
    const struct admin_journal **state = ARENA_NEW(&x->arena, const struct admin_journal *);
    *state = j;
    return await_fleet(x, f, fleet_events(f, &q, x->waiter), on_page, state);
}

/* --- The audit ------------------------------------------------------------------------------- */

static struct value text_or_none(struct value kept, struct str key)
{
    struct value v = value_get(kept, key);
    return v.kind == VALUE_STR ? v : value_none();
}

/* The store keeps time, kind, who and the node's uid beside the text that the fleet has made. */
static struct value audit_json(const struct store_entry *e, struct arena *a)
{
    struct value kept;
    if (json_read(e->event.bytes, a, &kept, NULL) < 0)
        kept = value_map(NULL, 0);
    struct value status = value_get(kept, STR("status")), times = value_get(kept, STR("times"));
    return JSON_MAP(
        a, JSON_INT("id", (int64_t)e->id), JSON_VALUE("at", json_time(e->event.at_ms, a)),
        JSON_STR("kind", e->event.kind), JSON_VALUE("who", admin_text_or_none(e->event.who)),
        JSON_VALUE("node", text_or_none(kept, STR("node"))), JSON_STR("uid", e->event.node),
        JSON_VALUE("what", text_or_none(kept, STR("what"))),
        JSON_VALUE("status", status.kind == VALUE_INT ? status : value_none()),
        JSON_VALUE("from", text_or_none(kept, STR("from"))),
        JSON_VALUE("agent", text_or_none(kept, STR("agent"))),
        JSON_VALUE("reason", text_or_none(kept, STR("reason"))),
        JSON_VALUE("times", times.kind == VALUE_INT ? times : value_int(1)));
}

static bool check_class(struct exchange *x, struct str kind)
{
    if (store_journal_of(store_class_of(kind)) == STORE_AUDIT)
        return true;
    answer_problem(x, 400, "kind: expected admin, node or refused");
    return false;
}

enum exchange_verdict admin_list_audit(struct exchange *x, struct request_ctx *rq)
{
    static const struct admin_journal audit = {STORE_AUDIT, "entries", check_class, audit_json};
    return admin_journal_list(x, rq, &audit);
}
