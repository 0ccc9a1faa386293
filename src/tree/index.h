/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: finds nodes of an array by what they are known by.
 *
 * The array stays its owner's and may move: it is given with each call.
 */
#ifndef CLOUDSEED_TREE_INDEX_H
#define CLOUDSEED_TREE_INDEX_H

#include "base/map.h"
#include "model/node.h"

struct index_mac;
struct index_address;

struct index {
    struct map names, uuids, serials, macs, addresses;
    struct index_mac *mac_list;
    struct index_address *address_list;
    uint32_t macs_n, macs_room, addresses_n, addresses_room;
};

void index_done(struct index *ix);

/* Each puts node `number` under one of its keys, or returns the number of the node that has it
 * already; MAP_NONE: put. The node must have such a key. */
uint32_t index_put_name(struct index *ix, const struct node *nodes, uint32_t number);
uint32_t index_put_uuid(struct index *ix, const struct node *nodes, uint32_t number);
uint32_t index_put_serial(struct index *ix, const struct node *nodes, uint32_t number);
uint32_t index_put_mac(struct index *ix, struct mac mac, uint32_t number);
/* The node's address number `which`. */
uint32_t index_put_address(struct index *ix, const struct node *nodes, uint32_t number,
                           uint32_t which);

/* Puts all keys of all nodes, which are known to be different. */
void index_fill(struct index *ix, const struct node *nodes, uint32_t n);

/* MAP_NONE where there is none. */
uint32_t index_find_name(const struct index *ix, const struct node *nodes, struct str name);
uint32_t index_find_uuid(const struct index *ix, const struct node *nodes, struct uuid uuid);
uint32_t index_find_serial(const struct index *ix, const struct node *nodes, struct str serial);
uint32_t index_find_mac(const struct index *ix, struct mac mac);
uint32_t index_find_address(const struct index *ix, const struct node *nodes,
                            struct address address);

#endif
