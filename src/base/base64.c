/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* The digits of up to three bytes. */
static void write_group(const char *digits, struct str bytes, char to[static 4])
{
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; k++)
        bits = bits << 8 | (k < bytes.n ? (unsigned char)bytes.p[k] : 0);
    to[0] = digits[bits >> 18];
    to[1] = digits[bits >> 12 & 63];
    to[2] = bytes.n > 1 ? digits[bits >> 6 & 63] : '=';
    to[3] = bytes.n > 2 ? digits[bits & 63] : '=';
}

void base64_write(struct str bytes, char *to)
{
    for (; bytes.n; bytes = str_skip(bytes, 3), to += 4)
        write_group(ALPHABET "+/", bytes, to);
    *to = '\0';
}

size_t base64url_write(struct str bytes, char *to)
{
    size_t n = bytes.n / 3 * 4 + (bytes.n % 3 ? bytes.n % 3 + 1 : 0);
    char *end = to + n, last[4];
    for (; bytes.n >= 3; bytes = str_skip(bytes, 3), to += 4)
        write_group(ALPHABET "-_", bytes, to);
    if (to < end) {
        write_group(ALPHABET "-_", bytes, last);
        memcpy(to, last, (size_t)(end - to));
    }
    *end = '\0';
    return n;
}

bool base64_read(struct str text, struct arena *a, struct str *ret)
{
    size_t padding = str_ends(text, STR("==")) ? 2 : str_ends(text, STR("=")), n = 0;
    uint32_t bits = 0;
    if (text.n % 4)
        return false;
    char *bytes = arena_alloc(a, text.n / 4 * 3 + 1);
    for (size_t i = 0; i < text.n - padding; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4)
            bytes[n++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    if (bits & ((1U << 2 * padding) - 1))
        return false;
    bytes[n] = '\0';
    *ret = (struct str){bytes, n};
    return true;
}

int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}
