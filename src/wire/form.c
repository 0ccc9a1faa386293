/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/form.h"

#include "base/hex.h"

bool form_has_type(struct str content_type)
{
    struct str type = str_cut(&content_type, ';');
    return str_eq_nocase(str_trim(type), STR(FORM_TYPE));
}

static bool needs_decoding(struct str s)
{
    return s.n && (memchr(s.p, '+', s.n) || memchr(s.p, '%', s.n));
}

static struct str decode(struct str s, struct arena *a)
{
    if (!needs_decoding(s))
        return s;
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t octet = (uint8_t)(s.p[i] == '+' ? ' ' : s.p[i]);
        if (s.p[i] == '%' && s.n - i > 2 && hex_octet(s.p + i + 1, &octet))
            i += 2;
        to[n++] = (char)octet;
    }
    to[n] = '\0';
    return (struct str){to, n};
}

bool form_next(struct str *rest, struct arena *a, struct form_field *ret)
{
    struct str pair = {"", 0};
    while (rest->p && pair.n == 0)
        pair = str_cut(rest, '&');
    if (pair.n == 0)
        return false;
    struct str name = str_cut(&pair, '=');
    ret->name = decode(name, a);
    ret->value = pair.p ? decode(pair, a) : (struct str){"", 0};
    return true;
}
