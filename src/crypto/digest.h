/* SPDX-License-Identifier: Apache-2.0 */
/* digest: SHA-256 of what comes piece by piece. */
#ifndef CLOUDSEED_CRYPTO_DIGEST_H
#define CLOUDSEED_CRYPTO_DIGEST_H

#include "base/str.h"

#define DIGEST_TEXT_SIZE 65 /* 64 lower-case hexadecimal digits and a NUL */

struct digest;

struct digest *digest_new(void);
void digest_add(struct digest *d, struct str bytes);
/* Frees it; NULL may be given for `text` where nobody wants to know. Returns `text`. */
const char *digest_end(struct digest *d, char *text);

/* Whether this is how a SHA-256 is written, in digits of any case. */
bool digest_text_valid(struct str s);

#endif
