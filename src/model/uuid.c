/* SPDX-License-Identifier: Apache-2.0 */
#include "model/uuid.h"

#include "base/hex.h"

static bool dash_follows(size_t octet)
{
    return octet == 3 || octet == 5 || octet == 7 || octet == 9;
}

static bool read_octets(struct str s, bool dashes, struct uuid *ret)
{
    if (s.n != (dashes ? UUID_TEXT_SIZE - 1 : 2 * sizeof(ret->octet)))
        return false;
    const char *p = s.p;
    for (size_t i = 0; i < sizeof(ret->octet); i++) {
        if (!hex_octet(p, &ret->octet[i]))
            return false;
        p += 2;
        if (dashes && dash_follows(i) && *p++ != '-')
            return false;
    }
    return true;
}

bool uuid_parse(struct str s, struct uuid *ret)
{
    struct uuid u;
    uint8_t any = 0, all = 0xFF;
    if (!read_octets(s, true, &u))
        return false;
    for (size_t i = 0; i < sizeof(u.octet); i++) {
        any |= u.octet[i];
        all &= u.octet[i];
    }
    if (any == 0 || all == 0xFF)
        return false;
    *ret = u;
    return true;
}

struct str uuid_usual(struct str s, char text[static UUID_TEXT_SIZE])
{
    struct str trimmed = str_trim(s), digits = trimmed;
    struct uuid u;
    if (digits.n > 2 && digits.p[0] == '{' && digits.p[digits.n - 1] == '}')
        digits = (struct str){digits.p + 1, digits.n - 2};
    if (!read_octets(digits, true, &u) && !read_octets(digits, false, &u))
        return trimmed;
    return str_from(uuid_text(u, text));
}

bool uuid_same(struct uuid a, struct uuid b)
{
    return memcmp(a.octet, b.octet, sizeof(a.octet)) == 0;
}

struct uuid uuid_swapped(struct uuid u)
{
    static const uint8_t from[] = {3, 2, 1, 0, 5, 4, 7, 6};
    struct uuid swapped = u;
    for (size_t i = 0; i < sizeof(from); i++)
        swapped.octet[i] = u.octet[from[i]];
    return swapped;
}

const char *uuid_text(struct uuid u, char text[static UUID_TEXT_SIZE])
{
    char *p = text;
    for (size_t i = 0; i < sizeof(u.octet); i++) {
        p = hex_write(&u.octet[i], 1, p);
        if (dash_follows(i))
            *p++ = '-';
    }
    *p = '\0';
    return text;
}
