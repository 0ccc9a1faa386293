/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proxyhead.h"

/* --- Version 1: a line of text --------------------------------------------------------------- */

#define V1_BEGIN STR("PROXY ")
#define V1_MAX_BYTES 107 /* with its CR and LF */

/* The address must be written as the family's are: a mapped one, which is read as IPv4, with
 * colons. */
static bool read_address(struct str s, bool is_v6, struct address *ret)
{
    return (memchr(s.p, ':', s.n) != NULL) == is_v6 && address_parse(s, ret);
}

static bool read_port(struct str s, uint16_t *ret)
{
    uint64_t port;
    if (!str_to_u64(s, UINT16_MAX, &port))
        return false;
    *ret = (uint16_t)port;
    return true;
}

/* "TCP4 192.0.2.1 192.0.2.2 56324 443" */
static bool read_line(struct str line, struct endpoint *ret)
{
    struct address proxied;
    struct endpoint client;
    uint16_t port;
    struct str protocol = str_cut(&line, ' ');
    bool is_v6 = str_is(protocol, "TCP6");
    if (str_is(protocol, "UNKNOWN")) {
        *ret = (struct endpoint){0};
        return true;
    }
    if (!is_v6 && !str_is(protocol, "TCP4"))
        return false;
    struct str from = str_cut(&line, ' '), to = str_cut(&line, ' ');
    struct str from_port = str_cut(&line, ' ');
    if (!line.p || !read_address(from, is_v6, &client.address) ||
        !read_address(to, is_v6, &proxied) || !read_port(from_port, &client.port) ||
        !read_port(line, &port))
        return false;
    *ret = client;
    return true;
}

static enum proxyhead_verdict parse_v1(struct str bytes, struct proxyhead *ret)
{
    struct str head = {bytes.p, bytes.n < V1_MAX_BYTES ? bytes.n : V1_MAX_BYTES};
    const char *end = memmem(head.p, head.n, "\r\n", 2);
    if (!end)
        return bytes.n < V1_MAX_BYTES ? PROXYHEAD_MORE : PROXYHEAD_BAD;
    struct str line = {head.p, (size_t)(end - head.p)};
    if (!read_line(str_skip(line, V1_BEGIN.n), &ret->client))
        return PROXYHEAD_BAD;
    ret->size = line.n + 2;
    return PROXYHEAD_WHOLE;
}

/* --- Version 2: bytes ------------------------------------------------------------------------ */

#define V2_BEGIN ((struct str){"\r\n\r\n\0\r\nQUIT\n", 12})
#define V2_FIXED_BYTES 16
enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };
/* Family and protocol in one byte. */
enum { V2_UNSPECIFIED = 0x00, V2_TCP4 = 0x11, V2_TCP6 = 0x21, V2_UNIX_STREAM = 0x31 };

/* `at`: two addresses of `octets`, then two ports in network order. */
static struct endpoint read_client(const uint8_t *at, size_t octets)
{
    /* By way of text: it makes IPv4 of a mapped address. */
    struct endpoint client = {.address = {.family = octets == 4 ? 4 : 6}};
    char text[ADDRESS_TEXT_SIZE];
    memcpy(client.address.octet, at, octets);
    address_parse(str_from(address_text(client.address, text)), &client.address);
    at += 2 * octets;
    client.port = (uint16_t)(at[0] << 8 | at[1]);
    return client;
}

/* What follows the fixed part. */
static bool read_body(uint8_t family, const uint8_t *at, size_t n, struct endpoint *ret)
{
    size_t octets = family == V2_TCP4 ? 4 : 16;
    *ret = (struct endpoint){0};
    if (family == V2_UNSPECIFIED || family == V2_UNIX_STREAM)
        return true;
    if ((family != V2_TCP4 && family != V2_TCP6) || n < 2 * octets + 4)
        return false;
    *ret = read_client(at, octets);
    return true;
}

static enum proxyhead_verdict parse_v2(struct str bytes, struct proxyhead *ret)
{
    const uint8_t *b = (const uint8_t *)bytes.p;
    if (bytes.n < V2_FIXED_BYTES)
        return PROXYHEAD_MORE;
    uint8_t command = b[12], family = b[13];
    size_t n = (size_t)b[14] << 8 | b[15];
    if ((command != V2_LOCAL && command != V2_PROXY) || V2_FIXED_BYTES + n > PROXYHEAD_MAX_BYTES)
        return PROXYHEAD_BAD;
    if (bytes.n < V2_FIXED_BYTES + n)
        return PROXYHEAD_MORE;
    if (!read_body(command == V2_LOCAL ? V2_UNSPECIFIED : family, b + V2_FIXED_BYTES, n,
                   &ret->client))
        return PROXYHEAD_BAD;
    ret->size = V2_FIXED_BYTES + n;
    return PROXYHEAD_WHOLE;
}

/* --- Both ------------------------------------------------------------------------------------ */

/* Whether the bytes begin as this, as far as they have come. */
static bool begins(struct str bytes, struct str with)
{
    size_t n = bytes.n < with.n ? bytes.n : with.n;
    return memcmp(bytes.p, with.p, n) == 0;
}

enum proxyhead_verdict proxyhead_parse(struct str bytes, struct proxyhead *ret)
{
    struct proxyhead made;
    enum proxyhead_verdict verdict = PROXYHEAD_BAD;
    if (bytes.n == 0)
        return PROXYHEAD_MORE;
    if (begins(bytes, V1_BEGIN))
        verdict = bytes.n < V1_BEGIN.n ? PROXYHEAD_MORE : parse_v1(bytes, &made);
    else if (begins(bytes, V2_BEGIN))
        verdict = parse_v2(bytes, &made);
    if (verdict == PROXYHEAD_WHOLE)
        *ret = made;
    return verdict;
}
