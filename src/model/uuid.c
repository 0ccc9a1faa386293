/* SPDX-License-Identifier: Apache-2.0 */
#include "model/uuid.h"

#include "base/hex.h"

static bool dash_follows(size_t octet)
{
    return octet == 3 || octet == 5 || octet == 7 || octet == 9;
}

bool uuid_parse(struct str s, struct uuid *ret)
{
    if (s.n != UUID_TEXT_SIZE - 1)
        return false;
    struct uuid u;
    uint8_t any = 0, all = 0xFF;
    const char *p = s.p;
    for (size_t i = 0; i < sizeof(u.octet); i++) {
        if (!hex_octet(p, &u.octet[i]))
            return false;
        any |= u.octet[i];
        all &= u.octet[i];
        p += 2;
        if (dash_follows(i) && *p++ != '-')
            return false;
    }
    if (any == 0 || all == 0xFF)
        return false;
    *ret = u;
    return true;
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
