/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets: the server's secrets and the file that keeps them (docs/formats/keys.md).
 *
 * Every node's seed key is derived from this file. It may hold two secrets while one replaces the
 * other.
 */
#ifndef CLOUDSEED_CRYPTO_SECRETS_H
#define CLOUDSEED_CRYPTO_SECRETS_H

#include "base/arena.h"
#include "base/err.h"

#define SECRET_BYTES 32
#define SECRETS_MAX 2

struct secret {
    char kid; /* one of a-z and 2-7 */
    uint8_t bytes[SECRET_BYTES];
};

/* Keys are made from the first; keys of each are accepted. */
struct secrets {
    struct secret list[SECRETS_MAX];
    size_t n;
};

/* Reads the secret file. -ENOENT where there is none; -EPERM where group or others
 * have access; -EINVAL, with the line, where it is not a valid secret file. */
int secrets_load(const char *path, struct secrets *ret, struct err *e);
/* The same, but creates a file with a new secret (0600) where there is none. */
int secrets_load_or_create(const char *path, struct secrets *ret, bool *ret_created, struct err *e);
/* Reads the text of a secret file. */
int secrets_parse(struct str text, struct secrets *ret, struct err *e);
/* The text of a file with these secrets, in the arena. */
struct str secrets_text(const struct secrets *s, struct arena *a);
/* Creates the secret file (0600) from such a text; -EEXIST where there is one already. */
int secrets_restore(const char *path, struct str text, struct err *e);
/* Overwrites them in memory. */
void secrets_wipe(struct secrets *s);

#endif
