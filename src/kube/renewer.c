/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/renewer.h"

#include "base/mem.h"
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
    struct renewal renewal;
    struct renewer *renewer;
    struct slot_ref slot;
    struct waiter waiter;
    struct str bearer;
    struct fetch *fetch;
    struct arena arena;
};

struct renewer {
    const struct fetch_port *fetch;
    struct renewal_port port;
    struct slots works;
};

static void read_answer(struct work *w)
{
    const struct fetch *f = w->fetch;
    const struct retry_secret secret = {w->bearer, 20};
    struct renewal *r = &w->renewal;
    struct apiresponse_token token;
    if (f->fault != FETCH_OK) {
        r->err = f->err;
    } else if (f->status != 201) {
        retry_describe("renew the account's token", f->status, f->body, &secret, 1, &w->arena,
                       &r->err);
    } else if (apiresponse_renewed(f->body, &w->arena, &token, &r->err) == 0) {
        r->token = token.token;
        r->end_wall_ms = token.end_wall_ms;
    }
}

static void on_wake(void *cls, struct slot_ref ref)
{
    struct renewer *all = cls;
    struct work *w = slots_find(&all->works, ref);
    if (!w || !w->fetch || !w->fetch->done)
        return;
    read_answer(w);
    fetch_end(w->fetch);
    w->fetch = NULL;
    w->renewal.done = true;
    waiter_wake(w->waiter); /* its owner may end it */
}

static void on_end(struct renewal *r)
{
    struct work *w = (struct work *)r; /* its first member */
    fetch_end(w->fetch);
    slots_remove(&w->renewer->works, w->slot);
    arena_done(&w->arena);
    free(w);
}

static int ask(struct work *w, const struct renewal_wish *wish, struct err *e)
{
    struct apirequest r = apirequest_renew(wish->account, wish->seconds, &w->arena);
    const struct fetch_field type = {STR("Content-Type"), str_from(r.content_type)};
    const struct fetch_request q = {
        .method = r.method,
        .url = ARENA_JOIN(&w->arena, wish->endpoint, r.path),
        .headers = &type,
        .n_headers = 1,
        .bearer = w->bearer,
        .body = r.body,
        .ca = wish->ca,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .silence_ms = ANSWER_MS,
        .whole_ms = WHOLE_MS,
        .body_max_bytes = ANSWER_MAX_BYTES,
        .repeatable = true, /* a token that is lost ends by itself */
        .waiter = {{on_wake, w->renewer}, w->slot},
    };
    return fetch_start(w->renewer->fetch, &q, &w->fetch, e);
}

static int on_begin(void *cls, const struct renewal_wish *wish, struct renewal **ret, struct err *e)
{
    struct renewer *all = cls;
    if (!wish->bearer.n || !str_starts(wish->endpoint, STR("https://")))
        return err_set(e, -EINVAL,
                       "a renewal needs a token and an address that begins with "
                       "https://");
    struct work *w = MEM_NEW(struct work);
    arena_init(&w->arena, 4096);
    w->arena.secret = true;
    w->renewer = all;
    w->slot = slots_put(&all->works, w);
    w->waiter = wish->waiter;
    w->bearer = arena_str(&w->arena, wish->bearer);
    w->renewal.port = &all->port;
    w->renewal.token = STR("");
    int r = ask(w, wish, e);
    if (r < 0)
        on_end(&w->renewal);
    else
        *ret = &w->renewal;
    return r;
}

struct renewer *renewer_new(const struct fetch_port *fetch)
{
    struct renewer *r = MEM_NEW(struct renewer);
    r->fetch = fetch;
    r->port = (struct renewal_port){on_begin, on_end, r};
    return r;
}

const struct renewal_port *renewer_port(const struct renewer *r)
{
    return &r->port;
}

void renewer_free(struct renewer *r)
{
    if (!r)
        return;
    slots_done(&r->works);
    free(r);
}
