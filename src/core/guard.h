/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: who asks the API, and whether they may.
 *
 * A process at a unix socket may do everything; all others show a token. What a row of the table of
 * routes needs is in the row. A request or stream whose token is revoked or has ended is ended.
 */
#ifndef CLOUDSEED_CORE_GUARD_H
#define CLOUDSEED_CORE_GUARD_H

#include "port/exchange.h"

struct core;
struct guard;

struct guard *guard_new(const struct core *c);
/* NULL is fine. */
void guard_free(struct guard *g);

/* False after a refusal. Otherwise x->in.principal says who it is. */
bool guard_admit(struct guard *g, struct exchange *x, enum access least);
/* Ends what was admitted by tokens that are not valid any more. */
void guard_look(struct guard *g);

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
