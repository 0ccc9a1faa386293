/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write: a plan in the words of a DHCP server.
 *
 * Names of nodes and networks, domains, addresses and the server's URL are all that goes in: the
 * seed tree takes none with a character that means anything to dnsmasq or in a comment.
 */
#ifndef CLOUDSEED_CLI_DHCP_WRITE_H
#define CLOUDSEED_CLI_DHCP_WRITE_H

#include "base/buf.h"
#include "cli/dhcp/plan.h"

/* A file for /etc/dnsmasq.d. */
void dhcp_dnsmasq(const struct dhcp_plan *p, struct buf *out);
/* The same for a dnsmasq beside another DHCP server, which gives the addresses. */
void dhcp_dnsmasq_proxy(const struct dhcp_plan *p, struct buf *out);
/* kea-dhcp4.conf */
void dhcp_kea(const struct dhcp_plan *p, struct buf *out);
/* What to fill in, and a file. */
void dhcp_opnsense(const struct dhcp_plan *p, struct buf *out);

/* Parts that they share. Lines begin with `mark`: what makes a comment. */
void dhcp_write_needs(const struct dhcp_plan *p, const char *mark, struct buf *out);
void dhcp_write_left_out(const struct dhcp_plan *p, const char *mark, struct buf *out);
/* dnsmasq's lines that know clients and tell them their file, where the tag "cloudseed" is set. */
void dhcp_dnsmasq_boot(const struct dhcp_plan *p, bool proxy, struct buf *out);
void dhcp_dnsmasq_hosts(const struct dhcp_plan *p, const struct dhcp_network *n, struct buf *out);

#endif
