/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guard.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "core/answer.h"
#include "core/internal.h"
#include "crypto/digest.h"
#include "crypto/keys.h"

#include <stdlib.h>

/* One that was admitted by a token or a session, in its own arena. */
struct guarded {
    LIST_ENTRY(guarded) entry;
    struct exchange *x;
    struct str digest; /* of the token; empty: of a session that has none */
    uint64_t session;  /* 0: by the token itself */
};

struct guard {
    const struct core *core;
    LIST_HEAD(, guarded) list;
    struct failures failures;
    struct sessions *sessions;
};

struct guard *guard_new(const struct core *c)
{
    struct guard *g = MEM_NEW(struct guard);
    g->core = c;
    LIST_INIT(&g->list);
    g->sessions = sessions_new();
    return g;
}

void guard_free(struct guard *g)
{
    if (g)
        sessions_free(g->sessions);
    free(g);
}

/* --- Failures -------------------------------------------------------------------------------- */

#define IPV6_NETWORK_BYTES 8

uint64_t failures_note(struct failures *f, struct address peer, uint64_t now_boot_ms)
{
    size_t n = peer.family == 4 ? 4 : IPV6_NETWORK_BYTES;
    uint32_t at = (uint32_t)(hash64((struct str){(const char *)peer.octet, n}) % FAILURES_SLOTS);
    if (now_boot_ms - f->slots[at].first_boot_ms >= FAILURES_MS)
        f->slots[at].n = 0;
    if (f->slots[at].n == 0)
        f->slots[at].first_boot_ms = now_boot_ms;
    if (f->slots[at].n < FAILURES_MAX) {
        f->slots[at].n++;
        return 0;
    }
    return f->slots[at].first_boot_ms + FAILURES_MS - now_boot_ms;
}

static void refuse_wrong(struct guard *g, struct exchange *x, const char *reason)
{
    uint64_t left_ms = failures_note(&g->failures, x->in.peer, clock_boot_ms());
    if (left_ms) {
        answer_problem(x, 429, "too many wrong tokens came from this address: wait a minute");
        x->out.retry_after_s = (unsigned)(left_ms / 1000) + 1;
        x->out.event = NULL; /* those before it were logged */
        return;
    }
    answer_problem(x, 401, reason);
    x->out.authenticate = "Bearer error=\"invalid_token\"";
}

/* --- Who asks -------------------------------------------------------------------------------- */

static const char no_longer[] = "this token has ended or was revoked: an admin makes another with "
                                "'cloudseed token create'";
static const char signed_out[] = "this session has ended: sign in again";
static const char never_in[] = "there is no session: sign in";

static void refuse_unknown(struct exchange *x, const char *reason, const char *authenticate)
{
    answer_problem(x, 401, reason);
    x->out.authenticate = authenticate;
}

static enum exchange_verdict on_diverted(struct exchange *x, void *state)
{
    const struct guarded *e = state;
    x->out.more = false;
    if (!x->out.stream)
        refuse_unknown(x, e->session ? signed_out : no_longer, "Bearer error=\"invalid_token\"");
    return EXCHANGE_DONE;
}

static void leave(struct exchange *x, void *state)
{
    struct guarded *e = state;
    (void)x;
    LIST_REMOVE(e, entry);
}

/* `t` is NULL for a session of a process on this machine, `s` for a token that was shown itself. */
static void enter(struct guard *g, struct exchange *x, const struct access_token *t,
                  const struct session *s)
{
    char from[ADDRESS_TEXT_SIZE];
    struct guarded *e = ARENA_NEW(&x->arena, struct guarded);
    *e = (struct guarded){.x = x, .digest = STR(""), .session = s ? s->number : 0};
    x->in.principal = (struct principal){
        .kind = PRINCIPAL_SOCKET, .uid = s ? s->owner.uid : 0, .access = ACCESS_ADMIN};
    if (t) {
        e->digest = arena_str(&x->arena, t->digest);
        x->in.principal = (struct principal){
            .kind = PRINCIPAL_TOKEN, .token = arena_str(&x->arena, t->name), .access = t->access};
        fleet_access_used(g->core->fleet, x->in.principal.token,
                          str_from(address_text(x->in.peer, from)));
    }
    x->in.principal.session = e->session;
    LIST_INSERT_HEAD(&g->list, e, entry);
    exchange_at_end(x, leave, e);
}

static const struct access_token *valid_token(const struct guard *g, struct str digest)
{
    const struct access_token *t = fleet_access_find(g->core->fleet, digest);
    return t && access_token_is_valid(t, core_wall_ms(g->core)) ? t : NULL;
}

static const struct access_token *find_token(struct guard *g, struct exchange *x, struct str token)
{
    char digest[DIGEST_TEXT_SIZE];
    if (!keys_access_valid(token)) {
        refuse_wrong(g, x,
                     "this is not a token of cloudseed: it is 'cloudseed_' and 52 characters");
        return NULL;
    }
    digest_text(token, digest);
    const struct access_token *t = valid_token(g, str_from(digest));
    if (!t)
        refuse_wrong(g, x,
                     fleet_access_find(g->core->fleet, str_from(digest))
                         ? no_longer
                         : "no such token: it was revoked, or is another server's");
    return t;
}

static bool admit_token(struct guard *g, struct exchange *x)
{
    const struct access_token *t;
    if (!x->in.bearer.p) {
        refuse_unknown(x,
                       "admins from elsewhere show a token ('Authorization: Bearer "
                       "cloudseed_...'): one at the server makes it with 'cloudseed token create'",
                       "Bearer");
        return false;
    }
    t = find_token(g, x, x->in.bearer);
    if (t)
        enter(g, x, t, NULL);
    return t;
}

/* --- Sessions -------------------------------------------------------------------------------- */

/* Over TLS no other host and no other path of this one can set a cookie of that name. */
const char *guard_cookie_name(const struct exchange *x)
{
    return x->in.listener == LISTENER_PAGE ? "cloudseed" : "__Host-cloudseed";
}

struct str guard_cookie(const struct exchange *x)
{
    struct str rest = x->in.cookie;
    while (rest.p) {
        struct str value = str_cut(&rest, ';');
        struct str name = str_trim(str_cut(&value, '='));
        if (value.p && str_is(name, guard_cookie_name(x)))
            return str_trim(value);
    }
    return (struct str){NULL, 0};
}

static bool is_from_page(struct exchange *x)
{
    struct str site = x->in.fetch_site;
    if (!site.p || str_is(site, "same-origin") || str_is(site, "none"))
        return true;
    answer_problem(x, 403, "another page has sent this: only cloudseed's own is answered");
    return false;
}

static bool has_csrf(struct exchange *x, const struct session *s, struct str secret)
{
    char csrf[DIGEST_TEXT_SIZE];
    if (x->in.csrf.p && keys_same(x->in.csrf, str_from(session_csrf(s, secret, csrf))))
        return true;
    answer_problem(x, 403,
                   "a session's requests take the header X-Cloudseed-CSRF with its 'csrf', which "
                   "only the page has that signed in: sign in again");
    return false;
}

/* The valid token of a session that began with one. False: it is not valid any more. */
static bool owner_lasts(const struct guard *g, const struct session_owner *o,
                        const struct access_token **ret)
{
    *ret = o->token[0] ? valid_token(g, str_from(o->token)) : NULL;
    return *ret || !o->token[0];
}

bool guard_admit_session(struct guard *g, struct exchange *x)
{
    struct str secret = guard_cookie(x);
    const struct access_token *t;
    const struct session *s = NULL;
    if (secret.p)
        s = sessions_find(g->sessions, secret, x->in.listener, clock_boot_ms());
    if (!s || !owner_lasts(g, &s->owner, &t)) {
        refuse_unknown(x, secret.p ? signed_out : never_in, "Bearer");
        if (!secret.p && !x->in.bearer.p)
            x->out.event = NULL; /* every page asks so when it is opened */
        return false;
    }
    if (!is_from_page(x) || !has_csrf(x, s, secret))
        return false;
    enter(g, x, t, s);
    return true;
}

static bool take_code(struct guard *g, struct exchange *x, struct str code,
                      struct session_owner *ret, const struct access_token **ret_token)
{
    if (sessions_take_code(g->sessions, code, x->in.listener, clock_boot_ms(), ret) &&
        owner_lasts(g, ret, ret_token))
        return true;
    refuse_wrong(g, x,
                 "this code opens nothing: it is good for one minute and one sign-in; 'cloudseed "
                 "ui' makes another");
    return false;
}

static struct session_owner owner_of(const struct access_token *t, uint32_t uid)
{
    struct session_owner o = {.uid = t ? 0 : uid};
    if (t)
        memcpy(o.token, t->digest.p, DIGEST_TEXT_SIZE - 1);
    return o;
}

const struct session *guard_sign_in(struct guard *g, struct exchange *x, struct str token,
                                    struct str code, char secret[SESSION_SECRET_LEN + 1])
{
    struct session_owner owner;
    const struct access_token *t;
    if (!is_from_page(x))
        return NULL;
    if (token.n) {
        t = find_token(g, x, token);
        if (!t)
            return NULL;
        owner = owner_of(t, 0);
    } else if (!take_code(g, x, code, &owner, &t)) {
        return NULL;
    }
    const struct session *s =
        sessions_begin(g->sessions, &owner, x->in.listener, clock_boot_ms(), secret);
    enter(g, x, t, s);
    return s;
}

const char *guard_session_csrf(const struct guard *g, const struct exchange *x, struct str secret,
                               char ret[static DIGEST_TEXT_SIZE])
{
    uint64_t number = x->in.principal.session;
    return session_csrf(sessions_numbered(g->sessions, number, clock_boot_ms()), secret, ret);
}

int64_t guard_session_ends_wall_ms(const struct guard *g, const struct exchange *x)
{
    uint64_t now_ms = clock_boot_ms();
    const struct session *s = sessions_numbered(g->sessions, x->in.principal.session, now_ms);
    const struct access_token *t;
    int64_t ends = core_wall_ms(g->core) + (int64_t)(s->began_ms + SESSION_MS - now_ms);
    owner_lasts(g, &s->owner, &t);
    return t && t->ends_wall_ms && t->ends_wall_ms < ends ? t->ends_wall_ms : ends;
}

void guard_sign_out(struct guard *g, struct exchange *x)
{
    sessions_end(g->sessions, x->in.principal.session);
    guard_look(g);
}

bool guard_make_code(struct guard *g, struct exchange *x, char code[SESSION_CODE_LEN + 1])
{
    const struct principal *who = &x->in.principal;
    const struct access_token *t = NULL;
    if (who->session) { /* it would outlast its end */
        answer_problem(x, 403, "a session makes no codes: ask with a token, or at the socket");
        return false;
    }
    if (who->kind == PRINCIPAL_TOKEN)
        t = fleet_access_named(g->core->fleet, who->token);
    const struct session_owner owner = owner_of(t, who->uid);
    bool is_local = x->in.listener == LISTENER_SOCKET;
    sessions_make_code(g->sessions, &owner, is_local ? LISTENER_PAGE : x->in.listener,
                       clock_boot_ms(), code);
    return true;
}

/* --- What a route needs ---------------------------------------------------------------------- */

static bool admit(struct guard *g, struct exchange *x)
{
    if (x->in.principal.kind == PRINCIPAL_SOCKET && x->in.listener != LISTENER_PAGE) {
        x->in.principal.access = ACCESS_ADMIN;
        return true;
    }
    return !x->in.bearer.p && guard_cookie(x).p ? guard_admit_session(g, x) : admit_token(g, x);
}

bool guard_admit(struct guard *g, struct exchange *x, enum access least)
{
    if (!admit(g, x))
        return false;
    if (x->in.principal.access >= least)
        return true;
    answer_problem(x, 403,
                   arena_printf(&x->arena, "this takes the role %s, and the token %.*s has %s",
                                access_names[least], STR_ARG(x->in.principal.token),
                                access_names[x->in.principal.access])
                       .p);
    return false;
}

void guard_look(struct guard *g)
{
    struct guarded *e, *next;
    uint64_t now_ms = clock_boot_ms();
    for (e = LIST_FIRST(&g->list); e; e = next) {
        next = LIST_NEXT(e, entry);
        if ((e->digest.n && !valid_token(g, e->digest)) ||
            (e->session && !sessions_numbered(g->sessions, e->session, now_ms)))
            exchange_divert(e->x, on_diverted, e);
    }
}
