/* SPDX-License-Identifier: Apache-2.0 */
#include "model/network.h"

const struct cidr *network_range(const struct network *n, uint8_t family)
{
    if (n->cidr.base.family == family)
        return &n->cidr;
    return n->cidr6.base.family && family == 6 ? &n->cidr6 : NULL;
}

struct address network_gateway(const struct network *n, uint8_t family)
{
    const struct cidr *range = network_range(n, family);
    if (!range)
        return (struct address){0};
    return range == &n->cidr ? n->gateway : n->gateway6;
}

bool network_contains(const struct network *n, struct address a)
{
    const struct cidr *range = network_range(n, a.family);
    return range && cidr_contains(*range, a);
}

bool address_is_link_local(struct address a)
{
    return a.family == 6 && a.octet[0] == 0xFE && (a.octet[1] & 0xC0) == 0x80;
}
