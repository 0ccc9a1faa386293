/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets: the server's secrets and the file that keeps them (docs/formats/keys.md).
 *
 * The file is the one thing from which every node's seed key follows. Two secrets may live at a
 * time, while one replaces the other.
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

/* The first makes keys, each of them opens. */
struct secrets {
    struct secret list[SECRETS_MAX];
    size_t n;
};

/* Reads the secret file. -ENOENT where there is none; -EPERM where others than its owner may use
 * it; -EINVAL with the line for what is no secret. */
int secrets_load(const char *path, struct secrets *ret, struct err *e);
/* The same, but makes a file with a new secret (0600) where there is none. */
int secrets_load_or_create(const char *path, struct secrets *ret, bool *ret_created, struct err *e);
/* Reads the text of a secret file. */
int secrets_parse(struct str text, struct secrets *ret, struct err *e);
/* The text of a file that holds them, in the arena. */
struct str secrets_text(const struct secrets *s, struct arena *a);
/* Makes the secret file (0600) of such a text; -EEXIST where there is one. */
int secrets_restore(const char *path, struct str text, struct err *e);
/* Overwrites them in memory. */
void secrets_wipe(struct secrets *s);

#endif
