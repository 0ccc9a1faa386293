/* SPDX-License-Identifier: Apache-2.0 */
#include "model/address.h"

#include <arpa/inet.h>
#include <stdio.h>

static int af_of(struct address a)
{
    return a.family == 4 ? AF_INET : AF_INET6;
}

static size_t octets_of(struct address a)
{
    return a.family == 4 ? 4 : 16;
}

/* A dual-stack socket reports an IPv4 peer as ::ffff:a.b.c.d: the same machine must have the same
 * address. */
static void unmap(struct address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    if (a->family != 6 || memcmp(a->octet, mapped, sizeof(mapped)) != 0)
        return;
    struct address v4 = {.family = 4};
    memcpy(v4.octet, a->octet + sizeof(mapped), 4);
    *a = v4;
}

bool address_parse(struct str s, struct address *ret)
{
    char z[ADDRESS_TEXT_SIZE];
    if (s.n == 0 || s.n >= sizeof(z) || memchr(s.p, '\0', s.n))
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    struct address a = {.family = memchr(z, ':', s.n) ? 6 : 4};
    if (inet_pton(af_of(a), z, a.octet) != 1)
        return false;
    unmap(&a);
    *ret = a;
    return true;
}

/* inet_ntop's sprintf is slow, and this is done for every rendering and every log line. */
static void ipv4_text(const uint8_t octet[static 4], char *text)
{
    char digits[STR_U64_SIZE];
    for (int i = 0; i < 4; i++) {
        struct str number = str_of_u64(octet[i], digits);
        memcpy(text, number.p, number.n);
        text += number.n;
        *text++ = i < 3 ? '.' : '\0';
    }
}

const char *address_text(struct address a, char text[static ADDRESS_TEXT_SIZE])
{
    text[0] = '\0';
    if (a.family == 4)
        ipv4_text(a.octet, text);
    else if (a.family == 6)
        inet_ntop(AF_INET6, a.octet, text, ADDRESS_TEXT_SIZE);
    return text;
}

bool address_same(struct address a, struct address b)
{
    return a.family == b.family && memcmp(a.octet, b.octet, octets_of(a)) == 0;
}

/* Clears all bits after the first `prefix`. */
static struct address masked(struct address a, uint8_t prefix)
{
    for (size_t i = 0; i < octets_of(a); i++) {
        unsigned bits = prefix > i * 8 ? prefix - (unsigned)i * 8 : 0;
        if (bits < 8)
            a.octet[i] &= (uint8_t)(0xFF00u >> bits);
    }
    return a;
}

bool cidr_parse(struct str s, struct cidr *ret, struct cidr *ret_hint)
{
    struct str base = str_cut(&s, '/');
    struct address a;
    uint64_t prefix;
    if (!s.p || !address_parse(base, &a))
        return false;
    bool mapped = a.family == 4 && memchr(base.p, ':', base.n); /* its prefix would be ambiguous */
    if (mapped || !str_to_u64(s, octets_of(a) * 8, &prefix))
        return false;
    struct cidr c = {masked(a, (uint8_t)prefix), (uint8_t)prefix};
    if (!address_same(a, c.base)) {
        if (ret_hint)
            *ret_hint = c;
        return false;
    }
    *ret = c;
    return true;
}

const char *cidr_text(struct cidr c, char text[static CIDR_TEXT_SIZE])
{
    char base[ADDRESS_TEXT_SIZE];
    snprintf(text, CIDR_TEXT_SIZE, "%s/%u", address_text(c.base, base), c.prefix);
    return text;
}

bool cidr_contains(struct cidr c, struct address a)
{
    return a.family == c.base.family && address_same(masked(a, c.prefix), c.base);
}

bool cidr_overlaps(struct cidr a, struct cidr b)
{
    return a.prefix < b.prefix ? cidr_contains(a, b.base) : cidr_contains(b, a.base);
}

bool cidr_has_host(struct cidr c, struct address a)
{
    if (!cidr_contains(c, a))
        return false;
    if (c.prefix + 1u >= octets_of(a) * 8)
        return true;
    struct address inverted = a;
    for (size_t i = 0; i < octets_of(a); i++)
        inverted.octet[i] = (uint8_t)~a.octet[i];
    bool last = address_same(inverted, masked(inverted, c.prefix)); /* host bits are all one */
    return !address_same(a, c.base) && !(last && a.family == 4);
}

bool endpoint_parse(struct str s, struct endpoint *ret)
{
    bool brackets = s.n && s.p[0] == '[';
    if (brackets)
        s = str_skip(s, 1);
    struct str host = str_cut(&s, brackets ? ']' : ':');
    if (brackets && s.n && s.p[0] != ':')
        return false;
    struct endpoint e;
    uint64_t port;
    bool six = host.n && memchr(host.p, ':', host.n);
    if (!s.p || six != brackets || !address_parse(host, &e.address))
        return false;
    if (!str_to_u64(brackets ? str_skip(s, 1) : s, UINT16_MAX, &port))
        return false;
    e.port = (uint16_t)port;
    *ret = e;
    return true;
}

const char *endpoint_text(struct endpoint e, char text[static ENDPOINT_TEXT_SIZE])
{
    char host[ADDRESS_TEXT_SIZE];
    bool six = e.address.family == 6;
    snprintf(text, ENDPOINT_TEXT_SIZE, "%s%s%s:%u", six ? "[" : "", address_text(e.address, host),
             six ? "]" : "", e.port);
    return text;
}
