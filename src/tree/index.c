/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/index.h"

#include "base/mem.h"

#include <stdlib.h>

struct index_mac {
    struct mac mac;
    uint32_t number;
};

/* Every declared node has at least one, so the address itself is not copied. */
struct index_address {
    uint32_t number, which;
};

struct address_view {
    const struct node *nodes;
    const struct index_address *list;
};

void index_done(struct index *ix)
{
    map_done(&ix->names);
    map_done(&ix->uuids);
    map_done(&ix->serials);
    map_done(&ix->macs);
    map_done(&ix->addresses);
    free(ix->mac_list);
    free(ix->address_list);
    *ix = (struct index){0};
}

static struct str name_of(const void *nodes, uint32_t number)
{
    return ((const struct node *)nodes)[number].name;
}

static struct str uuid_bytes(const struct uuid *u)
{
    return (struct str){(const char *)u->octet, sizeof(u->octet)};
}

static struct str uuid_of(const void *nodes, uint32_t number)
{
    return uuid_bytes(((const struct node *)nodes)[number].uuid);
}

static struct str serial_of(const void *nodes, uint32_t number)
{
    return ((const struct node *)nodes)[number].serial;
}

static struct str mac_bytes(const struct mac *m)
{
    return (struct str){(const char *)m->octet, sizeof(m->octet)};
}

static struct str mac_of(const void *list, uint32_t i)
{
    return mac_bytes(&((const struct index_mac *)list)[i].mac);
}

static struct str address_bytes(const struct address *a)
{
    return (struct str){(const char *)a, sizeof(*a)};
}

static struct str address_of(const void *view, uint32_t i)
{
    const struct address_view *v = view;
    return address_bytes(&v->nodes[v->list[i].number].addresses[v->list[i].which]);
}

uint32_t index_put_name(struct index *ix, const struct node *nodes, uint32_t number)
{
    return map_put(&ix->names, name_of, nodes, number);
}

uint32_t index_put_uuid(struct index *ix, const struct node *nodes, uint32_t number)
{
    return map_put(&ix->uuids, uuid_of, nodes, number);
}

uint32_t index_put_serial(struct index *ix, const struct node *nodes, uint32_t number)
{
    return map_put(&ix->serials, serial_of, nodes, number);
}

static void reserve_macs(struct index *ix, uint32_t room)
{
    if (room <= ix->macs_room)
        return;
    ix->macs_room = room;
    ix->mac_list = mem_resize(ix->mac_list, room, sizeof(*ix->mac_list));
}

uint32_t index_put_mac(struct index *ix, struct mac mac, uint32_t number)
{
    if (ix->macs_n == ix->macs_room)
        reserve_macs(ix, ix->macs_room ? ix->macs_room * 2 : 64);
    ix->mac_list[ix->macs_n] = (struct index_mac){mac, number};
    uint32_t holder = map_put(&ix->macs, mac_of, ix->mac_list, ix->macs_n);
    if (holder != MAP_NONE)
        return ix->mac_list[holder].number;
    ix->macs_n++;
    return MAP_NONE;
}

static void reserve_addresses(struct index *ix, uint32_t room)
{
    if (room <= ix->addresses_room)
        return;
    ix->addresses_room = room;
    ix->address_list = mem_resize(ix->address_list, room, sizeof(*ix->address_list));
}

uint32_t index_put_address(struct index *ix, const struct node *nodes, uint32_t number,
                           uint32_t which)
{
    if (ix->addresses_n == ix->addresses_room)
        reserve_addresses(ix, ix->addresses_room ? ix->addresses_room * 2 : 64);
    ix->address_list[ix->addresses_n] = (struct index_address){number, which};
    struct address_view view = {nodes, ix->address_list};
    uint32_t holder = map_put(&ix->addresses, address_of, &view, ix->addresses_n);
    if (holder != MAP_NONE)
        return ix->address_list[holder].number;
    ix->addresses_n++;
    return MAP_NONE;
}

void index_fill(struct index *ix, const struct node *nodes, uint32_t n)
{
    uint32_t macs = 0, addresses = 0;
    for (uint32_t i = 0; i < n; i++) {
        macs += nodes[i].macs_n;
        addresses += nodes[i].addresses_n;
    }
    reserve_macs(ix, macs);
    reserve_addresses(ix, addresses);
    for (uint32_t i = 0; i < n; i++) {
        index_put_name(ix, nodes, i);
        if (nodes[i].uuid)
            index_put_uuid(ix, nodes, i);
        if (nodes[i].serial.n)
            index_put_serial(ix, nodes, i);
        for (uint32_t j = 0; j < nodes[i].macs_n; j++)
            index_put_mac(ix, nodes[i].macs[j], i);
        for (uint32_t j = 0; j < nodes[i].addresses_n; j++)
            index_put_address(ix, nodes, i, j);
    }
}

uint32_t index_find_name(const struct index *ix, const struct node *nodes, struct str name)
{
    return map_find(&ix->names, name_of, nodes, name);
}

uint32_t index_find_uuid(const struct index *ix, const struct node *nodes, struct uuid uuid)
{
    return map_find(&ix->uuids, uuid_of, nodes, uuid_bytes(&uuid));
}

uint32_t index_find_serial(const struct index *ix, const struct node *nodes, struct str serial)
{
    return map_find(&ix->serials, serial_of, nodes, serial);
}

uint32_t index_find_mac(const struct index *ix, struct mac mac)
{
    uint32_t i = map_find(&ix->macs, mac_of, ix->mac_list, mac_bytes(&mac));
    return i == MAP_NONE ? MAP_NONE : ix->mac_list[i].number;
}

uint32_t index_find_address(const struct index *ix, const struct node *nodes,
                            struct address address)
{
    struct address_view view = {nodes, ix->address_list};
    uint32_t i = map_find(&ix->addresses, address_of, &view, address_bytes(&address));
    return i == MAP_NONE ? MAP_NONE : ix->address_list[i].number;
}
