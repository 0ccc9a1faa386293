/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: who asks the API, and whether they may.
 *
 * A process at a unix socket may do everything; all others show a token, or the cookie of a session
 * that began with one. What a row of the table of routes needs is in the row. A request or stream
 * is ended when its token is revoked or ends, or its session does.
 */
#ifndef CLOUDSEED_CORE_GUARD_H
#define CLOUDSEED_CORE_GUARD_H

#include "core/sessions.h"
#include "port/exchange.h"

struct core;
struct guard;

struct guard *guard_new(const struct core *c);
/* NULL is fine. */
void guard_free(struct guard *g);

/* False after a refusal. Otherwise x->in.principal says who it is. */
bool guard_admit(struct guard *g, struct exchange *x, enum access least);
/* The same, but only by a session: by its cookie and its CSRF token. A page of another site can
 * have the browser send the cookie, and a server at another port of the host gets it, but neither
 * has the token. */
bool guard_admit_session(struct guard *g, struct exchange *x);
/* Ends what was admitted by tokens or sessions that are not valid any more. */
void guard_look(struct guard *g);

/* --- Sessions of the web page ---------------------------------------------------------------- */

/* The name of a session's cookie on that listener, and its value; p == NULL: there is none. */
const char *guard_cookie_name(const struct exchange *x);
struct str guard_cookie(const struct exchange *x);
/* Begins a session for a token, or for a code where `token` is empty. NULL after a refusal: wrong
 * ones are counted, see below. Otherwise x->in.principal says who it is. */
const struct session *guard_sign_in(struct guard *g, struct exchange *x, struct str token,
                                    struct str code, char secret[SESSION_SECRET_LEN + 1]);
/* Of the session by which it was admitted, or which it has begun: its CSRF token, where `secret` is
 * that of the cookie, and when it ends. */
const char *guard_session_csrf(const struct guard *g, const struct exchange *x, struct str secret,
                               char ret[static DIGEST_TEXT_SIZE]);
int64_t guard_session_ends_wall_ms(const struct guard *g, const struct exchange *x);
/* Ends it. */
void guard_sign_out(struct guard *g, struct exchange *x);
/* A code for another sign-in of the one that asks. False after a refusal. */
bool guard_make_code(struct guard *g, struct exchange *x, char code[SESSION_CODE_LEN + 1]);

/* --- Failures -------------------------------------------------------------------------------- */

/*
 * Wrong tokens by address. A token cannot be guessed: this only keeps a client that goes on asking
 * with a wrong one from filling the log. So a client with a valid token is always answered, and
 * addresses that share a slot share its count.
 */
#define FAILURES_SLOTS 1024
#define FAILURES_MAX 10 /* within FAILURES_MS of the first one */
#define FAILURES_MS ((uint64_t)60 * 1000)

struct failures {
    struct {
        uint64_t first_boot_ms;
        uint32_t n;
    } slots[FAILURES_SLOTS];
};

/* Counts one. 0, or in how many milliseconds that address may try again. An IPv6 network of 64 bits
 * is one address. */
uint64_t failures_note(struct failures *f, struct address peer, uint64_t now_boot_ms);

#endif
