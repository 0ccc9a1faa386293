/* SPDX-License-Identifier: Apache-2.0 */
/* The journal, as pages and as a stream. */
#include "core/admin.h"
#include "core/internal.h"
#include "core/problem.h"

#include <inttypes.h>

#define PAGE_DEFAULT 100
#define STREAM_STEP_MAX_BYTES (64 * 1024) /* of one step, so that others have their turn */

/* The journal keeps the node's uid beside what event.h made: all of it together, for people. */
static struct value event_json(const struct store_entry *e, struct arena *a)
{
    struct value kept;
    if (json_read(e->event.bytes, a, &kept, NULL) < 0)
        kept = value_map(NULL, 0);
    struct value name = value_get(kept, STR("node")), cause = value_get(kept, STR("cause")),
                 peer = value_get(kept, STR("peer")), data = value_get(kept, STR("data"));
    struct value none = value_none();
    return JSON_MAP(a, JSON_INT("id", (int64_t)e->id),
                    JSON_VALUE("at", json_time(e->event.at_ms, a)),
                    JSON_VALUE("node", name.kind == VALUE_STR ? name : none),
                    JSON_STR("uid", e->event.node), JSON_STR("kind", e->event.kind),
                    JSON_VALUE("cause", cause.kind == VALUE_STR ? cause : none),
                    JSON_VALUE("peer", peer.kind == VALUE_STR ? peer : none),
                    JSON_VALUE("data", data.kind == VALUE_MAP ? data : value_map(NULL, 0)));
}

/* --- Pages --------------------------------------------------------------------------------------
 */

enum { NODE, KIND, AFTER, BEFORE, ORDER, LIMIT, PARAMS };

static bool read_query(struct exchange *x, struct store_query *ret)
{
    struct admin_param p[PARAMS] = {
        [NODE] = {.name = "node"},     [KIND] = {.name = "kind"},   [AFTER] = {.name = "after"},
        [BEFORE] = {.name = "before"}, [ORDER] = {.name = "order"}, [LIMIT] = {.name = "limit"},
    };
    uint64_t limit;
    if (!admin_params(x, p, PARAMS) ||
        !admin_number(x, &p[LIMIT], 1, STORE_PAGE_MAX, PAGE_DEFAULT, &limit) ||
        !admin_number(x, &p[AFTER], 0, INT64_MAX, 0, &ret->after) ||
        !admin_number(x, &p[BEFORE], 0, INT64_MAX, 0, &ret->before))
        return false;
    ret->limit = limit;
    ret->kind = p[KIND].value.p ? p[KIND].value : STR("");
    ret->node = p[NODE].value.p ? p[NODE].value : STR("");
    ret->newest_first = p[ORDER].value.p && str_is(p[ORDER].value, "newest");
    const struct node *n = snapshot_find_name(x->snapshot, ret->node);
    if (n)
        ret->node = n->uid; /* else it may be the uid of a node that is gone */
    if (!p[ORDER].value.p || ret->newest_first || str_is(p[ORDER].value, "oldest"))
        return true;
    answer_problem(x, 400, "order: expected oldest or newest");
    return false;
}

static void answer_page(struct exchange *x, const struct store_page *page)
{
    struct arena *a = &x->arena;
    struct value *items = ARENA_ARRAY(a, struct value, page->n);
    size_t n = 0;
    for (; n < page->n; n++) {
        items[n] = event_json(&page->entries[n], a);
        if (!answer_has_room(x, items[n]) && n)
            break;
    }
    struct value next = value_none(), oldest = value_none();
    if (n && (page->more || n < page->n))
        next = value_int((int64_t)page->entries[n - 1].id);
    if (page->oldest)
        oldest = value_int((int64_t)page->oldest);
    answer_json(x, 200,
                JSON_MAP(a, JSON_VALUE("events", value_list(items, n)), JSON_VALUE("next", next),
                         JSON_VALUE("oldest", oldest)));
}

static enum exchange_verdict page_step(struct exchange *x, struct call *call)
{
    struct store_query q = {.after = 0};
    struct fleet_result result;
    if (!call->ticket.generation) {
        if (!read_query(x, &q))
            return EXCHANGE_DONE;
        call->ticket = fleet_events(call->core->fleet, &q, x->waiter.ref);
    }
    if (!call_take(x, call, &result))
        return EXCHANGE_WAIT;
    if (result.page)
        answer_page(x, result.page);
    else
        answer_problem(x, result.status, result.reason);
    return EXCHANGE_DONE;
}

/* --- The stream ---------------------------------------------------------------------------------
 */

static bool wants_stream(const struct exchange *x)
{
    static const char type[] = "text/event-stream";
    return x->in.accept.p && memmem(x->in.accept.p, x->in.accept.n, type, sizeof(type) - 1);
}

/* Where it goes on: behind what the peer has seen, or, `newest`, with what comes from now on. */
static bool begin_stream(struct exchange *x, struct call *call, uint64_t newest)
{
    struct admin_param p = {.name = "after", .value = {NULL, 0}};
    if (!admin_params(x, &p, 1))
        return false;
    if (x->in.last_event_id.p)
        p.value = x->in.last_event_id;
    if (!admin_number(x, &p, 0, INT64_MAX, newest, &call->after))
        return false;
    x->out.status = 200;
    x->out.type = "text/event-stream";
    x->out.cache = "no-store";
    x->out.stream = true;
    call->is_streaming = true;
    return true;
}

static void write_event(struct exchange *x, const struct store_entry *e, struct arena *a)
{
    buf_printf(&x->body, "id: %" PRIu64 "\nevent: %.*s\ndata: ", e->id, STR_ARG(e->event.kind));
    json_write(&x->body, event_json(e, a), false); /* one line: JSON escapes line ends */
    buf_str(&x->body, STR("\n\n"));
}

static void write_lost(struct exchange *x, struct call *call)
{
    uint64_t oldest = fleet_oldest_event(call->core->fleet);
    buf_printf(&x->body, "event: lost\ndata: {\"from\": %" PRIu64 ", \"to\": %" PRIu64 "}\n\n",
               call->after + 1, oldest - 1);
    call->after = oldest - 1;
}

/* A step without news writes a comment: the peer sees that we live, and we that it does. */
static enum exchange_verdict stream_step(struct exchange *x, struct call *call)
{
    const struct store_entry *e;
    struct arena a;
    bool lost;
    size_t before = x->body.n;
    if (call->core->draining)
        return EXCHANGE_DONE;
    arena_init(&a, 8192);
    while (x->body.n - before < STREAM_STEP_MAX_BYTES) {
        e = fleet_next_event(call->core->fleet, call->after, &lost);
        if (lost) {
            write_lost(x, call);
            continue;
        }
        if (!e)
            break;
        write_event(x, e, &a);
        arena_reset(&a);
        call->after = e->id;
    }
    arena_done(&a);
    if (x->body.n == before)
        buf_str(&x->body, STR(":\n\n"));
    fleet_watch(call->core->fleet, x->waiter.ref);
    return EXCHANGE_WAIT;
}

enum exchange_verdict admin_list_events(struct exchange *x, struct call *call)
{
    if (!wants_stream(x))
        return page_step(x, call);
    if (call->is_streaming)
        return stream_step(x, call);
    uint64_t newest;
    if (!fleet_newest_event(call->core->fleet, &newest)) {
        fleet_watch(call->core->fleet, x->waiter.ref);
        return EXCHANGE_WAIT;
    }
    return begin_stream(x, call, newest) ? stream_step(x, call) : EXCHANGE_DONE;
}
