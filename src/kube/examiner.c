/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/examiner.h"

#include "base/mem.h"
#include "crypto/certificate.h"
#include "kube/apirequest.h"
#include "kube/apiresponse.h"
#include "kube/retry.h"

#include <errno.h>
#include <stdlib.h>

#define CONNECT_MS 5000
#define ANSWER_MS 10000
#define WHOLE_MS 20000
#define ANSWER_MAX_BYTES 65536

struct work {
    struct checkup checkup;
    struct examiner *examiner;
    struct slot_ref slot;
    struct waiter waiter;
    struct str bearer;
    struct fetch *fetch;
    struct arena arena;
};

struct examiner {
    const struct fetch_port *fetch;
    int64_t (*wall_ms)(void);
    struct checkup_port port;
    struct slots works;
};

static void read_certificate(struct checkup *c, struct str pem)
{
    int64_t end_s;
    struct err e;
    if (pem.n && certificate_until(pem, &end_s, &e) == 0)
        c->certificate_end_wall_ms = end_s * 1000;
}

static void read_answer(struct work *w)
{
    struct fetch *f = w->fetch;
    const struct retry_secret secret = {w->bearer, 20};
    struct checkup *c = &w->checkup;
    if (f->fault != FETCH_OK) {
        c->err = f->err;
        return;
    }
    c->clock_known =
        apiresponse_clock(fetch_header(f, "Date"), w->examiner->wall_ms(), &c->ahead_ms);
    read_certificate(c, f->certificate);
    if (f->status != 200)
        retry_describe("say its version", f->status, f->body, &secret, 1, &w->arena, &c->err);
    else
        apiresponse_version(f->body, &w->arena, &c->version, &c->err);
}

static void on_wake(void *cls, struct slot_ref ref)
{
    struct examiner *all = cls;
    struct work *w = slots_find(&all->works, ref);
    if (!w || !w->fetch || !w->fetch->done)
        return;
    read_answer(w);
    fetch_end(w->fetch);
    w->fetch = NULL;
    w->checkup.done = true;
    waiter_wake(w->waiter); /* its owner may end it */
}

static void on_end(struct checkup *c)
{
    struct work *w = (struct work *)c; /* its first member */
    fetch_end(w->fetch);
    slots_remove(&w->examiner->works, w->slot);
    arena_done(&w->arena);
    free(w);
}

static int ask(struct work *w, const struct checkup_target *t, struct err *e)
{
    struct apirequest r = apirequest_version();
    const struct fetch_request q = {
        .method = r.method,
        .url = ARENA_JOIN(&w->arena, t->endpoint, r.path),
        .bearer = w->bearer,
        .ca = t->ca,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .silence_ms = ANSWER_MS,
        .whole_ms = WHOLE_MS,
        .body_max_bytes = ANSWER_MAX_BYTES,
        .looks = true,
        .waiter = {{on_wake, w->examiner}, w->slot},
    };
    return fetch_start(w->examiner->fetch, &q, &w->fetch, e);
}

static int on_begin(void *cls, const struct checkup_target *t, struct checkup **ret, struct err *e)
{
    struct examiner *all = cls;
    if (!t->bearer.n || !str_starts(t->endpoint, STR("https://")))
        return err_set(e, -EINVAL,
                       "a checkup needs a token and an address that begins with "
                       "https://");
    struct work *w = MEM_NEW(struct work);
    arena_init(&w->arena, 4096);
    w->arena.secret = true;
    w->examiner = all;
    w->slot = slots_put(&all->works, w);
    w->waiter = t->waiter;
    w->bearer = arena_str(&w->arena, t->bearer);
    w->checkup.port = &all->port;
    int r = ask(w, t, e);
    if (r < 0)
        on_end(&w->checkup);
    else
        *ret = &w->checkup;
    return r;
}

struct examiner *examiner_new(const struct fetch_port *fetch, int64_t (*wall_ms)(void))
{
    struct examiner *e = MEM_NEW(struct examiner);
    e->fetch = fetch;
    e->wall_ms = wall_ms;
    e->port = (struct checkup_port){on_begin, on_end, e};
    return e;
}

const struct checkup_port *examiner_port(const struct examiner *e)
{
    return &e->port;
}

void examiner_free(struct examiner *e)
{
    if (!e)
        return;
    slots_done(&e->works);
    free(e);
}
