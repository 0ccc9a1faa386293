/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/index.h"

#include <stdlib.h>

struct index_mac {
    struct mac mac;
    uint32_t number;
};

void index_done(struct index *ix)
{
    map_done(&ix->names);
    map_done(&ix->uuids);
    map_done(&ix->serials);
    map_done(&ix->macs);
    free(ix->mac_list);
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
    ix->mac_list = reallocarray(ix->mac_list, room, sizeof(*ix->mac_list));
    if (!ix->mac_list)
        abort();
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

void index_fill(struct index *ix, const struct node *nodes, uint32_t n)
{
    uint32_t macs = 0;
    for (uint32_t i = 0; i < n; i++)
        macs += nodes[i].macs_n;
    reserve_macs(ix, macs);
    for (uint32_t i = 0; i < n; i++) {
        index_put_name(ix, nodes, i);
        if (nodes[i].uuid)
            index_put_uuid(ix, nodes, i);
        if (nodes[i].serial.n)
            index_put_serial(ix, nodes, i);
        for (uint32_t j = 0; j < nodes[i].macs_n; j++)
            index_put_mac(ix, nodes[i].macs[j], i);
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
