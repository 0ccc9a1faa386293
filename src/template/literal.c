/* SPDX-License-Identifier: Apache-2.0 */
#include "template/literal.h"

#include "base/hex.h"
#include "template/text.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_TEXT_MAX 400

const char *literal_integer(struct str text, int64_t *ret)
{
    char kind = text.n > 1 && text.p[0] == '0' ? (char)(text.p[1] | 0x20) : '\0';
    int64_t base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    int64_t v = 0;
    for (size_t i = base == 10 ? 0 : 2; i < text.n; i++) {
        if (text.p[i] == '_')
            continue;
        if (__builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, (int64_t)hex_digit(text.p[i]), &v))
            return "this number is larger than 9223372036854775807";
    }
    *ret = v;
    return NULL;
}

const char *literal_float(struct str text, double *ret)
{
    char digits[NUMBER_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '_')
            continue;
        if (n + 1 == sizeof(digits))
            return "this number has too many digits";
        digits[n++] = text.p[i];
    }
    digits[n] = '\0';
    double v = strtod(digits, NULL);
    if (!isfinite(v))
        return "this number is too large";
    *ret = v;
    return NULL;
}

/* Where one escape is read from and its meaning written to. */
struct unescape {
    struct str in; /* behind the backslash */
    char *out;
};

static const char *put_code(struct unescape *u, uint32_t c)
{
    if (c == 0)
        return "a string cannot hold the character 0";
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return "this escape is no character";
    u->out += text_encode(c, u->out);
    return NULL;
}

static const char *hex_escape(struct unescape *u, size_t digits)
{
    uint32_t c = 0;
    for (size_t i = 1; i <= digits; i++) {
        int digit = i < u->in.n ? hex_digit(u->in.p[i]) : -1;
        if (digit < 0)
            return "this escape is cut short: \\xHH, \\uHHHH and \\UHHHHHHHH are the forms";
        c = c << 4 | (uint32_t)digit;
    }
    u->in = str_skip(u->in, digits + 1);
    return put_code(u, c);
}

static const char *octal_escape(struct unescape *u)
{
    uint32_t c = 0;
    size_t n = 0;
    while (n < 3 && n < u->in.n && u->in.p[n] >= '0' && u->in.p[n] <= '7')
        c = c << 3 | (uint32_t)(u->in.p[n++] - '0');
    u->in = str_skip(u->in, n);
    return put_code(u, c);
}

static const char *plain_escape(struct unescape *u)
{
    static const char names[] = "\n\\'\"abfnrtv", meanings[] = "\0\\'\"\a\b\f\n\r\t\v";
    char c = u->in.p[0];
    if ((unsigned char)c >= 0x80)
        return "no such escape: write \\\\ for a backslash";
    const char *at = strchr(names, c);
    u->in = str_skip(u->in, 1);
    if (!at) { /* Python keeps the backslash of what it does not know */
        *u->out++ = '\\';
        *u->out++ = c;
    } else if (c != '\n') {
        *u->out++ = meanings[at - names];
    }
    return NULL;
}

static const char *escape(struct unescape *u)
{
    switch (u->in.p[0]) {
    case 'x': return hex_escape(u, 2);
    case 'u': return hex_escape(u, 4);
    case 'U': return hex_escape(u, 8);
    case 'N': return "escapes by name are not supported: write \\uHHHH";
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7': return octal_escape(u);
    default: return plain_escape(u);
    }
}

const char *literal_string(struct str text, struct arena *a, struct str *ret)
{
    struct str in = {text.p + 1, text.n - 2};
    char *start = arena_alloc(a, in.n + 1); /* no escape is shorter than its meaning */
    struct unescape u = {.in = in, .out = start};
    while (u.in.n) {
        char c = u.in.p[0];
        u.in = str_skip(u.in, 1);
        if (c != '\\') {
            *u.out++ = c;
            continue;
        }
        const char *error = escape(&u);
        if (error)
            return error;
    }
    *ret = (struct str){start, (size_t)(u.out - start)};
    return NULL;
}
