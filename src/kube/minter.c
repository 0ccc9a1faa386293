/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/minter.h"

#include "base/base64.h"
#include "base/clock.h"
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

struct work;

/* What comes next: the request, and what its answer means. The fetch port sends none of them twice,
 * but GETs: what became of a POST must be known. */
struct step {
    struct apirequest (*request)(struct work *w);
    void (*on_answer)(struct work *w, int status, struct str body);
    const char *what; /* "API server cannot …" */
    bool creates;
};

struct work {
    struct mint mint;
    struct mint_intent intent; /* its texts lie in `arena` */
    struct minter *minter;
    struct slot_ref slot;
    const struct step *step;
    struct fetch *fetch;          /* NULL: it waits for `due_ms` */
    enum mint_fate fate_before;   /* the request that is under way */
    uint64_t due_ms, deadline_ms; /* boot-time clock */
    uint64_t foreign_ms;          /* since when another's signature is there; 0: it is not */
    uint64_t looks_since_ms;      /* since when a signature is looked for */
    uint32_t attempts;            /* of this step, without an answer that is one */
    uint32_t looks;
    bool existed; /* the answer to a POST was 409 */
    bool news;
    struct arena arena, scratch;
    TAILQ_ENTRY(work) entry;
};

struct minter {
    struct minter_host host;
    struct mint_port port;
    struct slots slots;
    TAILQ_HEAD(, work) all; /* the oldest first, which is served first */
    uint32_t requests;
};

static const struct step reads_version, creates, looks;

/* --- Ends ------------------------------------------------------------------------------------- */

static void end_fetch(struct work *w)
{
    if (!w->fetch)
        return;
    fetch_end(w->fetch);
    w->fetch = NULL;
    w->minter->requests--;
}

static void settle(struct work *w, enum mint_outcome outcome)
{
    assert(w->mint.outcome == MINT_PENDING);
    end_fetch(w);
    w->mint.outcome = outcome;
    w->news = true;
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
        w->news = true;
    w->mint.err = e;
}

static void refuse(struct work *w, const struct err *why)
{
    tell(w, why);
    settle(w, MINT_REFUSED);
}

static void next(struct work *w, const struct step *step, uint64_t after_ms)
{
    w->step = step;
    w->attempts = 0;
    w->due_ms = w->minter->host.boot_ms() + after_ms;
}

static void retry(struct work *w, unsigned at_least_s, const struct err *why)
{
    uint64_t ms = retry_pause_ms(RETRY_FIRST_MS, w->attempts++, RETRY_MAX_MS);
    tell(w, why);
    w->due_ms = w->minter->host.boot_ms() + (uint64_t)at_least_s * 1000 + ms;
}

/* --- Answers that are none -------------------------------------------------------------------- */

static void describe(struct work *w, int status, struct str body, struct err *ret)
{
    struct str secret = token_secret(w->intent.token);
    char *encoded = arena_alloc(&w->scratch, base64_length(secret.n) + 1);
    base64_write(secret, encoded);
    const struct retry_secret secrets[] = {
        {secret, 5}, {str_from(encoded), 6}, {w->intent.bearer, 20}};
    retry_describe(w->step->what, status, body, secrets, 3, &w->scratch, ret);
}

/* What is not the step's own answer. A request that is refused by 4xx was not carried out; one that
 * ends in 5xx may have been. Below 400 it is no API server that answers. */
static void on_failure(struct work *w, int status, struct str body)
{
    struct err e;
    describe(w, status, body, &e);
    bool refused = status >= 400 && status < 500;
    if (refused)
        w->mint.fate = w->fate_before;
    if (refused && status != 408 && status != 429)
        refuse(w, &e);
    else
        retry(w, apiresponse_retry_after(fetch_header(w->fetch, "Retry-After")), &e);
}

static void on_fault(struct work *w)
{
    enum fetch_fault f = w->fetch->fault;
    if (f == FETCH_UNRESOLVED || f == FETCH_UNREACHED || f == FETCH_TLS)
        w->mint.fate = w->fate_before; /* nothing was sent */
    retry(w, 0, &w->fetch->err);
}

/* --- The version ------------------------------------------------------------------------------ */

static struct apirequest version_request(struct work *w)
{
    (void)w;
    return apirequest_version();
}

static void on_version(struct work *w, int status, struct str body)
{
    struct kubeversion kubeadm = w->intent.kubeadm;
    struct err e;
    if (status != 200) {
        on_failure(w, status, body);
    } else if (apiresponse_version(body, &w->scratch, &w->mint.version, &e) < 0) {
        retry(w, 0, &e);
    } else if (kubeadm.major && !kubeversion_same_minor(kubeadm, w->mint.version)) {
        err_set(&e, -EPROTO, "the cluster runs Kubernetes %u.%u, and the node has kubeadm %u.%u",
                w->mint.version.major, w->mint.version.minor, kubeadm.major, kubeadm.minor);
        tell(w, &e);
        settle(w, MINT_SKEW);
    } else {
        next(w, &creates, 0);
    }
}

static const struct step reads_version = {version_request, on_version, "say its version", false};

/* --- The Secret ------------------------------------------------------------------------------- */

static struct apirequest create_request(struct work *w)
{
    return apirequest_mint(w->intent.token, w->intent.description, w->intent.end_wall_ms,
                           &w->scratch);
}

static void on_created(struct work *w, int status, struct str body)
{
    if (status != 201 && status != 409) {
        on_failure(w, status, body);
        return;
    }
    /* 409 may be due to a request of ours whose answer was lost: only the signature tells. */
    w->existed = status == 409;
    if (!w->existed)
        w->mint.fate = MINT_PRESENT;
    w->looks_since_ms = w->minter->host.boot_ms();
    next(w, &looks, retry_pause_ms(LOOK_FIRST_MS, 0, LOOK_MAX_MS));
}

static const struct step creates = {create_request, on_created, "create a bootstrap token", true};

/* --- The signature ---------------------------------------------------------------------------- */

static struct apirequest look_request(struct work *w)
{
    (void)w;
    return apirequest_cluster_info();
}

static void look_again(struct work *w, const char *why)
{
    struct err e;
    err_set(&e, -EAGAIN, "%s", why);
    if (w->minter->host.boot_ms() - w->looks_since_ms >= UNSIGNED_MS)
        tell(w, &e);
    next(w, &looks, retry_pause_ms(LOOK_FIRST_MS, ++w->looks, LOOK_MAX_MS));
}

static void on_foreign(struct work *w)
{
    uint64_t now = w->minter->host.boot_ms();
    if (!w->foreign_ms)
        w->foreign_ms = now;
    if (!w->existed || now - w->foreign_ms < FOREIGN_MS) {
        look_again(w, "cluster-info is signed for this id, but not with this token");
        return;
    }
    w->mint.fate = MINT_ABSENT;
    struct err e;
    err_set(&e, -EEXIST, "another bootstrap token of the cluster has this id");
    tell(w, &e);
    settle(w, MINT_TAKEN);
}

static void on_look(struct work *w, int status, struct str body)
{
    enum apiresponse_signature signature;
    struct err e;
    if (status != 200) {
        on_failure(w, status, body);
    } else if (apiresponse_cluster_info(body, w->intent.token, &w->scratch, &signature, &e) < 0) {
        retry(w, 0, &e);
    } else if (signature == APIRESPONSE_FOREIGN) {
        on_foreign(w);
    } else if (signature == APIRESPONSE_UNSIGNED) {
        w->foreign_ms = 0;
        look_again(w, "the cluster has not signed cluster-info with the token yet: see whether "
                      "kube-controller-manager runs");
    } else {
        w->mint.fate = MINT_PRESENT;
        w->mint.err = (struct err){0};
        settle(w, MINT_SIGNED);
    }
}

static const struct step looks = {look_request, on_look, "show cluster-info", false};

/* --- The loop --------------------------------------------------------------------------------- */

static void wake(struct work *w)
{
    if (!w->news)
        return;
    w->news = false;
    waiter_wake(w->intent.waiter);
}

static void read_clock(struct work *w)
{
    int64_t date_ms;
    if (!clock_read_http(fetch_header(w->fetch, "Date"), &date_ms))
        return;
    /* It is cut to the second. */
    int64_t ahead_ms = date_ms - w->minter->host.wall_ms();
    w->mint.ahead_ms = ahead_ms < -1000 ? ahead_ms + 1000 : ahead_ms > 0 ? ahead_ms : 0;
    w->mint.clock_known = true;
}

static void on_done(struct work *w)
{
    if (w->fetch->fault == FETCH_OK) {
        read_clock(w);
        w->step->on_answer(w, w->fetch->status, w->fetch->body);
    } else {
        on_fault(w);
    }
    end_fetch(w);
    arena_reset(&w->scratch);
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

static void run(struct minter *m);

static void on_wake(void *cls, struct slot_ref ref)
{
    struct minter *m = cls;
    struct work *w = slots_find(&m->slots, ref);
    if (!w || !w->fetch || !w->fetch->done)
        return;
    on_done(w);
    wake(w); /* its owner may end it, or others */
    run(m);
}

static void ask(struct work *w)
{
    struct apirequest r = w->step->request(w);
    struct fetch_field type = {STR("Content-Type"), str_from(r.content_type)};
    struct err e;
    const struct fetch_request q = {
        .method = r.method,
        .url = ARENA_JOIN(&w->scratch, w->intent.endpoint, r.path),
        .headers = &type,
        .n_headers = r.content_type != NULL,
        .bearer = w->intent.bearer,
        .body = r.body,
        .ca = w->intent.ca,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .silence_ms = ANSWER_MS,
        .whole_ms = WHOLE_MS,
        .body_max_bytes = ANSWER_MAX_BYTES,
        .waiter = {{on_wake, w->minter}, w->slot},
    };
    int status = fetch_start(w->minter->host.fetch, &q, &w->fetch, &e);
    arena_reset(&w->scratch);
    if (status == -EBUSY) {
        retry(w, 0, &e);
    } else if (status < 0) {
        refuse(w, &e);
    } else {
        w->minter->requests++;
        w->fate_before = w->mint.fate;
        if (w->step->creates && w->mint.fate == MINT_ABSENT)
            w->mint.fate = MINT_UNKNOWN;
    }
}

/* What is due now: true where the waiter must be woken. */
static bool advance(struct work *w, uint64_t now)
{
    if (w->mint.outcome != MINT_PENDING)
        return w->news;
    if (now >= w->deadline_ms)
        on_late(w);
    else if (!w->fetch && now >= w->due_ms && w->minter->requests < MINTER_REQUESTS_MAX)
        ask(w);
    return w->news;
}

static void arm(struct minter *m)
{
    uint64_t due = NEVER;
    struct work *w;
    TAILQ_FOREACH(w, &m->all, entry)
    {
        if (w->mint.outcome != MINT_PENDING)
            continue;
        /* Where all requests are in use, the end of one calls for the next. */
        bool waits = !w->fetch && m->requests < MINTER_REQUESTS_MAX;
        uint64_t at = waits && w->due_ms < w->deadline_ms ? w->due_ms : w->deadline_ms;
        due = at < due ? at : due;
    }
    m->host.alarm.set(m->host.alarm.cls, due);
}

/* A waiter that is woken may begin and end mints: after each one the list is looked at again. */
static void run(struct minter *m)
{
    uint64_t now = m->host.boot_ms();
    struct work *w;
    do {
        TAILQ_FOREACH(w, &m->all, entry)
        if (advance(w, now))
            break;
        if (w)
            wake(w);
    } while (w);
    arm(m);
}

void minter_on_alarm(struct minter *m)
{
    run(m);
}

/* --- Begin and end ---------------------------------------------------------------------------- */

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
    w->intent.endpoint = arena_str(&w->arena, from->endpoint);
    w->intent.ca = arena_str(&w->arena, from->ca);
    w->intent.bearer = arena_str(&w->arena, from->bearer);
    w->intent.token = arena_str(&w->arena, from->token);
    w->intent.description = arena_str(&w->arena, from->description);
}

static int on_begin(void *cls, const struct mint_intent *intent, struct mint **ret, struct err *e)
{
    struct minter *m = cls;
    if (!token_valid(intent->token) || !intent->bearer.n)
        return err_set(e, -EINVAL, "a mint needs a bootstrap token and an account's token");
    if (!str_starts(intent->endpoint, STR("https://")))
        return err_set(e, -EINVAL, "an API server's address must begin with https://");
    struct work *w = MEM_NEW(struct work);
    arena_init(&w->arena, 4096);
    arena_init(&w->scratch, 4096);
    w->arena.secret = w->scratch.secret = true;
    copy_intent(w, intent);
    w->minter = m;
    w->slot = slots_put(&m->slots, w);
    w->mint.fate = intent->fate;
    w->mint.port = &m->port;
    w->deadline_ms = deadline_of(m, intent);
    TAILQ_INSERT_TAIL(&m->all, w, entry);
    next(w, &reads_version, 0);
    arm(m);
    *ret = &w->mint;
    return 0;
}

static void on_end(struct mint *mint)
{
    struct work *w = (struct work *)mint; /* its first member */
    struct minter *m = w->minter;
    end_fetch(w);
    TAILQ_REMOVE(&m->all, w, entry);
    slots_remove(&m->slots, w->slot);
    arena_done(&w->arena);
    arena_done(&w->scratch);
    free(w);
    arm(m);
}

struct minter *minter_new(const struct minter_host *host)
{
    struct minter *m = MEM_NEW(struct minter);
    m->host = *host;
    m->port = (struct mint_port){on_begin, on_end, m};
    TAILQ_INIT(&m->all);
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
    assert(TAILQ_EMPTY(&m->all));
    slots_done(&m->slots);
    free(m);
}
