/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dhcp.h"

#include <stdio.h>

#define IP_BYTES 20
#define UDP_BYTES 8
#define FIELDS_BYTES 236 /* of BOOTP, before the cookie */
#define COOKIE "\x63\x82\x53\x63"
#define COOKIE_BYTES 4
#define SERVER_NAME_AT 44
#define SERVER_NAME_BYTES 64
#define FILE_AT 108
#define FILE_BYTES 128
#define SERVER_PORT 67
#define CLIENT_PORT 68
#define PROTOCOL_UDP 17
#define TTL 64
#define REPLY 2
#define BROADCAST 0x8000

enum { DISCOVER = 1, OFFER = 2 };
enum option {
    OPTION_PAD = 0,
    OPTION_ROUTER = 3,
    OPTION_OVERLOAD = 52,
    OPTION_KIND = 53,
    OPTION_SERVER = 54,
    OPTION_WANTED = 55,
    OPTION_CLASS = 60,
    OPTION_CLIENT = 61,
    OPTION_FILE = 67,
    OPTION_USER_CLASS = 77,
    OPTION_ARCH = 93,
    OPTION_UNDI = 94,
    OPTION_END = 255,
};

static uint32_t get(const char *p, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (uint8_t)p[i];
    return v;
}

static void put(struct buf *b, uint32_t v, size_t n)
{
    while (n--)
        buf_char(b, (char)(v >> 8 * n));
}

/* --- A question ------------------------------------------------------------------------------ */

static void put_option(struct buf *b, enum option code, struct str value)
{
    buf_char(b, (char)code);
    buf_char(b, (char)value.n);
    buf_str(b, value);
}

static void put_options(struct buf *b, const struct dhcp_discover *d)
{
    /* What SeaBIOS' ROM and OVMF ask for, as far as it decides whether a server sends it. */
    static const char wanted[] = {1, 3, 6, 12, 15, 43, 54, 60, 66, 67, 97, 119};
    const char arch[2] = {(char)(d->arch >> 8), (char)d->arch};
    char class[48], client[7] = {1};
    snprintf(class, sizeof(class), "%s:Arch:%05u:UNDI:003000",
             d->is_http ? "HTTPClient" : "PXEClient", d->arch);
    memcpy(client + 1, d->mac.octet, sizeof(d->mac.octet));
    put_option(b, OPTION_KIND, STR("\x01"));
    put_option(b, OPTION_WANTED, (struct str){wanted, sizeof(wanted)});
    put_option(b, OPTION_CLASS, str_from(class));
    put_option(b, OPTION_CLIENT, (struct str){client, sizeof(client)});
    if (d->is_ipxe)
        put_option(b, OPTION_USER_CLASS, STR("iPXE"));
    put_option(b, OPTION_ARCH, (struct str){arch, sizeof(arch)});
    put_option(b, OPTION_UNDI, STR("\x01\x03\x00"));
    buf_char(b, (char)OPTION_END);
}

static void put_zeros(struct buf *b, size_t n)
{
    while (n--)
        buf_char(b, 0);
}

static void put_message(struct buf *b, const struct dhcp_discover *d)
{
    size_t began = b->n;
    buf_append(b, "\x01\x01\x06\x00", 4); /* a request of Ethernet */
    put(b, d->xid, 4);
    put(b, 0, 2);
    put(b, BROADCAST, 2);
    put_zeros(b, 16); /* ciaddr, yiaddr, siaddr, giaddr */
    buf_append(b, d->mac.octet, sizeof(d->mac.octet));
    put_zeros(b, began + FIELDS_BYTES - b->n);
    buf_append(b, COOKIE, COOKIE_BYTES);
    put_options(b, d);
}

static uint16_t checksum(const char *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i += 2)
        sum += get(p + i, 2);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

static void put_ip(struct buf *b, size_t payload)
{
    size_t began = b->n;
    put(b, 0x4500, 2);
    put(b, (uint32_t)(IP_BYTES + UDP_BYTES + payload), 2);
    put(b, 0, 4);
    put(b, TTL << 8 | PROTOCOL_UDP, 2);
    put(b, 0, 2);
    put(b, 0, 4);
    put(b, UINT32_MAX, 4);
    if (b->full)
        return;
    uint16_t sum = checksum(b->p + began, IP_BYTES);
    b->p[began + 10] = (char)(sum >> 8);
    b->p[began + 11] = (char)sum;
}

bool dhcp_write_discover(struct buf *b, const struct dhcp_discover *d)
{
    struct buf message;
    buf_init(&message, DHCP_PACKET_MAX_BYTES);
    put_message(&message, d);
    put_ip(b, message.n);
    put(b, CLIENT_PORT, 2);
    put(b, SERVER_PORT, 2);
    put(b, (uint32_t)(UDP_BYTES + message.n), 2);
    put(b, 0, 2); /* IPv4 may go without UDP's checksum */
    buf_str(b, buf_view(&message));
    buf_done(&message);
    return !b->full;
}

/* --- An offer -------------------------------------------------------------------------------- */

/* The payload of an IPv4 packet for our port; p == NULL: it is something else. */
static struct str unwrap(struct str packet)
{
    struct str none = {NULL, 0};
    if (packet.n < IP_BYTES || (uint8_t)packet.p[0] >> 4 != 4)
        return none;
    size_t head = (size_t)(packet.p[0] & 15) * 4, whole = get(packet.p + 2, 2);
    bool is_fragment = get(packet.p + 6, 2) & 0x3fff;
    if (head < IP_BYTES || whole > packet.n || whole < head + UDP_BYTES || is_fragment ||
        packet.p[9] != PROTOCOL_UDP)
        return none;
    const char *udp = packet.p + head;
    size_t length = get(udp + 4, 2);
    if (get(udp + 2, 2) != CLIENT_PORT || length < UDP_BYTES || length > whole - head)
        return none;
    return (struct str){udp + UDP_BYTES, length - UDP_BYTES};
}

static struct address address_at(const char *p)
{
    struct address a = {.family = 4};
    memcpy(a.octet, p, 4);
    return get(p, 4) ? a : (struct address){0};
}

static struct str text_of(const char *p, size_t n)
{
    return (struct str){p, strnlen(p, n)};
}

struct reading {
    struct dhcp_offer offer;
    unsigned kind, overload;
};

static void take_option(struct reading *r, enum option code, struct str value)
{
    struct dhcp_offer *o = &r->offer;
    if (code == OPTION_KIND && value.n == 1)
        r->kind = (uint8_t)value.p[0];
    else if (code == OPTION_OVERLOAD && value.n == 1)
        r->overload = (uint8_t)value.p[0];
    else if (code == OPTION_SERVER && value.n == 4)
        o->server = address_at(value.p);
    else if (code == OPTION_ROUTER && value.n >= 4)
        o->router = address_at(value.p);
    else if (code == OPTION_FILE)
        o->file = text_of(value.p, value.n);
    else if (code == OPTION_CLASS)
        o->class = text_of(value.p, value.n);
}

/* What follows an option that is cut off is ignored. */
static void take_options(struct reading *r, struct str rest)
{
    while (rest.n && (uint8_t)rest.p[0] != OPTION_END) {
        if (rest.p[0] == OPTION_PAD) {
            rest = str_skip(rest, 1);
            continue;
        }
        if (rest.n < 2 || (uint8_t)rest.p[1] > rest.n - 2)
            return;
        struct str value = {rest.p + 2, (uint8_t)rest.p[1]};
        take_option(r, (enum option)(uint8_t)rest.p[0], value);
        rest = str_skip(rest, 2 + value.n);
    }
}

bool dhcp_read_offer(struct str packet, struct dhcp_offer *ret)
{
    struct str m = unwrap(packet);
    struct reading r = {.offer = {.file = {"", 0}, .class = {"", 0}}};
    if (!m.p || m.n < FIELDS_BYTES + COOKIE_BYTES || m.p[0] != REPLY || m.p[1] != 1 ||
        m.p[2] != 6 || memcmp(m.p + FIELDS_BYTES, COOKIE, COOKIE_BYTES) != 0)
        return false;
    take_options(&r, str_skip(m, FIELDS_BYTES + COOKIE_BYTES));
    if (r.overload & 1) /* RFC 2132, section 9.3: the fields hold options */
        take_options(&r, (struct str){m.p + FILE_AT, FILE_BYTES});
    if (r.overload & 2)
        take_options(&r, (struct str){m.p + SERVER_NAME_AT, SERVER_NAME_BYTES});
    if (r.kind != OFFER)
        return false;
    if (!r.offer.file.n && !(r.overload & 1))
        r.offer.file = text_of(m.p + FILE_AT, FILE_BYTES);
    r.offer.xid = get(m.p + 4, 4);
    r.offer.address = address_at(m.p + 16);
    r.offer.next_server = address_at(m.p + 20);
    memcpy(r.offer.mac.octet, m.p + 28, sizeof(r.offer.mac.octet));
    *ret = r.offer;
    return true;
}
