/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dhcp: what a machine that boots from the network asks of DHCP (RFC 2131, 2132, 4578), and the
 * offers that it gets; with the IPv4 and UDP around them, as a client has no address yet.
 *
 * A pure codec: it knows no sockets. What it reads points into the packet. There is no REQUEST
 * here: who uses this looks at offers, and takes none.
 */
#ifndef CLOUDSEED_WIRE_DHCP_H
#define CLOUDSEED_WIRE_DHCP_H

#include "base/buf.h"
#include "model/address.h"
#include "model/mac.h"

#define DHCP_PACKET_MAX_BYTES 1500

/* Who asks, by the options that DHCP servers tell boot clients apart by. */
struct dhcp_discover {
    uint32_t xid;
    struct mac mac;
    uint16_t arch; /* option 93 */
    bool is_http;  /* option 60 is "HTTPClient:…", not "PXEClient:…" */
    bool is_ipxe;  /* option 77 is "iPXE" */
};

/* Appends an IPv4 packet from 0.0.0.0 to all, whose answer is asked for by broadcast. */
bool dhcp_write_discover(struct buf *b, const struct dhcp_discover *d);

/* An address of family 0 and an empty text: it was not offered. */
struct dhcp_offer {
    uint32_t xid;
    struct mac mac;
    struct address server;      /* option 54 */
    struct address address;     /* for the client; a proxy offers none */
    struct address next_server; /* siaddr */
    struct address router;      /* the first of option 3 */
    struct str file;            /* option 67, or the field */
    struct str class;           /* option 60 */
};

/* False if the IPv4 packet is not a DHCPOFFER for port 68. */
bool dhcp_read_offer(struct str packet, struct dhcp_offer *ret);

#endif
