/* SPDX-License-Identifier: Apache-2.0 */
/* node: one machine. */
#ifndef CLOUDSEED_MODEL_NODE_H
#define CLOUDSEED_MODEL_NODE_H

#include "model/cluster.h"
#include "model/interface.h"
#include "model/mac.h"
#include "model/role.h"
#include "model/site.h"
#include "model/uuid.h"

#define NODE_NAME_MAX 63
#define NODE_MACS_MAX 16
#define NODE_ADDRESSES_MAX 16
#define NODE_INTERFACES_MAX 32
/* To cloud-init a new generation is a new instance; only an admin starts one. */
#define NODE_FIRST_GENERATION 1

struct node {
    struct str name; /* a DNS label: RFC 1123, lower case */
    struct str uid;  /* identifies its keys and its state; a declared node's is its name */
    const struct role *role;
    const struct cluster *cluster; /* NULL: none */
    const struct mac *macs;
    const struct address *addresses;
    const struct network *const *networks; /* the site's network around each address */
    const struct interface *interfaces; /* where they are declared; else MACs and networks tell */
    const struct uuid *uuid;            /* NULL: not declared */
    struct str serial;                  /* empty: not declared */
    const struct proxmox *proxmox;      /* NULL: nothing is declared for it */
    struct variables variables;
    struct place at;
    uint32_t key_epoch;
    uint8_t macs_n, addresses_n, interfaces_n;
};

/* A DNS label of RFC 1123 in lower case, at most 63 bytes. */
bool node_name_valid(struct str name);

/* The number of the MAC by which that address asks DHCP; macs_n or more: it is not declared.
 * Without declared interfaces, networks with the same VLAN share one. */
uint8_t node_mac_of(const struct node *n, uint8_t address);
/* The declared interface that has the address. */
const struct interface *node_interface_of(const struct node *n, uint8_t address);
const struct interface *node_find_interface(const struct node *n, struct str name);
/* Whether another interface is built on it, so that it has neither addresses nor DHCP unless it is
 * given them. */
bool node_interface_is_base(const struct node *n, const struct interface *i);
/* The card whose MAC the interface has; NULL where none is declared. */
const struct interface *node_card_of(const struct node *n, const struct interface *i);
/* The VLAN in which its first card gets untagged frames; 0: none is declared, or it tags itself. */
uint16_t node_access_vlan(const struct node *n);

/* As templates and JSON have them: a list of texts; a text, or none where it is not declared. */
struct value node_macs_value(const struct node *n, struct arena *a);
struct value node_uuid_value(const struct node *n, struct arena *a);

#endif
