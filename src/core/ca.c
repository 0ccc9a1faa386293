/* SPDX-License-Identifier: Apache-2.0 */
/* The CA that nodes check this server by: ca.pem for them, and what admins do to it. */
#include "core/internal.h"

#include "core/answer.h"
#include "wire/negotiate.h"

#include <stdio.h>

#define CHUNK_BYTES 8192
#define WINDOWS_COUNTED_MAX 10000

/* --- What the daemon reports ----------------------------------------------------------------- */

void ca_forget(struct core *c)
{
    arena_init(&c->tls_arena, CHUNK_BYTES);
    c->tls =
        (struct core_tls){.ca = {"", 0}, .pin = {"", 0}, .former_pin = {"", 0}, .names = {"", 0}};
}

void core_set_tls(struct core *c, const struct core_tls *tls)
{
    struct arena *a = &c->tls_arena;
    struct str *warnings;
    arena_reset(a);
    c->tls = *tls;
    c->tls.ca = arena_str(a, tls->ca);
    c->tls.pin = arena_str(a, tls->pin);
    c->tls.former_pin = arena_str(a, tls->former_pin);
    c->tls.names = arena_str(a, tls->names);
    c->tls.warnings = warnings = ARENA_ARRAY(a, struct str, tls->warnings_n);
    for (uint32_t i = 0; i < tls->warnings_n; i++)
        warnings[i] = arena_str(a, tls->warnings[i]);
}

void core_ca_changed(struct core *c, uint64_t number, const char *reason)
{
    c->ca_changes = number;
    snprintf(c->ca_reason, sizeof(c->ca_reason), "%s", reason ? reason : "");
    core_wake_waiters(c);
}

/* --- For nodes ------------------------------------------------------------------------------- */

enum exchange_verdict ca_answer(struct exchange *x, struct request_ctx *rq)
{
    struct str ca = rq->core->tls.ca;
    if (!ca.n) {
        answer_refuse(x, 503, "the server has no CA yet");
        return EXCHANGE_DONE;
    }
    x->out.status = 200;
    x->out.type = "application/x-pem-file";
    x->out.cache = "no-cache"; /* a rotation must not wait for what a proxy has */
    x->out.event = "served";
    x->out.body = arena_str(&x->arena, ca);
    x->out.etag = answer_tag(x, ca);
    if (negotiate_etag_listed(x->in.if_none_match, str_from(x->out.etag))) {
        x->out.status = 304;
        x->out.type = NULL;
    }
    return EXCHANGE_DONE;
}

/* --- For admins ------------------------------------------------------------------------------ */

static struct value time_value(int64_t wall_s, struct arena *a)
{
    return json_time(wall_s * 1000, a);
}

/* Null if none is under way. */
static struct value rotation_value(const struct core *c, struct arena *a)
{
    const struct core_tls *t = &c->tls;
    if (!t->former_pin.n)
        return value_none();
    return JSON_MAP(
        a, JSON_STR("former_pin", t->former_pin),
        JSON_INT("windows", fleet_count_windows(c->fleet, t->former_pin, WINDOWS_COUNTED_MAX)));
}

static struct value certificate_value(const struct core_tls *t, struct arena *a)
{
    struct str rest = t->names;
    struct value *names = ARENA_ARRAY(a, struct value, t->names.n / 2 + 1);
    uint32_t n = 0;
    while (t->names.n && rest.p)
        names[n++] = value_str(str_cut(&rest, ','));
    return JSON_MAP(a, JSON_VALUE("since", time_value(t->since_s, a)),
                    JSON_VALUE("until", time_value(t->until_s, a)),
                    JSON_VALUE("names", value_list(names, n)));
}

static struct value warnings_value(const struct core_tls *t, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, t->warnings_n);
    for (uint32_t i = 0; i < t->warnings_n; i++)
        items[i] = value_str(t->warnings[i]);
    return value_list(items, t->warnings_n);
}

static struct value ca_value(const struct core *c, struct arena *a)
{
    const struct core_tls *t = &c->tls;
    return JSON_MAP(a, JSON_BOOL("provided", t->provided), JSON_STR("pin", t->pin),
                    JSON_VALUE("since", t->provided ? value_none() : time_value(t->ca_since_s, a)),
                    JSON_VALUE("until", t->provided ? value_none() : time_value(t->ca_until_s, a)),
                    JSON_VALUE("rotation", rotation_value(c, a)),
                    JSON_VALUE("certificate", certificate_value(t, a)),
                    JSON_VALUE("warnings", warnings_value(t, a)), JSON_STR("pem", t->ca));
}

enum exchange_verdict admin_show_ca(struct exchange *x, struct request_ctx *rq)
{
    if (admin_params(x, NULL, 0))
        answer_json(x, 200, ca_value(rq->core, &x->arena));
    return EXCHANGE_DONE;
}

struct ca_wait {
    struct core *core;
    uint64_t number;
};

static enum exchange_verdict on_ca_changed(struct exchange *x, void *state)
{
    const struct ca_wait *w = state;
    const struct core *c = w->core;
    if (c->ca_changes < w->number)
        return core_await(w->core, x, on_ca_changed, state);
    if (c->ca_reason[0])
        answer_problem(x, 503, arena_str(&x->arena, str_from(c->ca_reason)).p);
    else
        answer_json(x, 200, ca_value(c, &x->arena));
    return EXCHANGE_DONE;
}

static void stop_waiting(struct exchange *x, void *state)
{
    const struct ca_wait *w = state;
    core_leave(w->core, x);
}

static enum exchange_verdict change(struct exchange *x, struct core *c, enum core_ca_change what)
{
    const char *reason = "";
    struct ca_wait *w = ARENA_NEW(&x->arena, struct ca_wait);
    *w = (struct ca_wait){c, c->host.change_ca(c->host.cls, what, &reason)};
    if (!w->number) {
        answer_problem(x, 409, reason);
        return EXCHANGE_DONE;
    }
    exchange_at_end(x, stop_waiting, w);
    return on_ca_changed(x, w);
}

enum exchange_verdict admin_renew_ca(struct exchange *x, struct request_ctx *rq)
{
    struct value body;
    return admin_body(x, NULL, &body) ? change(x, rq->core, CORE_CA_RENEW) : EXCHANGE_DONE;
}

enum exchange_verdict admin_rotate_ca(struct exchange *x, struct request_ctx *rq)
{
    static const char *const members[] = {"now", NULL};
    struct value body;
    if (!admin_body(x, members, &body))
        return EXCHANGE_DONE;
    struct value now = value_get(body, STR("now"));
    if (now.kind != VALUE_UNDEFINED && now.kind != VALUE_BOOL) {
        answer_problem(x, 400, "now: expected true or false");
        return EXCHANGE_DONE;
    }
    bool at_once = now.kind == VALUE_BOOL && now.b;
    return change(x, rq->core, at_once ? CORE_CA_ROTATE_NOW : CORE_CA_ROTATE);
}
