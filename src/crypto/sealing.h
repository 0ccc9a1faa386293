/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealing: encryption of small secrets for storage (docs/formats/keys.md).
 *
 * AES-256-GCM (NIST SP 800-38D) with a random nonce for each text. The purpose of a text is
 * authenticated with it: it can only be unsealed for the same purpose.
 */
#ifndef CLOUDSEED_CRYPTO_SEALING_H
#define CLOUDSEED_CRYPTO_SEALING_H

#include "base/arena.h"
#include "base/err.h"

#define SEALER_KEY_BYTES 32

struct sealer;

/* Reads the key's file, or creates one where there is none. */
int sealer_new(const char *path, struct sealer **ret, struct err *e);
/* The same, but -ENOENT where there is none. */
int sealer_open(const char *path, struct sealer **ret, struct err *e);
/* Creates another file with the same key; -EEXIST where there is one already. */
int sealer_save(const struct sealer *s, const char *path, struct err *e);
/* With this key, and the key of one: for the copy that a passphrase opens. */
struct sealer *sealer_of(const uint8_t key[static SEALER_KEY_BYTES]);
const uint8_t *sealer_key(const struct sealer *s);
void sealer_free(struct sealer *s);

/* "1:" and hexadecimal digits, in the arena. */
struct str sealer_seal(const struct sealer *s, struct str purpose, struct str text,
                       struct arena *a);
/* False where it was not sealed with this key for this purpose, or has been changed. */
bool sealer_unseal(const struct sealer *s, struct str purpose, struct str sealed, struct arena *a,
                   struct str *ret);

#endif
