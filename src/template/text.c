/* SPDX-License-Identifier: Apache-2.0 */
#include "template/text.h"

#define REPLACEMENT 0xFFFD

static size_t sequence_length(unsigned char c)
{
    return c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
}

uint32_t text_decode(struct str s, size_t *ret_n)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t bad, n = sequence_length(p[0]);
    *ret_n = 1;
    if (n == 1)
        return p[0];
    if (n > s.n || !str_is_utf8((struct str){s.p, n}, &bad))
        return REPLACEMENT;
    *ret_n = n;
    uint32_t c = p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3F);
    return c;
}

uint32_t text_decode_last(struct str s, size_t *ret_n)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        struct str tail = {s.p + s.n - n, n};
        if (((unsigned char)tail.p[0] & 0xC0) == 0x80)
            continue;
        size_t used;
        uint32_t c = text_decode(tail, &used);
        if (used == n) {
            *ret_n = n;
            return c;
        }
        break;
    }
    *ret_n = 1;
    return REPLACEMENT;
}

size_t text_encode(uint32_t c, char out[static 4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((0xF00u >> n & 0xFF) | c);
    return n;
}

bool text_is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    }
    return true;
}

size_t text_length(struct str s)
{
    size_t length = 0, n;
    for (; s.n; s = str_skip(s, n), length++)
        text_decode(s, &n);
    return length;
}

struct str text_char_at(struct str s, size_t i)
{
    size_t n;
    for (; s.n; s = str_skip(s, n), i--) {
        text_decode(s, &n);
        if (i == 0)
            return (struct str){s.p, n};
    }
    return (struct str){NULL, 0};
}

bool text_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool is_one_of(uint32_t c, struct str chars)
{
    if (!chars.p)
        return text_is_space(c);
    size_t n;
    for (; chars.n; chars = str_skip(chars, n)) {
        if (text_decode(chars, &n) == c)
            return true;
    }
    return false;
}

struct str text_strip_left(struct str s, struct str chars)
{
    size_t n;
    while (s.n && is_one_of(text_decode(s, &n), chars))
        s = str_skip(s, n);
    return s;
}

struct str text_strip_right(struct str s, struct str chars)
{
    size_t n;
    while (s.n && is_one_of(text_decode_last(s, &n), chars))
        s.n -= n;
    return s;
}

static bool ends_line(uint32_t c)
{
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

struct str text_cut_line(struct str *s)
{
    struct str line = *s, rest = *s;
    size_t n;
    for (; rest.n; rest = str_skip(rest, n)) {
        size_t common = 0; /* what no line ends with, and most of what there is */
        while (common < rest.n && rest.p[common] >= ' ' && rest.p[common] <= '~')
            common++;
        rest = str_skip(rest, common);
        if (!rest.n)
            break;
        uint32_t c = text_decode(rest, &n);
        if (!ends_line(c))
            continue;
        line.n = (size_t)(rest.p - line.p);
        bool pair = c == '\r' && rest.n > 1 && rest.p[1] == '\n';
        *s = str_skip(rest, pair ? 2 : n);
        return line;
    }
    *s = rest;
    return line;
}

size_t text_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}
