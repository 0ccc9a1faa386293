/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access: the tokens by which admins ask from elsewhere (docs/formats/tokens.md).
 *
 * Of a token only the digest is kept. Who may do what with it, and when a request is refused, is
 * up to core.
 */
#ifndef CLOUDSEED_FLEET_ACCESS_H
#define CLOUDSEED_FLEET_ACCESS_H

#include "fleet/state.h"
#include "model/access.h"

#define ACCESS_TOKENS_MAX 256

struct access_token {
    struct str name;   /* as that of a node */
    struct str digest; /* SHA-256 of the token, in lower-case hexadecimal */
    struct str by;     /* who has made it: "uid 0", "token ci" */
    enum access access;
    int64_t created_wall_ms;
    int64_t ends_wall_ms; /* 0: never */
    int64_t used_wall_ms; /* 0: it was not used yet; some minutes late */
    struct str used_from; /* an address; empty with used_wall_ms 0 */
};

/* Whether it opens anything now. A clock that is before its creation is wrong: then one that has
 * an end opens nothing. */
bool access_token_is_valid(const struct access_token *t, int64_t now_wall_ms);

/* "token-created" or "token-revoked", with what it was. */
struct event access_event(const char *kind, const struct access_token *t, struct arena *a);

struct value access_token_value(const struct access_token *t, struct arena *a);
/* Texts live in the arena. -EINVAL for anything that no version of cloudseed wrote. */
int access_token_read(struct str json, struct arena *a, struct access_token *ret, struct err *e);

#endif
