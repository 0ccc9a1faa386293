/* SPDX-License-Identifier: Apache-2.0 */
#include "model/mac.h"

#include "base/hex.h"

/* The distance from one pair of digits to the next: 2 or 3; 0 where the text is not a MAC. */
static size_t stride_of(struct str s)
{
    if (s.n == 12)
        return 2;
    if (s.n != 17 || (s.p[2] != ':' && s.p[2] != '-'))
        return 0;
    for (size_t i = 5; i < s.n; i += 3) {
        if (s.p[i] != s.p[2])
            return 0;
    }
    return 3;
}

bool mac_parse(struct str s, struct mac *ret)
{
    struct mac m;
    size_t stride = stride_of(s);
    uint8_t any = 0;
    for (size_t i = 0; i < sizeof(m.octet); i++) {
        if (!stride || !hex_octet(s.p + i * stride, &m.octet[i]))
            return false;
        any |= m.octet[i];
    }
    if (!any || (m.octet[0] & 1)) /* the lowest bit of the first octet marks a group */
        return false;
    *ret = m;
    return true;
}

bool mac_is_zero(struct mac m)
{
    static const struct mac zero;
    return memcmp(&m, &zero, sizeof(m)) == 0;
}

const char *mac_text(struct mac m, char text[static MAC_TEXT_SIZE])
{
    char *at = text;
    for (int i = 0; i < 6; i++) {
        at = hex_write(&m.octet[i], 1, at);
        *at++ = i < 5 ? ':' : '\0';
    }
    return text;
}
