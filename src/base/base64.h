/* SPDX-License-Identifier: Apache-2.0 */
/* base64: bytes as text (RFC 4648, sections 4 and 5), and back. */
#ifndef CLOUDSEED_BASE_BASE64_H
#define CLOUDSEED_BASE_BASE64_H

#include "base/arena.h"

/* The number of characters, without a NUL. */
static inline size_t base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* Writes them, and a NUL. */
void base64_write(struct str bytes, char *to);

/* Reads the form that base64_write writes, padding included, and nothing else: no white space, no
 * bits that are left over. The bytes lie in the arena, with a NUL behind them. */
bool base64_read(struct str text, struct arena *a, struct str *ret);

/* With the alphabet of URLs and without padding (section 5), and a NUL; returns the number of
 * characters, at most base64_length. */
size_t base64url_write(struct str bytes, char *to);

/* The value of a digit; below 0 for any other character. */
int base64_digit(char c);

#endif
