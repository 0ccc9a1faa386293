/* SPDX-License-Identifier: Apache-2.0 */
#include "core/probe.h"

#define CONNECT_MS 5000 /* the name, TCP and TLS */
#define WHOLE_MS 6000
#define BODY_MAX_BYTES 65536

struct probe {
    struct fetch *fetch;
    probe_then *then;
    void *state;
};

static void on_end(struct exchange *x, void *state)
{
    struct probe *p = state;
    (void)x;
    fetch_end(p->fetch);
    p->fetch = NULL;
}

/* Something that accepts and then is silent may be an API server that has too much to do. */
static enum cluster_probe found(const struct fetch *f)
{
    bool silent = f->reach == FETCH_ACCEPTED && f->fault == FETCH_LATE;
    return silent || f->reach == FETCH_ANSWERED ? CLUSTER_ANSWERED : CLUSTER_ABSENT;
}

static enum exchange_verdict on_news(struct exchange *x, void *state)
{
    struct probe *p = state;
    if (!p->fetch->done)
        return exchange_hold(x, on_news, p);
    enum cluster_probe result = found(p->fetch);
    on_end(x, p);
    return p->then(x, p->state, result);
}

enum exchange_verdict probe_endpoint(struct exchange *x, const struct fetch_port *port,
                                     struct str endpoint, probe_then *then, void *state)
{
    struct probe *p = ARENA_NEW(&x->arena, struct probe);
    struct err e;
    const struct fetch_request q = {
        .method = "GET",
        .url = ARENA_JOIN(&x->arena, STR("https://"), endpoint, STR("/version")),
        .connect_ms = CONNECT_MS,
        .answer_ms = WHOLE_MS,
        .whole_ms = WHOLE_MS,
        .body_max_bytes = BODY_MAX_BYTES,
        .waiter = x->waiter,
    };
    *p = (struct probe){.then = then, .state = state};
    if (!port)
        return then(x, state, CLUSTER_ABSENT);
    if (fetch_start(port, &q, &p->fetch, &e) < 0)
        return then(x, state, CLUSTER_UNPROBED);
    exchange_at_end(x, on_end, p);
    return exchange_hold(x, on_news, p);
}
