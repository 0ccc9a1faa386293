/* SPDX-License-Identifier: Apache-2.0 */
/* digest: SHA-256 of data that comes in pieces. */
#ifndef CLOUDSEED_CRYPTO_DIGEST_H
#define CLOUDSEED_CRYPTO_DIGEST_H

#include "base/str.h"

#define DIGEST_TEXT_SIZE 65 /* 64 lower-case hexadecimal digits and a NUL */

struct digest;

struct digest *digest_new(void);
void digest_add(struct digest *d, struct str bytes);
/* Frees it. `text` may be NULL where the digest is not needed. Returns `text`. */
const char *digest_end(struct digest *d, char *text);

/* Of one text. Returns `ret`. */
const char *digest_text(struct str bytes, char ret[static DIGEST_TEXT_SIZE]);

/* Whether `s` is 64 hexadecimal digits, of any case. */
bool digest_text_valid(struct str s);

#endif
