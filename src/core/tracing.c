/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tracing.h"

#include "base/json.h"
#include "base/mem.h"
#include "core/boottrace.h"
#include "core/internal.h"

#include <errno.h>
#include <stdlib.h>

#define WAITING_MAX 1024 /* boots; a rack that ends within a minute is fewer */
/* Pauses between two attempts, in heartbeats of 15 s, doubled each time: a quarter of an hour in
 * all. */
#define ATTEMPTS_MAX 6
#define CONNECT_MS 5000
#define WHOLE_MS 15000
#define ANSWER_MAX_BYTES 65536
#define TRACE_MAX_BYTES ((size_t)4 << 20) /* what collectors take by default */

/* A boot that has ended and was not sent yet. */
struct ended {
    STAILQ_ENTRY(ended) entry;
    uint64_t event; /* that ended it */
    char *uid;
};

struct tracing {
    struct core *core;
    struct waiter waiter;
    bool follows; /* `after` is known */
    uint64_t after;
    STAILQ_HEAD(, ended) waiting;
    uint32_t waiting_n;
    /* Of the first one: */
    struct slot_ref page;
    bool reads;
    struct fetch *fetch; /* NULL: it is not being sent */
    struct buf body;     /* empty: it was not read yet */
    uint32_t attempts;
    uint64_t due_beat;
    uint64_t sent, lost;
    struct err trouble; /* code 0: none */
};

/* --- The queue ------------------------------------------------------------------------------- */

static void enqueue(struct tracing *t, const struct store_entry *e)
{
    if (t->waiting_n == WAITING_MAX) {
        t->lost++;
        return;
    }
    struct ended *b = MEM_NEW(struct ended);
    b->event = e->id;
    b->uid = mem_copy(e->event.node.p, e->event.node.n);
    STAILQ_INSERT_TAIL(&t->waiting, b, entry);
    t->waiting_n++;
}

/* The first one is done with, in one way or the other. */
static void dequeue(struct tracing *t)
{
    struct ended *b = STAILQ_FIRST(&t->waiting);
    STAILQ_REMOVE_HEAD(&t->waiting, entry);
    t->waiting_n--;
    free(b->uid);
    free(b);
    buf_done(&t->body);
    t->attempts = 0;
    t->due_beat = 0;
}

static void give_up(struct tracing *t)
{
    t->lost++;
    dequeue(t);
}

/* --- Sending --------------------------------------------------------------------------------- */

static void try_later(struct tracing *t)
{
    if (++t->attempts == ATTEMPTS_MAX) {
        give_up(t);
        return;
    }
    t->due_beat = fleet_beats(t->core->fleet) + ((uint64_t)1 << t->attempts);
}

/* Those after which OTLP wants the request again (opentelemetry-proto, "Retryable Response Codes").
 */
static bool is_passing(const struct fetch *f)
{
    return f->fault != FETCH_OK || f->status == 429 || f->status == 502 || f->status == 503 ||
           f->status == 504;
}

/* A collector may take a part of the spans, and says so in an answer that is a success. */
static void note_rejected(struct tracing *t, const struct fetch *f)
{
    struct arena a;
    struct value answer;
    arena_init(&a, 4096);
    t->trouble.code = 0;
    if (json_read(f->body, &a, &answer, NULL) == 0) {
        struct str why =
            value_get_text(value_get(answer, STR("partialSuccess")), STR("errorMessage"));
        if (why.n)
            err_set(&t->trouble, -EPROTO, "spans were rejected: %.*s", STR_ARG(why));
    }
    arena_done(&a);
}

static void take_answer(struct tracing *t)
{
    const struct fetch *f = t->fetch;
    bool is_good = f->fault == FETCH_OK && f->status / 100 == 2, again = is_passing(f);
    if (is_good)
        note_rejected(t, f);
    else if (f->fault != FETCH_OK)
        t->trouble = f->err;
    else
        err_set(&t->trouble, -EPROTO, "the collector answers with status %d", f->status);
    fetch_end(t->fetch);
    t->fetch = NULL;
    if (is_good) {
        t->sent++;
        dequeue(t);
    } else if (again) {
        try_later(t);
    } else {
        give_up(t);
    }
}

static void send(struct tracing *t)
{
    static const struct fetch_field headers[] = {
        {{"Content-Type", 12}, {"application/json", 16}},
    };
    const struct core_host *host = &t->core->host;
    const struct fetch_request q = {
        .method = "POST",
        .url = host->traces.url,
        .headers = headers,
        .n_headers = 1,
        .body = buf_view(&t->body),
        .ca = host->traces.ca,
        .connect_ms = CONNECT_MS,
        .answer_ms = WHOLE_MS,
        .whole_ms = WHOLE_MS,
        .body_max_bytes = ANSWER_MAX_BYTES,
        .repeatable = true, /* ids are the same */
        .waiter = t->waiter,
    };
    if (fetch_start(host->fetch, &q, &t->fetch, &t->trouble) < 0)
        try_later(t);
}

/* --- Reading --------------------------------------------------------------------------------- */

static void write_body(struct tracing *t, const struct ended *b, const struct store_page *page,
                       struct arena *a)
{
    const struct node *n = snapshot_find_uid(t->core->snapshot, str_from(b->uid));
    struct boottrace trace = {.uid = str_from(b->uid), .events = page->entries, .n = page->n};
    struct value last;
    if (page->n && json_read(page->entries[0].event.bytes, a, &last, NULL) == 0)
        trace.node = value_get_text(last, STR("node"));
    if (n) {
        trace.role = n->role->name;
        trace.cluster = n->cluster ? n->cluster->name : STR("");
    }
    /* Its events may have been removed meanwhile. */
    if (!boottrace_write(&trace, a, &t->body) || t->body.full)
        buf_done(&t->body);
}

static void read_events(struct tracing *t)
{
    struct ended *b = STAILQ_FIRST(&t->waiting);
    const struct store_query q = {
        .node = str_from(b->uid),
        .kind = STR(""),
        .before = b->event + 1,
        .newest_first = true,
        .limit = STORE_PAGE_MAX,
    };
    t->reads = true;
    t->page = fleet_events(t->core->fleet, &q, t->waiter);
}

/* False: it is not there yet. */
static bool take_page(struct tracing *t)
{
    struct fleet_result result;
    struct arena a;
    arena_init(&a, 65536);
    fleet_take(t->core->fleet, t->page, &a, &result);
    bool is_there = result.answer != FLEET_PENDING;
    t->reads = !is_there;
    if (is_there && result.page) {
        write_body(t, STAILQ_FIRST(&t->waiting), result.page, &a);
        if (!t->body.n)
            give_up(t);
    } else if (is_there) {
        try_later(t);
    }
    arena_done(&a);
    return is_there;
}

/* --- What is next ---------------------------------------------------------------------------- */

static void follow(struct tracing *t)
{
    struct fleet *f = t->core->fleet;
    const struct store_entry *e;
    if (!t->follows)
        t->follows = fleet_newest_event(f, &t->after);
    while (t->follows && (e = fleet_next_event(f, t->after))) {
        t->after = e->id;
        if (e->event.node.n && boottrace_ends(e->event.kind))
            enqueue(t, e);
    }
}

/* One boot at a time: a collector that is slow has its pace. */
static void go_on(struct tracing *t)
{
    if (t->fetch && t->fetch->done)
        take_answer(t);
    if (t->reads && !take_page(t))
        return;
    while (t->waiting_n && !t->fetch && !t->reads && fleet_beats(t->core->fleet) >= t->due_beat) {
        if (t->body.n) {
            send(t);
            return;
        }
        read_events(t);
        if (!take_page(t))
            return;
    }
}

/* There are new events, the journal or the collector has answered, or a heartbeat has passed. */
static void on_wake(void *cls, struct slot_ref ref)
{
    struct tracing *t = cls;
    (void)ref;
    fleet_unwatch(t->core->fleet, t->waiter);
    fleet_watch(t->core->fleet, t->waiter);
    follow(t);
    go_on(t);
}

struct tracing *tracing_new(struct core *c)
{
    if (!c->host.traces.url.n)
        return NULL;
    struct tracing *t = MEM_NEW(struct tracing);
    t->core = c;
    t->waiter = (struct waiter){{on_wake, t}, {0, 0}};
    STAILQ_INIT(&t->waiting);
    buf_init(&t->body, TRACE_MAX_BYTES);
    on_wake(t, (struct slot_ref){0, 0});
    return t;
}

void tracing_free(struct tracing *t)
{
    if (!t)
        return;
    fleet_unwatch(t->core->fleet, t->waiter);
    fleet_forget(t->core->fleet, t->page);
    fetch_end(t->fetch);
    while (t->waiting_n)
        dequeue(t);
    buf_done(&t->body);
    free(t);
}

void tracing_stats(const struct tracing *t, struct tracing_stats *ret)
{
    *ret = (struct tracing_stats){0};
    if (t)
        *ret = (struct tracing_stats){t->sent, t->lost, t->waiting_n,
                                      t->trouble.code ? t->trouble.msg : NULL};
}
