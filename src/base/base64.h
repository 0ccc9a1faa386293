/* SPDX-License-Identifier: Apache-2.0 */
/* base64: bytes as text (RFC 4648, section 4). */
#ifndef CLOUDSEED_BASE_BASE64_H
#define CLOUDSEED_BASE_BASE64_H

#include "base/str.h"

/* The number of characters, without a NUL. */
static inline size_t base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* Writes them, and a NUL. */
void base64_write(struct str bytes, char *to);

/* The value of a digit; below 0 for any other character. */
int base64_digit(char c);

#endif
