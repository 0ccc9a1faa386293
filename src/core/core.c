/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include "core/answer.h"
#include "core/boot.h"

#include <stdlib.h>

struct core {
    struct exchange_port port;
    struct snapshot *snapshot;
    bool draining;
};

static void on_begin(void *cls, struct exchange *x)
{
    struct core *c = cls;
    x->snapshot = snapshot_ref(c->snapshot);
}

static void answer_readyz(const struct core *c, struct exchange *x)
{
    if (c->draining) {
        answer_line(x, 503, "shutting down");
        x->out.retry_later = true;
    } else {
        answer_line(x, 200, "ready");
    }
}

static void answer_route(struct core *c, struct exchange *x)
{
    struct route r = route_parse(x->in.path, &x->arena);
    switch (r.kind) {
    case ROUTE_SEED:
    case ROUTE_EVIDENCE: boot_answer(x, &r); break;
    case ROUTE_HEALTHZ: answer_line(x, 200, "alive"); break;
    case ROUTE_READYZ: answer_readyz(c, x); break;
    default: answer_refuse(x, 404, r.reason); break;
    }
}

static enum exchange_verdict on_step(void *cls, struct exchange *x)
{
    if (x->in.method == METHOD_GET || x->in.method == METHOD_HEAD) {
        answer_route(cls, x);
        return EXCHANGE_DONE;
    }
    answer_refuse(x, 405, "only GET and HEAD are answered here");
    x->out.allow = "GET, HEAD";
    return EXCHANGE_DONE;
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    snapshot_unref(x->snapshot);
    x->snapshot = NULL;
}

struct core *core_new(struct snapshot *first)
{
    struct core *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->port = (struct exchange_port){.begin = on_begin, .step = on_step, .end = on_end, .cls = c};
    c->snapshot = first;
    return c;
}

void core_free(struct core *c)
{
    if (!c)
        return;
    snapshot_unref(c->snapshot);
    free(c);
}

const struct exchange_port *core_port(const struct core *c)
{
    return &c->port;
}

void core_replace(struct core *c, struct snapshot *next)
{
    snapshot_unref(c->snapshot);
    c->snapshot = next;
}

const struct snapshot *core_snapshot(const struct core *c)
{
    return c->snapshot;
}

struct snapshot *core_pin(struct core *c)
{
    return snapshot_ref(c->snapshot);
}

void core_set_draining(struct core *c)
{
    c->draining = true;
}
