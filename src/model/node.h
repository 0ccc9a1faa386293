/* SPDX-License-Identifier: Apache-2.0 */
/* node: one machine. */
#ifndef CLOUDSEED_MODEL_NODE_H
#define CLOUDSEED_MODEL_NODE_H

#include "model/cluster.h"
#include "model/mac.h"
#include "model/role.h"
#include "model/site.h"
#include "model/uuid.h"

#define NODE_NAME_MAX 63
#define NODE_MACS_MAX 16
#define NODE_ADDRESSES_MAX 16
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
    const struct uuid *uuid;               /* NULL: not declared */
    struct str serial;                     /* empty: not declared */
    const struct proxmox *proxmox;         /* NULL: nothing is declared for it */
    struct variables variables;
    struct place at;
    uint32_t key_epoch;
    uint8_t macs_n, addresses_n;
};

/* A DNS label of RFC 1123 in lower case, at most 63 bytes. */
bool node_name_valid(struct str name);

/* The number of the interface that has the address; networks with the same VLAN share one. The MAC
 * of that number is the interface's, where the node has MACs. */
uint8_t node_interface_of(const struct node *n, uint8_t address);

/* As templates and JSON have them: a list of texts; a text, or none where it is not declared. */
struct value node_macs_value(const struct node *n, struct arena *a);
struct value node_uuid_value(const struct node *n, struct arena *a);

#endif
