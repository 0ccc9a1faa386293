/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/csrapprover.h"

#include "base/mem.h"
#include "kube/apiresponse.h"
#include "kube/approval.h"
#include "kube/reflector.h"
#include "kube/retry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#define NEVER UINT64_MAX
#define REQUESTS_MAX 2000 /* of a cluster, that are pending */
#define APPROVALS_MAX 8   /* of a cluster, that are under way */
#define NEWS_MAX 1000
#define CONNECT_MS 5000
#define ANSWER_MS 10000
#define WHOLE_MS 20000
#define ANSWER_MAX_BYTES ((size_t)2 << 20)
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS 15000
#define BINDING_MS 60000
#define STALE_MS 10000 /* requests and nodes come by different streams */

enum request_state {
    REQUEST_REFUSED, /* for the reason in `why` */
    REQUEST_WAITS,   /* until more is known of its node */
    REQUEST_GOOD     /* it is being approved */
};

struct request {
    TAILQ_ENTRY(request) entry;
    struct work *work;
    struct arena arena; /* of what follows */
    struct str name;
    struct approval approval;
    bool is_readable; /* else it stays pending whatever is known of a node */
    char version[128];
    uint32_t round; /* of the list that named it last */
    enum request_state state;
    struct err why;
    char told[sizeof(((struct err *)0)->msg)]; /* the reason that the owner knows */
    struct fetch *fetch;
    struct err failed; /* why it could not be approved; empty: nothing wrong */
    uint64_t since_ms, due_ms;
    uint32_t attempts;
};

struct news {
    TAILQ_ENTRY(news) entry;
    struct arena arena;
    struct approver_news news;
};

struct work {
    struct approver approver;
    struct csrapprover *all;
    struct approver_target target; /* its texts lie in `arena` */
    struct arena arena, scratch;
    struct buf bearer;
    struct reflector *reflector;
    TAILQ_HEAD(requests, request) requests;
    TAILQ_HEAD(, news) news;
    uint32_t news_n, under_way, round;
    struct fetch *binding;
    uint64_t binding_due_ms;
    uint32_t binding_attempts;
    struct err binding_err;
    bool is_new;
    TAILQ_ENTRY(work) entry;
};

struct csrapprover {
    struct csrapprover_host host;
    struct approver_port port;
    TAILQ_HEAD(, work) works;
};

static uint64_t now(const struct work *w)
{
    return w->all->host.boot_ms();
}

/* --- What the owner is told ------------------------------------------------------------------ */

static void tell(struct work *w, const struct request *r, bool approved)
{
    if (w->news_n >= NEWS_MAX)
        return;
    struct news *n = MEM_NEW(struct news);
    arena_init(&n->arena, 512);
    n->news = (struct approver_news){
        .request = arena_str(&n->arena, r->name),
        .node = r->is_readable ? arena_str(&n->arena, r->approval.node) : STR(""),
        .serving = r->is_readable && r->approval.kind == APPROVAL_SERVING,
        .approved = approved,
        .reason = arena_str(&n->arena, str_from(approved ? "" : r->why.msg)),
    };
    TAILQ_INSERT_TAIL(&w->news, n, entry);
    w->news_n++;
    w->is_new = true;
}

static void tell_refusal(struct work *w, struct request *r)
{
    if (strcmp(r->told, r->why.msg) == 0)
        return;
    memcpy(r->told, r->why.msg, sizeof(r->told));
    tell(w, r, false);
}

static void set_err(struct work *w, struct err *to, const struct err *from)
{
    if (strcmp(to->msg, from->msg) != 0)
        w->is_new = true;
    *to = *from;
}

/* --- Requests -------------------------------------------------------------------------------- */

static struct request *find(const struct work *w, struct str name)
{
    struct request *r;
    TAILQ_FOREACH(r, &w->requests, entry)
    {
        if (str_eq(r->name, name))
            break;
    }
    return r;
}

static void request_free(struct request *r)
{
    arena_done(&r->arena);
    free(r);
}

static void end_approval(struct request *r)
{
    if (!r->fetch)
        return;
    fetch_end(r->fetch);
    r->fetch = NULL;
    r->work->under_way--;
}

static void drop(struct work *w, struct request *r)
{
    end_approval(r);
    TAILQ_REMOVE(&w->requests, r, entry);
    w->approver.pending--;
    w->is_new = true;
    request_free(r);
}

/* Anyone with a token can send any number of them: those that are refused anyway make room. */
static bool make_room(struct work *w)
{
    struct request *r;
    if (w->approver.pending < REQUESTS_MAX)
        return true;
    TAILQ_FOREACH(r, &w->requests, entry)
    {
        if (r->state == REQUEST_REFUSED)
            break;
    }
    if (r)
        drop(w, r);
    return r;
}

/* NULL where it is not ours to judge. What the object says must outlive it. */
static struct request *request_new(struct work *w, const struct object_csr *o)
{
    struct request *r = MEM_NEW(struct request);
    arena_init(&r->arena, 1024);
    r->work = w;
    r->name = arena_str(&r->arena, o->name);
    int code = approval_read(o, &r->arena, &r->approval, &r->why);
    if (code == -ENOTSUP) {
        request_free(r);
        return NULL;
    }
    r->is_readable = code == 0;
    r->approval.token_id = arena_str(&r->arena, r->approval.token_id);
    return r;
}

static struct request *add(struct work *w, const struct object_csr *o)
{
    struct request *r = request_new(w, o);
    if (r && !make_room(w)) {
        request_free(r);
        r = NULL;
    }
    if (!r)
        return NULL;
    TAILQ_INSERT_TAIL(&w->requests, r, entry);
    r->since_ms = now(w);
    w->approver.pending++;
    w->is_new = true;
    if (!r->is_readable)
        tell_refusal(w, r);
    return r;
}

static void judge(struct work *w, struct request *r)
{
    struct approver_node node;
    const struct approver_target *t = &w->target;
    enum request_state before = r->state;
    if (!r->is_readable)
        return;
    bool is_known = t->look_up(t->cls, t->waiter.ref, r->approval.node, &w->scratch, &node);
    int code = approval_judge(&r->approval, is_known ? &node : NULL, &w->scratch, &r->why);
    bool is_stale = code == -ESTALE && now(w) - r->since_ms < STALE_MS;
    r->state = code == 0                     ? REQUEST_GOOD
               : code == -EAGAIN || is_stale ? REQUEST_WAITS
                                             : REQUEST_REFUSED;
    if (r->state == REQUEST_REFUSED)
        tell_refusal(w, r);
    else if (r->state == REQUEST_GOOD && before != REQUEST_GOOD)
        r->due_ms = now(w);
    if (r->state == REQUEST_WAITS)
        r->due_ms = is_stale ? r->since_ms + STALE_MS : NEVER;
    if (r->state != REQUEST_GOOD)
        end_approval(r);
}

/* The answer to our approval may have been lost. */
static bool is_approved_by_us(struct value object)
{
    struct value list = value_get(value_get(object, STR("status")), STR("conditions"));
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (str_is(value_get_text(list.items[i], STR("reason")), APIREQUEST_APPROVED))
            return true;
    }
    return false;
}

static void on_object(void *cls, struct value object, struct arena *a)
{
    struct work *w = cls;
    struct object_csr o;
    if (!object_csr(object, a, &o))
        return;
    struct request *r = find(w, o.name);
    if (o.decided || o.version.n >= sizeof(r->version)) {
        if (r && is_approved_by_us(object))
            tell(w, r, true);
        if (r)
            drop(w, r);
        return;
    }
    r = r ? r : add(w, &o);
    if (!r)
        return;
    memcpy(r->version, o.version.p, o.version.n);
    r->version[o.version.n] = '\0';
    r->round = w->round;
    judge(w, r);
}

static void on_gone(void *cls, struct value object, struct arena *a)
{
    struct work *w = cls;
    struct request *r = find(w, value_get_text(value_get(object, STR("metadata")), STR("name")));
    (void)a;
    if (r)
        drop(w, r);
}

static void on_list(void *cls)
{
    struct work *w = cls;
    w->round++;
}

static void on_listed(void *cls)
{
    struct work *w = cls;
    struct request *r, *next;
    for (r = TAILQ_FIRST(&w->requests); r; r = next) {
        next = TAILQ_NEXT(r, entry);
        if (r->round != w->round)
            drop(w, r);
    }
    w->is_new |= !w->approver.in_step;
    w->approver.in_step = true;
}

/* --- Asking the API server ------------------------------------------------------------------- */

static void finish_turn(struct work *w);

static int ask(struct work *w, const struct apirequest *q, struct waiter waiter, struct fetch **ret,
               struct err *e)
{
    struct fetch_field type = {STR("Content-Type"), str_from(q->content_type)};
    const struct fetch_request request = {
        .method = q->method,
        .url = ARENA_JOIN(&w->scratch, w->target.endpoint, q->path),
        .headers = &type,
        .n_headers = q->content_type != NULL,
        .bearer = buf_view(&w->bearer),
        .body = q->body,
        .ca = w->target.ca,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .silence_ms = ANSWER_MS,
        .whole_ms = WHOLE_MS,
        .body_max_bytes = ANSWER_MAX_BYTES,
        /* In one version it is approved once. */
        .repeatable = true,
        .waiter = waiter,
    };
    return fetch_start(w->all->host.fetch, &request, ret, e);
}

static void describe(struct work *w, const struct fetch *f, const char *what, struct err *ret)
{
    const struct retry_secret secret = {buf_view(&w->bearer), 20};
    if (f->fault != FETCH_OK)
        *ret = f->err;
    else
        retry_describe(what, f->status, f->body, &secret, 1, &w->scratch, ret);
}

static unsigned wait_of(struct fetch *f)
{
    return f->fault == FETCH_OK ? apiresponse_retry_after(fetch_header(f, "Retry-After")) : 0;
}

/* --- Approving ------------------------------------------------------------------------------- */

static void try_again(struct work *w, struct request *r, unsigned at_least_s)
{
    uint64_t ms = retry_pause_ms(RETRY_FIRST_MS, r->attempts++, RETRY_MAX_MS);
    r->due_ms = now(w) + (uint64_t)at_least_s * 1000 + ms;
}

static void on_approved(struct work *w, struct request *r)
{
    const struct fetch *f = r->fetch;
    if (f->fault == FETCH_OK && f->status == 200) {
        tell(w, r, true);
        drop(w, r);
    } else if (f->fault == FETCH_OK && f->status == 404) {
        drop(w, r);
    } else {
        /* 409: it has changed, and will come again as it is now, or has been decided. */
        if (f->fault != FETCH_OK || f->status != 409)
            describe(w, f, "approve a certificate request", &r->failed);
        try_again(w, r, wait_of(r->fetch));
        end_approval(r);
    }
}

static void on_approval_wake(void *cls, struct slot_ref ref)
{
    struct request *r = cls;
    struct work *w = r->work;
    (void)ref;
    if (!r->fetch->done)
        return;
    on_approved(w, r);
    finish_turn(w);
}

static void approve(struct work *w, struct request *r)
{
    static const char *const whats[] = {[APPROVAL_CLIENT] = "its node, by its own token",
                                        [APPROVAL_SERVING] = "its node's name and addresses"};
    judge(w, r);
    if (r->state != REQUEST_GOOD)
        return;
    struct apirequest q = apirequest_approve(
        r->name, str_from(r->version),
        ARENA_JOIN(&w->scratch, STR("cloudseed: for exactly "), str_from(whats[r->approval.kind])),
        &w->scratch);
    if (ask(w, &q, (struct waiter){{on_approval_wake, r}, {0, 0}}, &r->fetch, &r->failed) == 0)
        w->under_way++;
    else
        try_again(w, r, 0);
}

/* --- kubeadm's binding ----------------------------------------------------------------------- */

static void on_binding(struct work *w)
{
    const struct fetch *f = w->binding;
    struct err e = {0};
    bool is_there = f->fault == FETCH_OK && f->status == 200, approves = false;
    if (is_there && apiresponse_autoapproves(f->body, &w->scratch, &approves, &e) < 0)
        is_there = false;
    else if (!is_there && !(f->fault == FETCH_OK && f->status == 404))
        describe(w, f, "show the binding by which it approves for itself", &e);
    set_err(w, &w->binding_err, &e);
    w->binding_due_ms = now(w) + BINDING_MS + retry_pause_ms(BINDING_MS / 8, 0, BINDING_MS);
    if (e.code < 0) {
        unsigned after_s = wait_of(w->binding);
        w->binding_due_ms = now(w) + (uint64_t)after_s * 1000 +
                            retry_pause_ms(RETRY_FIRST_MS, w->binding_attempts++, BINDING_MS);
        return;
    }
    w->binding_attempts = 0;
    w->is_new |= !w->approver.autoapproves_known || w->approver.autoapproves != approves;
    w->approver.autoapproves_known = true;
    w->approver.autoapproves = approves;
}

static void on_binding_wake(void *cls, struct slot_ref ref)
{
    struct work *w = cls;
    (void)ref;
    if (!w->binding->done)
        return;
    on_binding(w);
    fetch_end(w->binding);
    w->binding = NULL;
    finish_turn(w);
}

static void look_at_binding(struct work *w)
{
    struct apirequest q = apirequest_autoapprove();
    struct err e;
    if (ask(w, &q, (struct waiter){{on_binding_wake, w}, {0, 0}}, &w->binding, &e) < 0) {
        set_err(w, &w->binding_err, &e);
        w->binding_due_ms = now(w) + RETRY_MAX_MS;
    }
}

/* --- The loop -------------------------------------------------------------------------------- */

static bool is_due(const struct work *w, const struct request *r)
{
    return r->state == REQUEST_WAITS ||
           (r->state == REQUEST_GOOD && !r->fetch && w->under_way < APPROVALS_MAX);
}

static uint64_t due_of(const struct work *w)
{
    uint64_t due = reflector_due(w->reflector);
    const struct request *r;
    if (!w->binding && w->binding_due_ms < due)
        due = w->binding_due_ms;
    TAILQ_FOREACH(r, &w->requests, entry)
    {
        if (is_due(w, r) && r->due_ms < due)
            due = r->due_ms;
    }
    return due;
}

static void arm(struct csrapprover *all)
{
    uint64_t due = NEVER;
    const struct work *w;
    TAILQ_FOREACH(w, &all->works, entry)
    {
        uint64_t at = due_of(w);
        due = at < due ? at : due;
    }
    all->host.alarm.set(all->host.alarm.cls, due);
}

static void advance(struct work *w)
{
    struct request *r;
    uint64_t ms = now(w);
    reflector_run(w->reflector);
    if (!w->binding && ms >= w->binding_due_ms)
        look_at_binding(w);
    TAILQ_FOREACH(r, &w->requests, entry)
    {
        if (is_due(w, r) && ms >= r->due_ms)
            approve(w, r); /* or judges it again */
    }
    arena_reset(&w->scratch);
}

static void look_at_err(struct work *w)
{
    const struct err *e = reflector_err(w->reflector);
    const struct request *r;
    TAILQ_FOREACH(r, &w->requests, entry)
    {
        if (!e->msg[0] && r->state == REQUEST_GOOD)
            e = &r->failed;
    }
    set_err(w, &w->approver.err, e->msg[0] ? e : &w->binding_err);
}

/* The owner may end it when it is woken. */
static void finish_turn(struct work *w)
{
    advance(w);
    look_at_err(w);
    arm(w->all);
    bool is_new = w->is_new;
    w->is_new = false;
    if (is_new)
        waiter_wake(w->target.waiter);
}

static void on_turn(void *cls)
{
    finish_turn(cls);
}

/* An owner that is woken may end approvers: after each one the list is looked at again. */
void csrapprover_on_alarm(struct csrapprover *all)
{
    struct work *w;
    TAILQ_FOREACH(w, &all->works, entry)
    advance(w);
    do {
        TAILQ_FOREACH(w, &all->works, entry)
        {
            look_at_err(w);
            if (w->is_new)
                break;
        }
        if (w) {
            w->is_new = false;
            waiter_wake(w->target.waiter);
        }
    } while (w);
    arm(all);
}

/* --- The port -------------------------------------------------------------------------------- */

static int begin(struct work *w, struct err *e)
{
    const struct reflector_owner owner = {on_list, on_object, on_gone, on_listed, on_turn, w};
    const struct reflector_target target = {.fetch = w->all->host.fetch,
                                            .boot_ms = w->all->host.boot_ms,
                                            .kind = APIREQUEST_CSRS,
                                            .endpoint = w->target.endpoint,
                                            .ca = w->target.ca,
                                            .bearer = buf_view(&w->bearer)};
    return reflector_new(&target, &owner, &w->reflector, e);
}

static void work_free(struct work *w)
{
    struct news *n;
    while (!TAILQ_EMPTY(&w->requests))
        drop(w, TAILQ_FIRST(&w->requests));
    while ((n = TAILQ_FIRST(&w->news))) {
        TAILQ_REMOVE(&w->news, n, entry);
        arena_done(&n->arena);
        free(n);
    }
    fetch_end(w->binding);
    reflector_free(w->reflector);
    buf_done(&w->bearer);
    arena_done(&w->arena);
    arena_done(&w->scratch);
    free(w);
}

static int on_begin(void *cls, const struct approver_target *t, struct approver **ret,
                    struct err *e)
{
    struct csrapprover *all = cls;
    struct work *w = MEM_NEW(struct work);
    arena_init(&w->arena, 4096);
    arena_init(&w->scratch, 4096);
    buf_init(&w->bearer, 16384);
    w->bearer.secret = w->scratch.secret = true;
    TAILQ_INIT(&w->requests);
    TAILQ_INIT(&w->news);
    w->all = all;
    w->approver.port = &all->port;
    w->target = *t;
    w->target.endpoint = arena_str(&w->arena, t->endpoint);
    w->target.ca = arena_str(&w->arena, t->ca);
    w->target.bearer = STR("");
    buf_str(&w->bearer, t->bearer);
    w->binding_due_ms = now(w);
    int r = begin(w, e);
    if (r < 0) {
        work_free(w);
        return r;
    }
    TAILQ_INSERT_TAIL(&all->works, w, entry);
    arm(all);
    *ret = &w->approver;
    return 0;
}

static void on_set_bearer(struct approver *p, struct str bearer)
{
    struct work *w = (struct work *)p; /* its first member */
    struct request *r;
    buf_clear(&w->bearer);
    buf_str(&w->bearer, bearer);
    reflector_set_bearer(w->reflector, bearer);
    w->binding_due_ms = now(w);
    TAILQ_FOREACH(r, &w->requests, entry)
    r->due_ms = now(w);
    arm(w->all);
}

static void on_look(struct approver *p)
{
    struct work *w = (struct work *)p;
    struct request *r;
    TAILQ_FOREACH(r, &w->requests, entry)
    judge(w, r);
    arena_reset(&w->scratch);
    if (w->is_new) /* the owner is woken on the next turn */
        w->all->host.alarm.set(w->all->host.alarm.cls, now(w));
    else
        arm(w->all);
}

static bool on_next(struct approver *p, struct arena *a, struct approver_news *ret)
{
    struct work *w = (struct work *)p;
    struct news *n = TAILQ_FIRST(&w->news);
    if (!n)
        return false;
    *ret = n->news;
    ret->request = arena_str(a, ret->request);
    ret->node = arena_str(a, ret->node);
    ret->reason = arena_str(a, ret->reason);
    TAILQ_REMOVE(&w->news, n, entry);
    w->news_n--;
    arena_done(&n->arena);
    free(n);
    return true;
}

static void on_end(struct approver *p)
{
    struct work *w = (struct work *)p;
    struct csrapprover *all = w->all;
    TAILQ_REMOVE(&all->works, w, entry);
    work_free(w);
    arm(all);
}

struct csrapprover *csrapprover_new(const struct csrapprover_host *host)
{
    struct csrapprover *all = MEM_NEW(struct csrapprover);
    all->host = *host;
    all->port = (struct approver_port){on_begin, on_set_bearer, on_look, on_next, on_end, all};
    TAILQ_INIT(&all->works);
    return all;
}

const struct approver_port *csrapprover_port(const struct csrapprover *all)
{
    return &all->port;
}

void csrapprover_free(struct csrapprover *all)
{
    if (!all)
        return;
    assert(TAILQ_EMPTY(&all->works));
    free(all);
}
