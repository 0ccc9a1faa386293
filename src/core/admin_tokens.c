/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of admins, and who asks. */
#include "core/internal.h"

#include "base/guess.h"
#include "core/answer.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "model/node.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define DAYS_DEFAULT 90
#define DAYS_MAX 3650

/* --- As JSON --------------------------------------------------------------------------------- */

static struct value time_or_none(int64_t wall_ms, struct arena *a)
{
    return wall_ms ? json_time(wall_ms, a) : value_none();
}

/* With the token itself, where it has just been made. */
static struct value token_value(const struct core *c, const struct access_token *t,
                                struct str secret, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("name", t->name),
        JSON_STR("role", str_from(access_names[t->access])),
        JSON_STR("by", t->by),
        JSON_VALUE("created", json_time(t->created_wall_ms, a)),
        JSON_VALUE("ends", time_or_none(t->ends_wall_ms, a)),
        JSON_BOOL("valid", access_token_is_valid(t, core_wall_ms(c))),
        JSON_VALUE("used", time_or_none(t->used_wall_ms, a)),
        JSON_VALUE("used_from", admin_text_or_none(t->used_from)),
        JSON_STR("token", secret),
    };
    size_t n = sizeof(pairs) / sizeof(pairs[0]);
    return json_map(pairs, secret.n ? n : n - 1, a);
}

/* --- Looking --------------------------------------------------------------------------------- */

enum exchange_verdict admin_show_self(struct exchange *x, struct request_ctx *rq)
{
    const struct principal *who = &x->in.principal;
    const struct access_token *t = NULL;
    struct arena *a = &x->arena;
    bool has_token = who->kind == PRINCIPAL_TOKEN;
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    if (has_token)
        t = fleet_access_named(rq->core->fleet, who->token);
    answer_json(x, 200,
                JSON_MAP(a, JSON_VALUE("token", has_token ? value_str(who->token) : value_none()),
                         JSON_VALUE("uid", has_token ? value_none() : value_int(who->uid)),
                         JSON_STR("role", str_from(access_names[who->access])),
                         JSON_VALUE("ends", time_or_none(t ? t->ends_wall_ms : 0, a))));
    return EXCHANGE_DONE;
}

/* All in one answer: there are at most ACCESS_TOKENS_MAX. */
enum exchange_verdict admin_list_tokens(struct exchange *x, struct request_ctx *rq)
{
    const struct core *c = rq->core;
    struct value *items = ARENA_ARRAY(&x->arena, struct value, ACCESS_TOKENS_MAX);
    const struct access_token *t;
    uint32_t n = 0;
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    for (; n < ACCESS_TOKENS_MAX && (t = fleet_access_at(c->fleet, n)); n++)
        items[n] = token_value(c, t, STR(""), &x->arena);
    answer_json(x, 200, JSON_MAP(&x->arena, JSON_VALUE("tokens", value_list(items, n))));
    return EXCHANGE_DONE;
}

/* --- Making one ------------------------------------------------------------------------------ */

static bool read_role(struct exchange *x, struct value v, enum access *ret)
{
    for (int i = 0; v.kind == VALUE_STR && access_names[i]; i++) {
        if (str_is(value_text(v), access_names[i])) {
            *ret = (enum access)i;
            return true;
        }
    }
    answer_problem(x, 400, "role: expected viewer, operator or admin");
    return false;
}

static bool read_days(struct exchange *x, struct value v, int64_t *ret_ms)
{
    int64_t days = v.kind == VALUE_NONE ? 0 : DAYS_DEFAULT;
    if (v.kind == VALUE_INT)
        days = v.i;
    if (v.kind == VALUE_UNDEFINED || v.kind == VALUE_NONE ||
        (v.kind == VALUE_INT && days >= 1 && days <= DAYS_MAX)) {
        *ret_ms = days * DAY_MS;
        return true;
    }
    answer_problem(x, 400, "days: expected a whole number from 1 to 3650, or null for no end");
    return false;
}

static bool read_token(struct exchange *x, const struct core *c, struct access_token *ret)
{
    static const char *const members[] = {"name", "role", "days", NULL};
    struct value body;
    int64_t length_ms;
    if (!admin_body(x, members, &body))
        return false;
    ret->name = value_get_text(body, STR("name"));
    if (!node_name_valid(ret->name)) {
        answer_problem(x, 400, "name: expected a-z, 0-9 and -, at most 63 characters, like laptop");
        return false;
    }
    if (!read_role(x, value_get(body, STR("role")), &ret->access) ||
        !read_days(x, value_get(body, STR("days")), &length_ms))
        return false;
    ret->by = admin_cause(x);
    ret->created_wall_ms = core_wall_ms(c);
    ret->ends_wall_ms = length_ms ? ret->created_wall_ms + length_ms : 0;
    return true;
}

struct making {
    const struct core *core;
    struct access_token token;
    struct str secret;
};

static enum exchange_verdict on_created(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    const struct making *m = state;
    struct arena *a = &x->arena;
    if (result->answer == FLEET_CONFLICT) {
        answer_problem(x, 409, "there is a token of this name: revoke it first, or choose another");
    } else if (result->answer != FLEET_DONE || result->status != 200) {
        answer_problem(x, result->status, result->reason);
    } else {
        answer_json(x, 201, token_value(m->core, &m->token, m->secret, a));
        x->out.location = ARENA_JOIN(a, STR("/v1/tokens/"), m->token.name).p;
    }
    return EXCHANGE_DONE;
}

/* It is shown once, in this answer. */
enum exchange_verdict admin_create_token(struct exchange *x, struct request_ctx *rq)
{
    struct fleet *f = rq->core->fleet;
    struct making *m = ARENA_NEW(&x->arena, struct making);
    char secret[ACCESS_TOKEN_LEN + 1], digest[DIGEST_TEXT_SIZE];
    m->core = rq->core;
    if (!read_token(x, rq->core, &m->token))
        return EXCHANGE_DONE;
    x->is_secret = true;
    keys_new_access(secret);
    m->secret = arena_str(&x->arena, str_from(secret));
    m->token.digest = arena_str(&x->arena, str_from(digest_text(m->secret, digest)));
    explicit_bzero(secret, sizeof(secret));
    const struct change by = {.cause = admin_cause(x), .peer = admin_peer(x)};
    return await_fleet(x, f, fleet_access_create(f, &m->token, &by, x->waiter), on_created, m);
}

/* --- Revoking one ---------------------------------------------------------------------------- */

static enum exchange_verdict on_revoked(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    struct core *c = state;
    if (result->answer != FLEET_DONE) {
        answer_problem(x, result->status, result->reason);
        return EXCHANGE_DONE;
    }
    x->out.status = 204;
    x->out.body = (struct str){"", 0};
    guard_look(c->guard);
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_revoke_token(struct exchange *x, struct request_ctx *rq)
{
    struct fleet *f = rq->core->fleet;
    const struct access_token *t = fleet_access_named(f, rq->path.name);
    struct value body;
    struct guess g;
    if (!admin_body(x, NULL, &body))
        return EXCHANGE_DONE;
    if (!t) {
        guess_init(&g, rq->path.name);
        for (uint32_t i = 0; (t = fleet_access_at(f, i)); i++)
            guess_offer(&g, t->name);
        admin_refuse_name(x, "token", rq->path.name, &g);
        return EXCHANGE_DONE;
    }
    const struct change by = {.cause = admin_cause(x), .peer = admin_peer(x)};
    return await_fleet(x, f, fleet_access_revoke(f, t, &by, x->waiter), on_revoked, rq->core);
}
