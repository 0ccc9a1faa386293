/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions: who is signed in to the web page, and the codes by which one signs in once
 * (docs/why/page.md).
 *
 * Both are kept in memory only, in tables of a fixed size. Of the secret in a browser's cookie, and
 * of a code, only the digest is here. Whether a session's token is still valid is for guard.c to
 * see; nothing here knows of requests. Times are of the boot clock.
 */
#ifndef CLOUDSEED_CORE_SESSIONS_H
#define CLOUDSEED_CORE_SESSIONS_H

#include "crypto/digest.h"
#include "crypto/keys.h"
#include "port/exchange.h"

#define SESSIONS_MAX 64
#define SESSIONS_OWN_MAX 16 /* of one owner; another one ends the one that was used longest ago */
#define SESSION_MS ((uint64_t)12 * 3600 * 1000)
#define SESSION_IDLE_MS ((uint64_t)3600 * 1000)
#define CODES_MAX 16
#define CODES_OWN_MAX 4
#define CODE_MS ((uint64_t)60 * 1000)

/* Who signs in. */
struct session_owner {
    char token[DIGEST_TEXT_SIZE]; /* the digest of a token; empty: a process on this machine */
    uint32_t uid;                 /* of that process */
};

struct session {
    uint64_t number; /* of no other session; 0: the place is free */
    struct session_owner owner;
    enum exchange_listener listener; /* it counts only there */
    uint64_t began_ms, used_ms;
    char digest[DIGEST_TEXT_SIZE];
    char salt[SESSION_SECRET_LEN + 1];
};

struct sessions;

struct sessions *sessions_new(void);
/* NULL is fine. */
void sessions_free(struct sessions *s);

/* Begins one, and gives its secret, with a NUL. */
const struct session *sessions_begin(struct sessions *s, const struct session_owner *owner,
                                     enum exchange_listener listener, uint64_t now_ms,
                                     char secret[SESSION_SECRET_LEN + 1]);
/* The session of that secret, which is then used now. NULL: there is none, or it has ended. */
const struct session *sessions_find(struct sessions *s, struct str secret,
                                    enum exchange_listener listener, uint64_t now_ms);
/* The one of that number; NULL: it has ended. */
const struct session *sessions_numbered(struct sessions *s, uint64_t number, uint64_t now_ms);
void sessions_end(struct sessions *s, uint64_t number);

/* What the page must send with each request, beside the cookie: a browser gives the cookie to every
 * port of the host, but only the page at this one knows this. `secret` is the cookie's: with either
 * half, or with what the server keeps, the other one cannot be computed. Returns `ret`. */
const char *session_csrf(const struct session *s, struct str secret,
                         char ret[static DIGEST_TEXT_SIZE]);

/* Makes a code for that listener, with a NUL. */
void sessions_make_code(struct sessions *s, const struct session_owner *owner,
                        enum exchange_listener listener, uint64_t now_ms,
                        char code[SESSION_CODE_LEN + 1]);
/* Whose code it is; from then on it is no more. False: there is none like that. */
bool sessions_take_code(struct sessions *s, struct str code, enum exchange_listener listener,
                        uint64_t now_ms, struct session_owner *ret);

#endif
