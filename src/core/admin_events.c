/* SPDX-License-Identifier: Apache-2.0 */
/* The events, as pages and as a stream. */
#include "core/admin_journal.h"

#include "base/guess.h"
#include "core/answer.h"
#include "model/event.h"

#include <inttypes.h>

#define STREAM_STEP_MAX_BYTES                                           \
    (64 * 1024) /* of one step, so that other exchanges have their turn \
                 */

/* The journal keeps time, kind and the node's uid beside the text of event_value: here all of it is
 * one object. */
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

static bool check_kind(struct exchange *x, struct str kind)
{
    struct guess g;
    struct buf said;
    if (event_kind_find(kind))
        return true;
    guess_init(&g, kind);
    const struct event_kind *k;
    for (size_t i = 0; (k = event_kind_at(i)); i++)
        guess_offer(&g, str_from(k->name));
    buf_init(&said, 256);
    buf_str(&said, STR("kind: there are no events '"));
    buf_escaped(&said, kind, 64);
    buf_printf(&said, "'%s",
               g.best.n ? guess_text(&g)
                        : "; there are armed, booting, up, ready, failed, alarm, and "
                          "those that docs/reference/events.md lists");
    answer_problem(x, 400, arena_str(&x->arena, buf_view(&said)).p);
    buf_done(&said);
    return false;
}

/* --- The stream ------------------------------------------------------------------------------ */

struct stream {
    const struct core *core;
    uint64_t after; /* the last event that was sent */
};

static void write_event(struct exchange *x, const struct store_entry *e, struct arena *a)
{
    buf_printf(&x->body, "id: %" PRIu64 "\nevent: %.*s\ndata: ", e->id, STR_ARG(e->event.kind));
    json_write(&x->body, event_json(e, a), false); /* one line: JSON escapes line ends */
    buf_str(&x->body, STR("\n\n"));
}

static void write_lost(struct exchange *x, uint64_t from, uint64_t to)
{
    buf_printf(&x->body, "event: lost\ndata: {\"from\": %" PRIu64 ", \"to\": %" PRIu64 "}\n\n",
               from, to);
}

static void write_events(struct exchange *x, struct stream *s)
{
    const struct store_entry *e;
    struct arena a;
    size_t before = x->body.n;
    arena_init(&a, 8192);
    while (x->body.n - before < STREAM_STEP_MAX_BYTES) {
        e = fleet_next_event(s->core->fleet, s->after);
        if (!e)
            break;
        if (e->id > s->after + 1)
            write_lost(x, s->after + 1, e->id - 1);
        write_event(x, e, &a);
        arena_reset(&a);
        s->after = e->id;
    }
    x->out.more = fleet_next_event(s->core->fleet, s->after);
    arena_done(&a);
}

/* A step without events writes a comment: a heartbeat for the peer, and a write that fails if the
 * peer is gone. */
static enum exchange_verdict go_on(struct exchange *x, void *state)
{
    struct stream *s = state;
    size_t before = x->body.n;
    if (s->core->draining)
        return EXCHANGE_DONE;
    write_events(x, s);
    if (x->body.n == before)
        buf_str(&x->body, STR(":\n\n"));
    fleet_watch(s->core->fleet, x->waiter);
    return exchange_hold(x, go_on, s);
}

static void stop_watching(struct exchange *x, void *state)
{
    const struct stream *s = state;
    fleet_unwatch(s->core->fleet, x->waiter);
}

/* Begins after the last event that the peer has seen, or with the next new one. */
static enum exchange_verdict begin_stream(struct exchange *x, void *state)
{
    struct stream *s = state;
    struct admin_param p = {.name = "after", .value = {NULL, 0}};
    uint64_t newest;
    if (!fleet_newest_event(s->core->fleet, &newest)) {
        fleet_watch(s->core->fleet, x->waiter);
        return exchange_hold(x, begin_stream, s);
    }
    if (!admin_params(x, &p, 1))
        return EXCHANGE_DONE;
    if (x->in.last_event_id.p)
        p.value = x->in.last_event_id;
    if (!admin_number(x, &p, 0, INT64_MAX, newest, &s->after))
        return EXCHANGE_DONE;
    x->out.status = 200;
    x->out.type = "text/event-stream";
    x->out.cache = "no-store";
    x->out.stream = true;
    return go_on(x, s);
}

static bool wants_stream(const struct exchange *x)
{
    static const char type[] = "text/event-stream";
    return x->in.accept.p && memmem(x->in.accept.p, x->in.accept.n, type, sizeof(type) - 1);
}

enum exchange_verdict admin_list_events(struct exchange *x, struct request_ctx *rq)
{
    static const struct admin_journal events = {STORE_EVENTS, "events", check_kind, event_json};
    if (!wants_stream(x))
        return admin_journal_list(x, rq, &events);
    struct stream *s = ARENA_NEW(&x->arena, struct stream);
    s->core = rq->core;
    exchange_at_end(x, stop_watching, s);
    return begin_stream(x, s);
}
