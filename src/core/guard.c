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

/* One that was admitted by a token, in its own arena. */
struct guarded {
    LIST_ENTRY(guarded) entry;
    struct exchange *x;
    struct str digest;
};

struct guard {
    const struct core *core;
    LIST_HEAD(, guarded) list;
    struct failures failures;
};

struct guard *guard_new(const struct core *c)
{
    struct guard *g = MEM_NEW(struct guard);
    g->core = c;
    LIST_INIT(&g->list);
    return g;
}

void guard_free(struct guard *g)
{
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

static void refuse_token(struct guard *g, struct exchange *x, const char *reason)
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

static enum exchange_verdict on_diverted(struct exchange *x, void *state)
{
    (void)state;
    x->out.more = false;
    if (!x->out.stream) {
        answer_problem(x, 401, no_longer);
        x->out.authenticate = "Bearer error=\"invalid_token\"";
    }
    return EXCHANGE_DONE;
}

static void leave(struct exchange *x, void *state)
{
    struct guarded *e = state;
    (void)x;
    LIST_REMOVE(e, entry);
}

static void enter(struct guard *g, struct exchange *x, const struct access_token *t)
{
    char from[ADDRESS_TEXT_SIZE];
    struct guarded *e = ARENA_NEW(&x->arena, struct guarded);
    *e = (struct guarded){.x = x, .digest = arena_str(&x->arena, t->digest)};
    x->in.principal = (struct principal){
        .kind = PRINCIPAL_TOKEN, .token = arena_str(&x->arena, t->name), .access = t->access};
    LIST_INSERT_HEAD(&g->list, e, entry);
    exchange_at_end(x, leave, e);
    fleet_access_used(g->core->fleet, x->in.principal.token,
                      str_from(address_text(x->in.peer, from)));
}

static bool admit_token(struct guard *g, struct exchange *x)
{
    char digest[DIGEST_TEXT_SIZE];
    const struct access_token *t;
    if (!x->in.bearer.p) {
        answer_problem(x, 401,
                       "admins from elsewhere show a token ('Authorization: Bearer "
                       "cloudseed_...'): one at the server makes it with 'cloudseed token create'");
        x->out.authenticate = "Bearer";
        return false;
    }
    if (!keys_access_valid(x->in.bearer)) {
        refuse_token(g, x,
                     "this is not a token of cloudseed: it is 'cloudseed_' and 52 characters");
        return false;
    }
    t = fleet_access_find(g->core->fleet, str_from(digest_text(x->in.bearer, digest)));
    if (!t || !access_token_is_valid(t, core_wall_ms(g->core))) {
        refuse_token(g, x, t ? no_longer : "no such token: it was revoked, or is another server's");
        return false;
    }
    enter(g, x, t);
    return true;
}

bool guard_admit(struct guard *g, struct exchange *x, enum access least)
{
    if (x->in.principal.kind == PRINCIPAL_SOCKET)
        x->in.principal.access = ACCESS_ADMIN;
    else if (!admit_token(g, x))
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
    int64_t now = core_wall_ms(g->core);
    for (e = LIST_FIRST(&g->list); e; e = next) {
        const struct access_token *t = fleet_access_find(g->core->fleet, e->digest);
        next = LIST_NEXT(e, entry);
        if (!t || !access_token_is_valid(t, now))
            exchange_divert(e->x, on_diverted, NULL);
    }
}
