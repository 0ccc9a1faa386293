/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in to the web page and out of it (docs/why/page.md). */
#include "core/internal.h"

#include "core/answer.h"

/* No script can read it. Over TLS, nothing but this server has set it. */
static const struct exchange_header *set_cookie(struct exchange *x, struct str secret,
                                                const char *more)
{
    struct exchange_header *h = ARENA_ARRAY(&x->arena, struct exchange_header, 2);
    h->name = "Set-Cookie";
    h->value =
        ARENA_JOIN(&x->arena, str_from(guard_cookie_name(x)), STR("="), secret,
                   STR("; Path=/; HttpOnly; SameSite=Strict"),
                   x->in.listener == LISTENER_PAGE ? STR("") : STR("; Secure"), str_from(more))
            .p;
    return h;
}

static void answer_session(struct exchange *x, const struct core *c, struct str secret)
{
    char csrf[DIGEST_TEXT_SIZE];
    struct arena *a = &x->arena;
    x->is_secret = true;
    answer_json(
        x, 200,
        JSON_MAP(a, JSON_STR("name", admin_cause(x)),
                 JSON_STR("role", str_from(access_names[x->in.principal.access])),
                 JSON_STR("csrf", str_from(guard_session_csrf(c->guard, x, secret, csrf))),
                 JSON_VALUE("ends", json_time(guard_session_ends_wall_ms(c->guard, x), a))));
}

enum exchange_verdict page_sign_in(struct exchange *x, struct request_ctx *rq)
{
    static const char *const members[] = {"token", "code", NULL};
    char secret[SESSION_SECRET_LEN + 1];
    struct value body;
    x->is_secret = true;
    if (!admin_body(x, members, &body))
        return EXCHANGE_DONE;
    struct str token = value_get_text(body, STR("token")), code = value_get_text(body, STR("code"));
    if (body.n != 1 || !token.n == !code.n) {
        answer_problem(x, 400, "expected either 'token' or 'code'");
        return EXCHANGE_DONE;
    }
    if (!guard_sign_in(rq->core->guard, x, token, code, secret))
        return EXCHANGE_DONE;
    answer_session(x, rq->core, str_from(secret));
    x->out.headers = set_cookie(x, str_from(secret), "");
    explicit_bzero(secret, sizeof(secret));
    return EXCHANGE_DONE;
}

enum exchange_verdict page_show_session(struct exchange *x, struct request_ctx *rq)
{
    if (admin_params(x, NULL, 0))
        answer_session(x, rq->core, guard_cookie(x));
    return EXCHANGE_DONE;
}

enum exchange_verdict page_sign_out(struct exchange *x, struct request_ctx *rq)
{
    struct value body;
    if (!admin_body(x, NULL, &body))
        return EXCHANGE_DONE;
    guard_sign_out(rq->core->guard, x);
    x->out.status = 204;
    x->out.body = (struct str){"", 0};
    x->out.headers = set_cookie(x, STR(""), "; Max-Age=0");
    return EXCHANGE_DONE;
}

enum exchange_verdict page_make_code(struct exchange *x, struct request_ctx *rq)
{
    char code[SESSION_CODE_LEN + 1];
    struct value body;
    struct arena *a = &x->arena;
    x->is_secret = true;
    if (!admin_body(x, NULL, &body) || !guard_make_code(rq->core->guard, x, code))
        return EXCHANGE_DONE;
    int64_t ends = core_wall_ms(rq->core) + (int64_t)CODE_MS;
    answer_json(x, 201,
                JSON_MAP(a, JSON_STR("code", arena_str(a, str_from(code))),
                         JSON_VALUE("ends", json_time(ends, a))));
    explicit_bzero(code, sizeof(code));
    return EXCHANGE_DONE;
}

/* Nothing of what `cloudseed ui` passes on may count as its own. */
enum exchange_verdict page_relay(struct exchange *x, struct request_ctx *rq)
{
    struct value body;
    (void)rq;
    if (!admin_body(x, NULL, &body))
        return EXCHANGE_DONE;
    x->out.status = 204;
    x->out.body = (struct str){"", 0};
    x->out.gives_up_rights = true;
    return EXCHANGE_DONE;
}
