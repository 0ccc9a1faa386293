/* SPDX-License-Identifier: Apache-2.0 */
/* hex: hexadecimal digits, to bytes and back. */
#ifndef CLOUDSEED_BASE_HEX_H
#define CLOUDSEED_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static const char hex_digits[] = "0123456789abcdef";

/* Writes two digits for each byte, without a NUL; returns the place behind them. */
static inline char *hex_write(const uint8_t *bytes, size_t n, char *to)
{
    for (size_t i = 0; i < n; i++) {
        *to++ = hex_digits[bytes[i] >> 4];
        *to++ = hex_digits[bytes[i] & 15];
    }
    return to;
}

/* 0 to 15 for a digit of any case, -1 for anything else. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Reads two digits at `p`. */
static inline bool hex_octet(const char *p, uint8_t *ret)
{
    int high = hex_digit(p[0]), low = high < 0 ? -1 : hex_digit(p[1]);
    if (low < 0)
        return false;
    *ret = (uint8_t)(high * 16 + low);
    return true;
}

#endif
