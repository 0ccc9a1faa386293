/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/uri.h"

#include "base/hex.h"

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7F;
}

bool uri_decode_segment(struct str s, struct arena *a, struct str *ret)
{
    char *p = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '%') {
            if (s.n - i < 3 || !hex_octet(s.p + i + 1, &c))
                return false;
            i += 2;
        }
        if (is_control(c))
            return false;
        p[n++] = (char)c;
    }
    p[n] = '\0';
    *ret = (struct str){p, n};
    return true;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

struct str uri_encode_segment(struct str s, struct arena *a)
{
    static const char digits[] = "0123456789ABCDEF";
    char *p = arena_alloc(a, s.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_unreserved(c)) {
            p[n++] = (char)c;
            continue;
        }
        p[n++] = '%';
        p[n++] = digits[c >> 4];
        p[n++] = digits[c & 15];
    }
    p[n] = '\0';
    return (struct str){p, n};
}
