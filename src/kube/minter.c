/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/minter.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/token.h"
#include "kube/apirequest.h"
#include "kube/apiresponse.h"
#include "kube/retry.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/queue.h>

#define NEVER UINT64_MAX
/* Of each request. An API server ends its own after 60 s, and one that needs 10 is in trouble. */
#define CONNECT_MS 5000
#define ANSWER_MS 10000
#define WHOLE_MS 20000
#define ANSWER_MAX_BYTES ((size_t)2 << 20) /* etcd keeps objects of 1.5 MiB */
/* Between two attempts, doubled each time. */
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS 15000
/* Between two looks at cluster-info, which is signed some 100 to 250 ms after the POST. */
#define LOOK_FIRST_MS 100
#define LOOK_MAX_MS 2000
/* For so long another's signature may be an old one of ours: the cluster signs again whenever
 * cluster-info changes. */
#define FOREIGN_MS 10000
#define AHEAD_WORTH_TELLING_MS 60000
/* A signature that is later than this is worth a word. */
#define UNSIGNED_MS 2000
/* Each token is a signature in cluster-info, an object of at most 1 MiB. As many as are asked for
 * at the same time may come on top: before cluster-info was seen, nobody knows how many there are.
 */
#define TOKENS_FULL (MINTER_TOKENS_MAX - MINTER_REQUESTS_MAX)
/* The API server ends tokens by its own clock. */
#define TOKEN_LATE_MS 60000

/* What a mint needs next. The first and the last are the same for all mints of a cluster, and asked
 * for once. */
enum want { WANTS_VERSION, WANTS_TOKEN, WANTS_SIGNATURE, WANTS_NOTHING, WANTS };

static const char *const names[] = {"say its version", "create a bootstrap token",
                                    "show cluster-info"};

struct server;

struct work {
    struct mint mint;
    struct mint_intent intent; /* its texts lie in `arena` */
    struct server *server;
    struct slot_ref slot;
    enum want want;
    bool asked;                   /* the poll that is under way began after it wanted that */
    struct fetch *fetch;          /* of the POST */
    enum mint_fate fate_before;   /* … */
    uint64_t due_ms, deadline_ms; /* boot-time clock */
    uint64_t foreign_ms;          /* since when another's signature is there; 0: it is not */
    uint64_t looks_since_ms;      /* since when a signature is looked for */
    uint32_t attempts;            /* of the POST, without an answer that is one */
    bool existed;                 /* the answer to a POST was 409 */
    bool has_news;
    struct arena arena;
    TAILQ_ENTRY(work) entry, due, news;
};

TAILQ_HEAD(works, work);

/* A GET that many mints wait for. */
struct poll {
    struct fetch *fetch; /* NULL: it waits for `due_ms`, or nobody wants it */
    uint64_t due_ms;
    uint32_t attempts; /* without an answer that is one */
    uint32_t looks;    /* that have shown nothing new */
    struct arena arena;
    struct str bearer; /* that it was asked with */
};

static const enum want polled[] = {WANTS_VERSION, WANTS_SIGNATURE};
#define POLLED 2

/* A token that the cluster was asked for and that was not seen in cluster-info yet. */
struct posted {
    char id[TOKEN_ID_LEN + 1];
    int64_t end_wall_ms;
};

/* A cluster's API server. It stays while it may have tokens that cluster-info does not show. */
struct server {
    LIST_ENTRY(server) entry;
    struct minter *minter;
    struct slot_ref slot;
    struct arena arena, scratch;
    struct str endpoint, ca;
    struct works works[WANTS]; /* the oldest first, which is served first */
    struct poll polls[WANTS];  /* of WANTS_VERSION and WANTS_SIGNATURE */
    uint32_t requests;
    bool is_counted; /* cluster-info was seen */
    uint32_t signed_n;
    struct posted *posted;
    uint32_t posted_n, posted_room;
};

struct minter {
    struct minter_host host;
    struct mint_port port;
    struct slots works, servers;
    LIST_HEAD(, server) all;
    struct works by_deadline; /* the nearest first */
    struct works news;
};

/* --- States ----------------------------------------------------------------------------------- */

static uint64_t now_ms(const struct server *s)
{
    return s->minter->host.boot_ms();
}

static void want(struct work *w, enum want next)
{
    struct server *s = w->server;
    TAILQ_REMOVE(&s->works[w->want], w, entry);
    TAILQ_INSERT_TAIL(&s->works[next], w, entry);
    w->want = next;
    w->asked = false;
}

static void end_fetch(struct server *s, struct fetch **fetch)
{
    if (!*fetch)
        return;
    fetch_end(*fetch);
    *fetch = NULL;
    s->requests--;
}

static void note_news(struct work *w)
{
    if (!w->has_news)
        TAILQ_INSERT_TAIL(&w->server->minter->news, w, news);
    w->has_news = true;
}

static void settle(struct work *w, enum mint_outcome outcome)
{
    assert(w->mint.outcome == MINT_PENDING);
    end_fetch(w->server, &w->fetch);
    want(w, WANTS_NOTHING);
    TAILQ_REMOVE(&w->server->minter->by_deadline, w, due);
    w->mint.outcome = outcome;
    note_news(w);
}

/* The reason why it is not there yet. Of a clock that is wrong, as tokens end by it, in whole
 * minutes: the reason stays the same. */
static void tell(struct work *w, const struct err *why)
{
    struct err e = *why;
    int64_t ahead_ms = w->mint.ahead_ms;
    if (ahead_ms > AHEAD_WORTH_TELLING_MS || ahead_ms < -AHEAD_WORTH_TELLING_MS)
        err_set(&e, why->code, "%s (the API server's clock is %" PRId64 " min %s ours)", why->msg,
                (ahead_ms < 0 ? -ahead_ms : ahead_ms) / 60000,
                ahead_ms < 0 ? "behind" : "ahead of");
    if (strcmp(w->mint.err.msg, e.msg) != 0)
        note_news(w);
    w->mint.err = e;
}

static void refuse(struct work *w, const struct err *why)
{
    tell(w, why);
    settle(w, MINT_REFUSED);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static bool is_refusal(int status)
{
    return status >= 400 && status < 500 && status != 408 && status != 429;
}

static uint64_t pause_ms(const struct fetch *f, uint32_t attempts)
{
    uint64_t ms = retry_pause_ms(RETRY_FIRST_MS, attempts, RETRY_MAX_MS);
    if (f && f->fault == FETCH_OK)
        ms += (uint64_t)apiresponse_retry_after(fetch_header((struct fetch *)f, "Retry-After")) *
              1000;
    return ms;
}

static void read_clock(struct work *w, struct fetch *f)
{
    int64_t wall_ms = w->server->minter->host.wall_ms();
    if (f->fault == FETCH_OK &&
        apiresponse_clock(fetch_header(f, "Date"), wall_ms, &w->mint.ahead_ms))
        w->mint.clock_known = true;
}

static int start(struct server *s, struct apirequest r, struct str bearer, struct waiter waiter,
                 struct fetch **ret, struct err *e)
{
    struct fetch_field type = {STR("Content-Type"), str_from(r.content_type)};
    const struct fetch_request q = {
        .method = r.method,
        .url = ARENA_JOIN(&s->scratch, s->endpoint, r.path),
        .headers = &type,
        .n_headers = r.content_type != NULL,
        .bearer = bearer,
        .body = r.body,
        .ca = s->ca,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .silence_ms = ANSWER_MS,
        .whole_ms = WHOLE_MS,
        .body_max_bytes = ANSWER_MAX_BYTES,
        /* A Secret that is posted twice is the same one, and the second time 409. Without this each
         * of a thousand POSTs would need a handshake. */
        .repeatable = true,
        .waiter = waiter,
    };
    int status = fetch_start(s->minter->host.fetch, &q, ret, e);
    arena_reset(&s->scratch);
    if (status == 0)
        s->requests++;
    return status;
}

/* --- What is the same for all ----------------------------------------------------------------- */

/* For those that wait for the poll. */
static void poll_tell(struct server *s, enum want which, const struct err *why)
{
    struct work *w;
    TAILQ_FOREACH(w, &s->works[which], entry)
    if (w->asked)
        tell(w, why);
}

static void poll_refuse(struct server *s, enum want which, const struct err *why)
{
    struct work *w, *next;
    for (w = TAILQ_FIRST(&s->works[which]); w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (w->asked)
            refuse(w, why);
    }
    s->polls[which].attempts = 0; /* those that come later have something new to try */
    s->polls[which].due_ms = 0;
}

static void poll_retry(struct server *s, enum want which, const struct err *why)
{
    struct poll *p = &s->polls[which];
    poll_tell(s, which, why);
    p->due_ms = now_ms(s) + pause_ms(p->fetch, p->attempts++);
}

/* kubeadm joins only a cluster of its own minor version. */
static void on_version(struct work *w, struct kubeversion version)
{
    struct kubeversion kubeadm = w->intent.kubeadm;
    struct err e;
    w->mint.version = version;
    if (!kubeadm.major || kubeversion_same_minor(kubeadm, version)) {
        want(w, WANTS_TOKEN);
        return;
    }
    err_set(&e, -EPROTO, "the cluster runs Kubernetes %u.%u, and the node has kubeadm %u.%u",
            version.major, version.minor, kubeadm.major, kubeadm.minor);
    tell(w, &e);
    settle(w, MINT_SKEW);
}

static void tell_unsigned(struct work *w, const char *why)
{
    struct err e;
    err_set(&e, -EAGAIN, "%s", why);
    if (now_ms(w->server) - w->looks_since_ms >= UNSIGNED_MS)
        tell(w, &e);
}

static void on_foreign(struct work *w)
{
    uint64_t now = now_ms(w->server);
    if (!w->foreign_ms)
        w->foreign_ms = now;
    if (!w->existed || now - w->foreign_ms < FOREIGN_MS) {
        tell_unsigned(w, "cluster-info is signed for this id, but not with this token");
        return;
    }
    w->mint.fate = MINT_ABSENT;
    struct err e;
    err_set(&e, -EEXIST, "another bootstrap token of the cluster has this id");
    tell(w, &e);
    settle(w, MINT_TAKEN);
}

static void on_signature(struct work *w, enum apiresponse_signature signature)
{
    switch (signature) {
    case APIRESPONSE_FOREIGN: on_foreign(w); return;
    case APIRESPONSE_UNSIGNED:
        w->foreign_ms = 0;
        tell_unsigned(w, "the cluster has not signed cluster-info with the token yet: see whether "
                         "kube-controller-manager runs");
        return;
    case APIRESPONSE_SIGNED: break;
    }
    w->mint.fate = MINT_PRESENT;
    w->mint.err = (struct err){0};
    settle(w, MINT_SIGNED);
}

/* Those that cluster-info shows are counted there. */
static void count(struct server *s, const struct apiresponse_info *info)
{
    int64_t wall_ms = s->minter->host.wall_ms();
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->posted_n; i++) {
        const struct posted p = s->posted[i];
        if (!apiresponse_has(info, str_from(p.id)) && wall_ms - p.end_wall_ms < TOKEN_LATE_MS)
            s->posted[kept++] = p;
    }
    s->posted_n = kept;
    s->signed_n = info->n;
    s->is_counted = true;
}

static int read_version(struct server *s, struct str body, struct err *e)
{
    struct kubeversion version;
    struct work *w, *next;
    int r = apiresponse_version(body, &s->scratch, &version, e);
    for (w = TAILQ_FIRST(&s->works[WANTS_VERSION]); r == 0 && w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (w->asked)
            on_version(w, version);
    }
    return r;
}

static int read_info(struct server *s, struct str body, struct err *e)
{
    struct poll *p = &s->polls[WANTS_SIGNATURE];
    struct apiresponse_info info;
    struct work *w, *next;
    int r = apiresponse_cluster_info(body, &s->scratch, &info, e);
    if (r < 0)
        return r;
    count(s, &info);
    for (w = TAILQ_FIRST(&s->works[WANTS_SIGNATURE]); w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (w->asked)
            on_signature(w, apiresponse_signature(&info, w->intent.token));
    }
    p->due_ms = now_ms(s) + retry_pause_ms(LOOK_FIRST_MS, ++p->looks, LOOK_MAX_MS);
    return 0;
}

static void on_polled(struct server *s, enum want which)
{
    struct poll *p = &s->polls[which];
    const struct retry_secret secret = {p->bearer, 20};
    struct fetch *f = p->fetch;
    struct work *w;
    struct err e;
    TAILQ_FOREACH(w, &s->works[which], entry)
    if (w->asked)
        read_clock(w, f);
    if (f->fault != FETCH_OK) {
        poll_retry(s, which, &f->err);
    } else if (f->status != 200) {
        retry_describe(names[which], f->status, f->body, &secret, 1, &s->scratch, &e);
        (is_refusal(f->status) ? poll_refuse : poll_retry)(s, which, &e);
    } else if ((which == WANTS_VERSION ? read_version : read_info)(s, f->body, &e) < 0) {
        poll_retry(s, which, &e);
    } else {
        p->attempts = 0;
    }
    end_fetch(s, &p->fetch);
    arena_reset(&s->scratch);
}

static void run(struct minter *m);

static void on_poll(void *cls, struct slot_ref ref, enum want which)
{
    struct minter *m = cls;
    struct server *s = slots_find(&m->servers, ref);
    if (!s || !s->polls[which].fetch || !s->polls[which].fetch->done)
        return;
    on_polled(s, which);
    run(m);
}

static void on_version_poll(void *cls, struct slot_ref ref)
{
    on_poll(cls, ref, WANTS_VERSION);
}

static void on_info_poll(void *cls, struct slot_ref ref)
{
    on_poll(cls, ref, WANTS_SIGNATURE);
}

/* --- The Secret ------------------------------------------------------------------------------- */

static bool is_full(const struct server *s)
{
    return s->is_counted ? s->signed_n + s->posted_n >= TOKENS_FULL
                         : s->posted_n >= MINTER_REQUESTS_MAX;
}

static struct posted *find_posted(const struct server *s, const struct work *w)
{
    for (uint32_t i = s->posted_n; i > 0; i--)
        if (str_is(token_id(w->intent.token), s->posted[i - 1].id))
            return &s->posted[i - 1];
    return NULL;
}

static void note_posted(struct server *s, const struct work *w)
{
    if (find_posted(s, w))
        return;
    s->posted = mem_grow(s->posted, s->posted_n, &s->posted_room, sizeof(*s->posted));
    struct posted *p = &s->posted[s->posted_n++];
    *p = (struct posted){.end_wall_ms = w->intent.end_wall_ms};
    memcpy(p->id, w->intent.token.p, TOKEN_ID_LEN);
}

/* As before the request: it was not carried out. */
static void was_not_posted(struct work *w)
{
    struct server *s = w->server;
    struct posted *p = find_posted(s, w);
    w->mint.fate = w->fate_before;
    if (p && w->mint.fate == MINT_ABSENT)
        *p = s->posted[--s->posted_n];
}

static void describe(struct work *w, struct err *ret)
{
    struct arena *a = &w->server->scratch;
    struct str secret = token_secret(w->intent.token);
    char *encoded = arena_alloc(a, base64_length(secret.n) + 1);
    base64_write(secret, encoded);
    const struct retry_secret secrets[] = {
        {secret, 5}, {str_from(encoded), 6}, {w->intent.bearer, 20}};
    retry_describe(names[WANTS_TOKEN], w->fetch->status, w->fetch->body, secrets, 3, a, ret);
}

static void retry(struct work *w, const struct err *why)
{
    tell(w, why);
    w->due_ms = now_ms(w->server) + pause_ms(w->fetch, w->attempts++);
}

/* A request that is refused by 4xx was not carried out; one that ends in 5xx may have been. Below
 * 400 it is no API server that answers. */
static void on_failure(struct work *w)
{
    int status = w->fetch->status;
    struct err e;
    describe(w, &e);
    if (status >= 400 && status < 500)
        was_not_posted(w);
    if (is_refusal(status))
        refuse(w, &e);
    else
        retry(w, &e);
}

static void on_fault(struct work *w)
{
    enum fetch_fault f = w->fetch->fault;
    if (f == FETCH_UNRESOLVED || f == FETCH_UNREACHED || f == FETCH_TLS)
        was_not_posted(w); /* nothing was sent */
    retry(w, &w->fetch->err);
}

/* 409 may be due to a request of ours whose answer was lost: only the signature tells. */
static void on_created(struct work *w)
{
    struct poll *p = &w->server->polls[WANTS_SIGNATURE];
    uint64_t now = now_ms(w->server);
    uint64_t due_ms = now + retry_pause_ms(LOOK_FIRST_MS, 0, LOOK_MAX_MS);
    w->existed = w->fetch->status == 409;
    if (!w->existed)
        w->mint.fate = MINT_PRESENT;
    w->looks_since_ms = now;
    if (!p->attempts && (p->due_ms > due_ms || p->due_ms <= now))
        p->due_ms = due_ms;
    p->looks = 0;
    want(w, WANTS_SIGNATURE);
}

static void on_post(void *cls, struct slot_ref ref)
{
    struct minter *m = cls;
    struct work *w = slots_find(&m->works, ref);
    if (!w || !w->fetch || !w->fetch->done)
        return;
    read_clock(w, w->fetch);
    if (w->fetch->fault != FETCH_OK)
        on_fault(w);
    else if (w->fetch->status == 201 || w->fetch->status == 409)
        on_created(w);
    else
        on_failure(w);
    end_fetch(w->server, &w->fetch);
    arena_reset(&w->server->scratch);
    run(m);
}

static void post(struct work *w)
{
    struct server *s = w->server;
    const struct mint_intent *i = &w->intent;
    struct waiter waiter = {{on_post, s->minter}, w->slot};
    struct err e;
    int status = start(s, apirequest_mint(i->token, i->description, i->end_wall_ms, &s->scratch),
                       i->bearer, waiter, &w->fetch, &e);
    if (status == -EBUSY) {
        retry(w, &e);
    } else if (status < 0) {
        refuse(w, &e);
    } else {
        w->fate_before = w->mint.fate;
        if (w->mint.fate == MINT_ABSENT)
            w->mint.fate = MINT_UNKNOWN;
        note_posted(s, w);
    }
}

/* --- The loop --------------------------------------------------------------------------------- */

/* Whether somebody waits for the poll; those that wait for room do, too. */
static bool is_wanted(const struct server *s, enum want which)
{
    return !TAILQ_EMPTY(&s->works[which]) ||
           (which == WANTS_SIGNATURE && !TAILQ_EMPTY(&s->works[WANTS_TOKEN]) && is_full(s));
}

/* Asked for with the newest token of the account. */
static void start_poll(struct server *s, enum want which)
{
    struct poll *p = &s->polls[which];
    struct works *works = &s->works[TAILQ_EMPTY(&s->works[which]) ? WANTS_TOKEN : which];
    struct wake wake = {which == WANTS_VERSION ? on_version_poll : on_info_poll, s->minter};
    struct apirequest r = which == WANTS_VERSION ? apirequest_version() : apirequest_cluster_info();
    struct work *w;
    struct err e;
    TAILQ_FOREACH(w, &s->works[which], entry)
    w->asked = true;
    arena_reset(&p->arena);
    p->bearer = arena_str(&p->arena, TAILQ_LAST(works, works)->intent.bearer);
    int status = start(s, r, p->bearer, (struct waiter){wake, s->slot}, &p->fetch, &e);
    if (status == -EBUSY)
        poll_retry(s, which, &e);
    else if (status < 0)
        poll_refuse(s, which, &e);
}

static bool has_slot(const struct server *s)
{
    return s->requests < MINTER_REQUESTS_MAX;
}

static void run_poll(struct server *s, enum want which, uint64_t now)
{
    struct poll *p = &s->polls[which];
    if (!is_wanted(s, which))
        end_fetch(s, &p->fetch);
    else if (!p->fetch && now >= p->due_ms && has_slot(s))
        start_poll(s, which);
}

static void tell_full(struct server *s)
{
    struct work *w;
    struct err e;
    err_set(&e, -EAGAIN,
            "the cluster has as many bootstrap tokens as it may have (%d): waits until some of "
            "them end",
            MINTER_TOKENS_MAX);
    TAILQ_FOREACH(w, &s->works[WANTS_TOKEN], entry)
    if (!w->fetch)
        tell(w, &e);
}

static void run_server(struct server *s, uint64_t now)
{
    struct work *w, *next;
    run_poll(s, WANTS_VERSION, now);
    run_poll(s, WANTS_SIGNATURE, now);
    for (w = TAILQ_FIRST(&s->works[WANTS_TOKEN]); w && has_slot(s) && !is_full(s); w = next) {
        next = TAILQ_NEXT(w, entry);
        if (!w->fetch && now >= w->due_ms)
            post(w);
    }
    if (s->is_counted && is_full(s))
        tell_full(s);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When it is to run again. Where all requests are in use, the end of one calls for the next. */
static uint64_t due_of(const struct server *s)
{
    const struct work *w;
    uint64_t due = NEVER;
    if (!has_slot(s))
        return NEVER;
    for (int i = 0; i < POLLED; i++)
        if (!s->polls[polled[i]].fetch && is_wanted(s, polled[i]))
            due = earlier(due, s->polls[polled[i]].due_ms);
    if (is_full(s))
        return due;
    TAILQ_FOREACH(w, &s->works[WANTS_TOKEN], entry)
    if (!w->fetch)
        due = earlier(due, w->due_ms);
    return due;
}

static void arm(struct minter *m)
{
    const struct server *s;
    const struct work *w = TAILQ_FIRST(&m->by_deadline);
    uint64_t due = w ? w->deadline_ms : NEVER;
    LIST_FOREACH(s, &m->all, entry)
    due = earlier(due, due_of(s));
    m->host.alarm.set(m->host.alarm.cls, due);
}

static void on_late(struct work *w)
{
    struct err e;
    if (w->mint.err.msg[0])
        err_set(&e, -ETIMEDOUT, "too late: %s", w->mint.err.msg);
    else
        err_set(&e, -ETIMEDOUT, "too late: the API server has not answered in time");
    w->mint.err = e; /* the clock is in it already */
    settle(w, MINT_LATE);
}

/* A waiter that is woken may begin and end mints. */
static void wake_all(struct minter *m)
{
    struct work *w;
    while ((w = TAILQ_FIRST(&m->news))) {
        TAILQ_REMOVE(&m->news, w, news);
        w->has_news = false;
        waiter_wake(w->intent.waiter);
    }
}

static void run(struct minter *m)
{
    uint64_t now = m->host.boot_ms();
    struct server *s;
    struct work *w;
    while ((w = TAILQ_FIRST(&m->by_deadline)) && now >= w->deadline_ms)
        on_late(w);
    LIST_FOREACH(s, &m->all, entry)
    run_server(s, now);
    wake_all(m);
    arm(m);
}

void minter_on_alarm(struct minter *m)
{
    run(m);
}

/* --- Begin and end ---------------------------------------------------------------------------- */

static void server_free(struct server *s)
{
    for (int i = 0; i < POLLED; i++) {
        end_fetch(s, &s->polls[polled[i]].fetch);
        arena_done(&s->polls[polled[i]].arena);
    }
    slots_remove(&s->minter->servers, s->slot);
    LIST_REMOVE(s, entry);
    arena_done(&s->arena);
    arena_done(&s->scratch);
    free(s->posted);
    free(s);
}

/* Nobody asks it for anything, and all tokens that it was asked for have ended. */
static bool is_idle(const struct server *s)
{
    int64_t wall_ms = s->minter->host.wall_ms();
    for (int i = 0; i < WANTS; i++)
        if (!TAILQ_EMPTY(&s->works[i]))
            return false;
    for (uint32_t i = 0; i < s->posted_n; i++)
        if (wall_ms - s->posted[i].end_wall_ms < TOKEN_LATE_MS)
            return false;
    return true;
}

static void sweep(struct minter *m)
{
    struct server *s, *next;
    for (s = LIST_FIRST(&m->all); s; s = next) {
        next = LIST_NEXT(s, entry);
        if (is_idle(s))
            server_free(s);
    }
}

static struct server *server_of(struct minter *m, const struct mint_intent *i)
{
    struct server *s;
    LIST_FOREACH(s, &m->all, entry)
    if (str_eq(s->endpoint, i->endpoint) && str_eq(s->ca, i->ca))
        return s;
    sweep(m);
    s = MEM_NEW(struct server);
    s->minter = m;
    arena_init(&s->arena, 4096);
    arena_init(&s->scratch, 4096);
    s->scratch.secret = true;
    s->endpoint = arena_str(&s->arena, i->endpoint);
    s->ca = arena_str(&s->arena, i->ca);
    for (int k = 0; k < WANTS; k++)
        TAILQ_INIT(&s->works[k]);
    for (int k = 0; k < POLLED; k++) {
        arena_init(&s->polls[polled[k]].arena, 1024);
        s->polls[polled[k]].arena.secret = true;
    }
    s->slot = slots_put(&m->servers, s);
    LIST_INSERT_HEAD(&m->all, s, entry);
    return s;
}

/* The time that it has: a token that has ended is never signed. */
static uint64_t deadline_of(const struct minter *m, const struct mint_intent *intent)
{
    int64_t left_ms = intent->end_wall_ms - m->host.wall_ms();
    uint64_t within_ms = left_ms > 0 ? (uint64_t)left_ms : 0;
    return m->host.boot_ms() + (within_ms < intent->within_ms ? within_ms : intent->within_ms);
}

static void copy_intent(struct work *w, const struct mint_intent *from)
{
    w->intent = *from;
    w->intent.endpoint = w->server->endpoint;
    w->intent.ca = w->server->ca;
    w->intent.bearer = arena_str(&w->arena, from->bearer);
    w->intent.token = arena_str(&w->arena, from->token);
    w->intent.description = arena_str(&w->arena, from->description);
}

/* Mints begin with about the same time before them. */
static void insert_by_deadline(struct minter *m, struct work *w)
{
    struct work *before = TAILQ_LAST(&m->by_deadline, works);
    while (before && before->deadline_ms > w->deadline_ms)
        before = TAILQ_PREV(before, works, due);
    if (before)
        TAILQ_INSERT_AFTER(&m->by_deadline, before, w, due);
    else
        TAILQ_INSERT_HEAD(&m->by_deadline, w, due);
}

static int on_begin(void *cls, const struct mint_intent *intent, struct mint **ret, struct err *e)
{
    struct minter *m = cls;
    if (!token_valid(intent->token) || !intent->bearer.n)
        return err_set(e, -EINVAL, "a mint needs a bootstrap token and an account's token");
    if (!str_starts(intent->endpoint, STR("https://")))
        return err_set(e, -EINVAL, "an API server's address must begin with https://");
    struct work *w = MEM_NEW(struct work);
    w->server = server_of(m, intent);
    arena_init(&w->arena, 4096);
    w->arena.secret = true;
    copy_intent(w, intent);
    w->slot = slots_put(&m->works, w);
    w->mint.fate = intent->fate;
    w->mint.port = &m->port;
    w->deadline_ms = deadline_of(m, intent);
    insert_by_deadline(m, w);
    TAILQ_INSERT_TAIL(&w->server->works[WANTS_VERSION], w, entry);
    m->host.alarm.set(m->host.alarm.cls, m->host.boot_ms());
    *ret = &w->mint;
    return 0;
}

static void on_end(struct mint *mint)
{
    struct work *w = (struct work *)mint; /* its first member */
    struct server *s = w->server;
    struct minter *m = s->minter;
    end_fetch(s, &w->fetch);
    TAILQ_REMOVE(&s->works[w->want], w, entry);
    if (w->mint.outcome == MINT_PENDING)
        TAILQ_REMOVE(&m->by_deadline, w, due);
    if (w->has_news)
        TAILQ_REMOVE(&m->news, w, news);
    slots_remove(&m->works, w->slot);
    arena_done(&w->arena);
    free(w);
    for (int i = 0; i < POLLED; i++)
        if (!is_wanted(s, polled[i]))
            end_fetch(s, &s->polls[polled[i]].fetch);
    arm(m);
}

struct minter *minter_new(const struct minter_host *host)
{
    struct minter *m = MEM_NEW(struct minter);
    m->host = *host;
    m->port = (struct mint_port){on_begin, on_end, m};
    TAILQ_INIT(&m->by_deadline);
    TAILQ_INIT(&m->news);
    return m;
}

const struct mint_port *minter_port(const struct minter *m)
{
    return &m->port;
}

void minter_free(struct minter *m)
{
    if (!m)
        return;
    assert(TAILQ_EMPTY(&m->by_deadline));
    while (!LIST_EMPTY(&m->all))
        server_free(LIST_FIRST(&m->all));
    slots_done(&m->works);
    slots_done(&m->servers);
    free(m);
}
