/* SPDX-License-Identifier: Apache-2.0 */
/* address: IPv4 and IPv6 addresses, networks, and where a server listens. */
#ifndef CLOUDSEED_MODEL_ADDRESS_H
#define CLOUDSEED_MODEL_ADDRESS_H

#include "base/str.h"

struct address {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t octet[16];
};

struct cidr {
    struct address base; /* host bits are zero */
    uint8_t prefix;
};

#define ADDRESS_TEXT_SIZE 46
#define CIDR_TEXT_SIZE 50

/* As inet_pton reads them: no zone, no leading zeros in IPv4. An IPv4-mapped IPv6 address becomes
 * IPv4. */
bool address_parse(struct str s, struct address *ret);
const char *address_text(struct address a, char text[static ADDRESS_TEXT_SIZE]);
bool address_same(struct address a, struct address b);

/* "10.0.20.0/24". Host bits must be zero: where only they are wrong, it returns false and fills
 * *ret_hint (which may be NULL), so that a message can name the network. */
bool cidr_parse(struct str s, struct cidr *ret, struct cidr *ret_hint);
const char *cidr_text(struct cidr c, char text[static CIDR_TEXT_SIZE]);
bool cidr_contains(struct cidr c, struct address a);
bool cidr_overlaps(struct cidr a, struct cidr b);
/* Whether a machine may have the address: it is inside, and not the network's own or its IPv4
 * broadcast address, which networks of one or two addresses do not have. */
bool cidr_has_host(struct cidr c, struct address a);

/* An address and port to listen on; port 0 takes a free one. */
struct endpoint {
    struct address address;
    uint16_t port;
};

#define ENDPOINT_TEXT_SIZE 54

/* "10.0.10.5:8080", "[::]:8080": brackets around IPv6 only. No names. */
bool endpoint_parse(struct str s, struct endpoint *ret);
const char *endpoint_text(struct endpoint e, char text[static ENDPOINT_TEXT_SIZE]);

#endif
