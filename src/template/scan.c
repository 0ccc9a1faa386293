/* SPDX-License-Identifier: Apache-2.0 */
#include "template/scan.h"

static char char_at(struct str src, size_t pos)
{
    return pos < src.n ? src.p[pos] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit_of(char c, unsigned base)
{
    unsigned lower = (unsigned char)c | 0x20u;
    unsigned digit = is_digit(c)                    ? (unsigned)(c - '0')
                     : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                    : 99;
    return digit < base;
}

/* (_?[digit])*, from `pos` on. */
static size_t digits_end(struct str src, size_t pos, unsigned base)
{
    for (;;) {
        size_t next = pos + (char_at(src, pos) == '_');
        if (!is_digit_of(char_at(src, next), base))
            return pos;
        pos = next + 1;
    }
}

/* Digits at `pos`, the first of them no underscore; 0 where there are none. */
static size_t decimal_end(struct str src, size_t pos)
{
    return is_digit(char_at(src, pos)) ? digits_end(src, pos, 10) : 0;
}

/* A fraction, an exponent or both make a float; behind a dot there is none: "a.1.5". */
static size_t float_end(struct str src, size_t pos)
{
    size_t whole = decimal_end(src, pos);
    if (!whole || (pos > 0 && char_at(src, pos - 1) == '.'))
        return 0;
    size_t fraction = char_at(src, whole) == '.' ? decimal_end(src, whole + 1) : 0;
    size_t end = fraction ? fraction : whole;
    if ((char_at(src, end) | 0x20) != 'e')
        return fraction;
    bool sign = char_at(src, end + 1) == '+' || char_at(src, end + 1) == '-';
    size_t exponent = decimal_end(src, end + 1 + sign);
    return exponent ? exponent : fraction;
}

static size_t integer_end(struct str src, size_t pos)
{
    if (char_at(src, pos) != '0')
        return digits_end(src, pos, 10);
    char kind = (char)(char_at(src, pos + 1) | 0x20);
    unsigned base = kind == 'b' ? 2 : kind == 'o' ? 8 : kind == 'x' ? 16 : 0;
    size_t end = base ? digits_end(src, pos + 2, base) : pos + 2;
    return end > pos + 2 ? end : digits_end(src, pos + 1, 1);
}

size_t scan_number(struct str src, size_t pos, bool *ret_is_float)
{
    if (!is_digit(char_at(src, pos)))
        return 0;
    size_t end = float_end(src, pos);
    *ret_is_float = end > 0;
    return end ? end : integer_end(src, pos);
}

size_t scan_string(struct str src, size_t pos)
{
    char quote = char_at(src, pos);
    for (size_t i = pos + 1; i < src.n; i++) {
        if (src.p[i] == quote)
            return i + 1;
        i += src.p[i] == '\\';
    }
    return 0;
}

size_t scan_name(struct str src, size_t pos)
{
    if (is_digit(char_at(src, pos)))
        return pos;
    while (is_name_start(char_at(src, pos)) || is_digit(char_at(src, pos)))
        pos++;
    return pos;
}

size_t scan_operator(struct str src, size_t pos)
{
    static const char pairs[][3] = {"//", "**", "==", "!=", ">=", "<="};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (str_starts(str_skip(src, pos), (struct str){pairs[i], 2}))
            return pos + 2;
    }
    char c = char_at(src, pos);
    return c && strchr("+-/*%~[](){}><=.:|,;", c) ? pos + 1 : 0;
}
