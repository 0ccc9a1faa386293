/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/reflector.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "kube/apiresponse.h"
#include "kube/apiwatch.h"
#include "kube/retry.h"

#include <errno.h>
#include <stdlib.h>

#define NEVER UINT64_MAX
#define CONNECT_MS 5000
#define ANSWER_MS 20000
#define LIST_MS 60000
/* So long a stream lasts, more or less, so that those of many servers do not end together. */
#define WATCH_MIN_S 240
#define WATCH_SPREAD_S 120
/* An API server sends a bookmark each minute. Where even that does not come, the connection may be
 * dead: another stream costs next to nothing. */
#define SILENCE_MS 90000
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS 15000
#define REFUSAL_MAX ((size_t)16 << 10)
#define PAGES_MAX 2000
#define WORTH_MS 10000 /* a stream that lasted for so long was no failure */

enum stage { LISTS, WATCHES };

struct reflector {
    struct reflector_target target;
    struct reflector_owner owner;
    enum stage stage;
    struct fetch *fetch; /* NULL: it waits for `due_ms` */
    uint64_t due_ms;
    uint32_t attempts; /* without an answer that is of use */
    uint64_t asked_ms;
    struct buf version, next; /* the next page's name: empty with the first */
    uint32_t pages;
    struct buf bearer, refusal;
    struct apiwatch watch;
    struct err err;
    struct arena arena, scratch;
};

static const char *what_of(const struct reflector *r)
{
    static const char *const whats[][2] = {
        [APIREQUEST_NODES] = {[LISTS] = "list its nodes", [WATCHES] = "watch its nodes"},
        [APIREQUEST_CSRS] = {[LISTS] = "list its certificate requests",
                             [WATCHES] = "watch its certificate requests"},
    };
    return whats[r->target.kind][r->stage];
}

static bool set(struct buf *b, struct str text)
{
    buf_clear(b);
    return buf_str(b, text);
}

/* --- What comes next ------------------------------------------------------------------------- */

static void end_fetch(struct reflector *r)
{
    fetch_end(r->fetch);
    r->fetch = NULL;
    buf_clear(&r->refusal);
    apiwatch_reset(&r->watch);
}

static void pause(struct reflector *r, unsigned at_least_s)
{
    uint64_t ms = retry_pause_ms(RETRY_FIRST_MS, r->attempts++, RETRY_MAX_MS);
    r->due_ms = r->target.boot_ms() + (uint64_t)at_least_s * 1000 + ms;
}

static void go_on(struct reflector *r, enum stage stage)
{
    r->stage = stage;
    r->due_ms = r->target.boot_ms();
}

static void list_again(struct reflector *r)
{
    r->stage = LISTS;
    r->pages = 0;
    buf_clear(&r->next);
}

/* --- Answers that are none ------------------------------------------------------------------- */

static void on_refused(struct reflector *r, int status, struct str body)
{
    const struct retry_secret secret = {buf_view(&r->bearer), 20};
    unsigned after_s = apiresponse_retry_after(fetch_header(r->fetch, "Retry-After"));
    if (status != 410)
        retry_describe(what_of(r), status, body, &secret, 1, &r->scratch, &r->err);
    /* A version that an API server will not go on from is not only too old (410): it may be one of
     * before etcd was restored. */
    list_again(r);
    pause(r, after_s);
}

static void on_fault(struct reflector *r, const struct err *why)
{
    r->err = *why;
    pause(r, 0);
}

/* --- A list ---------------------------------------------------------------------------------- */

static int read_page(struct reflector *r, struct str body, struct apiresponse_list *ret,
                     struct err *e)
{
    int status = apiresponse_list(body, &r->scratch, ret, e);
    if (status == 0 &&
        (++r->pages > PAGES_MAX || !set(&r->next, ret->next) || !set(&r->version, ret->version)))
        return err_set(e, -EMSGSIZE,
                       "the API server's list does not end, or has names that are "
                       "too long");
    return status;
}

static void on_page(struct reflector *r, struct str body)
{
    struct apiresponse_list page;
    struct err e;
    bool is_first = !r->next.n;
    if (read_page(r, body, &page, &e) < 0) {
        list_again(r);
        on_fault(r, &e);
        return;
    }
    if (is_first)
        r->owner.on_list(r->owner.cls);
    for (uint32_t i = 0; i < page.n; i++)
        r->owner.on_object(r->owner.cls, page.items[i], &r->scratch);
    r->err = (struct err){0};
    go_on(r, page.next.n ? LISTS : WATCHES);
    if (!page.next.n)
        r->owner.on_listed(r->owner.cls);
}

static void on_list(struct reflector *r)
{
    const struct fetch *f = r->fetch;
    if (!f->done)
        return;
    if (f->fault != FETCH_OK)
        on_fault(r, &f->err);
    else if (f->status == 200)
        on_page(r, f->body);
    else
        on_refused(r, f->status, f->body);
    end_fetch(r);
    arena_done(&r->scratch); /* a page may have been large */
}

/* --- A stream -------------------------------------------------------------------------------- */

static void on_event(struct reflector *r, const struct apiwatch_event *event)
{
    switch (event->type) {
    case APIWATCH_ADDED:
    case APIWATCH_MODIFIED: r->owner.on_object(r->owner.cls, event->object, &r->scratch); break;
    case APIWATCH_DELETED: r->owner.on_gone(r->owner.cls, event->object, &r->scratch); break;
    case APIWATCH_BOOKMARK: break;
    case APIWATCH_EXPIRED: list_again(r); return;
    }
    if (!set(&r->version, event->version)) {
        list_again(r);
        return;
    }
    r->attempts = 0;
    r->err = (struct err){0};
}

/* False where the stream is of no use any more. */
static bool read_events(struct reflector *r, struct str bytes)
{
    struct apiwatch_event event;
    int status;
    apiwatch_feed(&r->watch, bytes);
    while ((status = apiwatch_next(&r->watch, &r->scratch, &event, &r->err)) > 0) {
        on_event(r, &event);
        arena_reset(&r->scratch);
        if (r->stage != WATCHES)
            return false;
    }
    arena_reset(&r->scratch);
    if (status < 0)
        list_again(r); /* what comes from there on cannot be read */
    return status == 0;
}

static void end_stream(struct reflector *r)
{
    const struct fetch *f = r->fetch;
    if (r->target.boot_ms() - r->asked_ms >= WORTH_MS)
        r->attempts = 0;
    if (f->done && f->fault == FETCH_OK && f->status != 200)
        on_refused(r, f->status, buf_view(&r->refusal));
    else if (f->done && f->status != 200)
        on_fault(r, &f->err);
    else
        pause(r, 0); /* its time was over, or it was cut off: no more than that */
    end_fetch(r);
}

static void on_stream(struct reflector *r)
{
    struct str bytes;
    while ((bytes = fetch_take(r->fetch)).n) {
        if (r->fetch->status != 200) {
            buf_str(&r->refusal, str_head(bytes, REFUSAL_MAX - r->refusal.n));
        } else if (!read_events(r, bytes)) {
            end_stream(r);
            return;
        }
    }
    if (r->fetch->status == 200)
        r->err = (struct err){0};
    if (r->fetch->done)
        end_stream(r);
}

/* --- The loop -------------------------------------------------------------------------------- */

static void on_wake(void *cls, struct slot_ref ref)
{
    struct reflector *r = cls;
    (void)ref;
    if (r->stage == LISTS)
        on_list(r);
    else
        on_stream(r);
    r->owner.on_turn(r->owner.cls);
}

static void ask(struct reflector *r)
{
    uint32_t spread;
    struct err e;
    random_bytes(&spread, sizeof(spread));
    bool watches = r->stage == WATCHES;
    unsigned seconds = WATCH_MIN_S + spread % WATCH_SPREAD_S;
    struct apirequest q =
        watches ? apirequest_watch(r->target.kind, buf_view(&r->version), seconds, &r->scratch)
                : apirequest_list(r->target.kind, buf_view(&r->next), &r->scratch);
    const struct fetch_request request = {
        .method = q.method,
        .url = ARENA_JOIN(&r->scratch, r->target.endpoint, q.path),
        .bearer = buf_view(&r->bearer),
        .ca = r->target.ca,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .silence_ms = watches ? SILENCE_MS : ANSWER_MS,
        .whole_ms = watches ? seconds * 1000 + SILENCE_MS : LIST_MS,
        .body_max_bytes = APIRESPONSE_MAX_BYTES,
        .stream = watches,
        .waiter = {{on_wake, r}, {0, 0}},
    };
    r->asked_ms = r->target.boot_ms();
    if (fetch_start(r->target.fetch, &request, &r->fetch, &e) < 0)
        on_fault(r, &e);
    arena_reset(&r->scratch);
}

uint64_t reflector_due(const struct reflector *r)
{
    return r->fetch ? NEVER : r->due_ms;
}

void reflector_run(struct reflector *r)
{
    if (!r->fetch && r->target.boot_ms() >= r->due_ms)
        ask(r);
}

const struct err *reflector_err(const struct reflector *r)
{
    return &r->err;
}

void reflector_set_bearer(struct reflector *r, struct str bearer)
{
    set(&r->bearer, bearer);
    if (!r->fetch)
        go_on(r, r->stage);
}

/* --- Begin and end --------------------------------------------------------------------------- */

int reflector_new(const struct reflector_target *t, const struct reflector_owner *owner,
                  struct reflector **ret, struct err *e)
{
    if (!str_starts(t->endpoint, STR("https://")) || !t->bearer.n)
        return err_set(e, -EINVAL,
                       "an API server's address must begin with https://, and its "
                       "account needs a token");
    struct reflector *r = MEM_NEW(struct reflector);
    arena_init(&r->arena, 4096);
    arena_init(&r->scratch, 4096);
    r->target = *t;
    r->target.endpoint = arena_str(&r->arena, t->endpoint);
    r->target.ca = arena_str(&r->arena, t->ca);
    r->owner = *owner;
    buf_init(&r->version, 256);
    buf_init(&r->next, 4096);
    buf_init(&r->bearer, 16384);
    buf_init(&r->refusal, REFUSAL_MAX);
    r->scratch.secret = r->bearer.secret = true;
    apiwatch_init(&r->watch);
    set(&r->bearer, t->bearer);
    go_on(r, LISTS);
    *ret = r;
    return 0;
}

void reflector_free(struct reflector *r)
{
    if (!r)
        return;
    fetch_end(r->fetch);
    apiwatch_done(&r->watch);
    buf_done(&r->version);
    buf_done(&r->next);
    buf_done(&r->bearer);
    buf_done(&r->refusal);
    arena_done(&r->arena);
    arena_done(&r->scratch);
    free(r);
}
