/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: finds nodes of an array by name, MAC, uuid, serial or address.
 *
 * The array belongs to the caller and may move, so it is passed to each call.
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

/* Each adds node `number` under one of its keys and returns MAP_NONE, or returns the number of the
 * node that already has the key. The node must have such a key. */
uint32_t index_put_name(struct index *ix, const struct node *nodes, uint32_t number);
uint32_t index_put_uuid(struct index *ix, const struct node *nodes, uint32_t number);
uint32_t index_put_serial(struct index *ix, const struct node *nodes, uint32_t number);
uint32_t index_put_mac(struct index *ix, struct mac mac, uint32_t number);
/* `which`: number of the node's address. */
uint32_t index_put_address(struct index *ix, const struct node *nodes, uint32_t number,
                           uint32_t which);

/* Adds all keys of all nodes, which must be distinct. */
void index_fill(struct index *ix, const struct node *nodes, uint32_t n);

/* MAP_NONE if there is none. */
uint32_t index_find_name(const struct index *ix, const struct node *nodes, struct str name);
uint32_t index_find_uuid(const struct index *ix, const struct node *nodes, struct uuid uuid);
uint32_t index_find_serial(const struct index *ix, const struct node *nodes, struct str serial);
uint32_t index_find_mac(const struct index *ix, struct mac mac);
uint32_t index_find_address(const struct index *ix, const struct node *nodes,
                            struct address address);

#endif
