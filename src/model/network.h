/* SPDX-License-Identifier: Apache-2.0 */
/* network: one of the site's networks: its ranges of addresses and what its machines need in it. */
#ifndef CLOUDSEED_MODEL_NETWORK_H
#define CLOUDSEED_MODEL_NETWORK_H

#include "base/fault.h"
#include "model/address.h"

/* A static route, besides the default route. */
struct network_route {
    struct cidr to;
    struct address via;
    uint32_t metric; /* 0: the system's own */
    bool on_link;    /* `via` answers on the link without being in a network of it */
    struct place at;
};

#define MTU_MIN 1280 /* what IPv6 needs (RFC 8200) */
#define MTU_MAX 65535

struct network {
    struct str name;
    struct cidr cidr, cidr6;          /* cidr6: family 0 without dual stack */
    struct address gateway, gateway6; /* family 0: none */
    const struct address *dns;
    const struct str *search; /* DNS domains to search */
    const struct network_route *routes;
    uint32_t dns_n, search_n, routes_n;
    uint16_t vlan; /* 0: untagged */
    uint16_t mtu;  /* 0: the system's own */
    bool on_link;  /* the gateway may be outside the ranges */
    struct place at;
};

/* Its range of that family (4 or 6), and the gateway; NULL, or family 0: it has none. */
const struct cidr *network_range(const struct network *n, uint8_t family);
struct address network_gateway(const struct network *n, uint8_t family);

bool network_contains(const struct network *n, struct address a);
/* fe80::/10: in every IPv6 network, without a route. */
bool address_is_link_local(struct address a);

#endif
