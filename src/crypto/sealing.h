/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealing: small secrets made unreadable where they are kept (docs/formats/keys.md).
 *
 * AES-256-GCM (NIST SP 800-38D) with a random nonce for each text. What a text was sealed for is
 * part of the seal: it opens for nothing else.
 */
#ifndef CLOUDSEED_CRYPTO_SEALING_H
#define CLOUDSEED_CRYPTO_SEALING_H

#include "base/arena.h"
#include "base/err.h"

struct sealer;

/* Reads the key's file, or makes one where there is none. */
int sealer_new(const char *path, struct sealer **ret, struct err *e);
/* The same, but -ENOENT where there is none. */
int sealer_open(const char *path, struct sealer **ret, struct err *e);
/* Makes another file of the same key; -EEXIST where there is one. */
int sealer_save(const struct sealer *s, const char *path, struct err *e);
void sealer_free(struct sealer *s);

/* "1:" and hexadecimal digits, in the arena. */
struct str sealer_seal(const struct sealer *s, struct str purpose, struct str text,
                       struct arena *a);
/* False where it was not sealed with this key for this purpose, or was changed since. */
bool sealer_unseal(const struct sealer *s, struct str purpose, struct str sealed, struct arena *a,
                   struct str *ret);

#endif
