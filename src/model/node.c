/* SPDX-License-Identifier: Apache-2.0 */
#include "model/node.h"

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool node_name_valid(struct str name)
{
    if (name.n == 0 || name.n > NODE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        bool edge = i == 0 || i == name.n - 1;
        if (!is_letter_or_digit(name.p[i]) && (edge || name.p[i] != '-'))
            return false;
    }
    return true;
}

static uint8_t first_of_vlan(const struct node *n, uint16_t vlan)
{
    uint8_t i = 0;
    while (n->networks[i]->vlan != vlan)
        i++;
    return i;
}

const struct interface *node_interface_of(const struct node *n, uint8_t address)
{
    const struct interface *i = n->interfaces;
    while (address >= i->addresses_n)
        address = (uint8_t)(address - i++->addresses_n);
    return i;
}

const struct interface *node_find_interface(const struct node *n, struct str name)
{
    for (uint8_t i = 0; i < n->interfaces_n; i++) {
        if (str_eq(n->interfaces[i].name, name))
            return &n->interfaces[i];
    }
    return NULL;
}

bool node_interface_is_base(const struct node *n, const struct interface *i)
{
    for (uint8_t k = 0; k < n->interfaces_n; k++) {
        if (interface_is_below(i, &n->interfaces[k]))
            return true;
    }
    return false;
}

const struct interface *node_card_of(const struct node *n, const struct interface *i)
{
    for (uint8_t depth = 0; i && i->kind != INTERFACE_ETHERNET; depth++) {
        if (depth > n->interfaces_n || (i->kind != INTERFACE_VLAN && !i->members_n))
            return NULL;
        i = node_find_interface(n, i->kind == INTERFACE_VLAN ? i->link : i->members[0]);
    }
    return i && !mac_is_zero(i->mac) ? i : NULL;
}

uint16_t node_access_vlan(const struct node *n)
{
    if (!n->networks)
        return 0;
    bool tagged = n->interfaces_n && node_interface_of(n, 0)->kind == INTERFACE_VLAN;
    return tagged ? 0 : n->networks[0]->vlan;
}

/* The list of MACs is made of the cards that have one, in their order. */
static uint8_t mac_of_card(const struct node *n, const struct interface *card)
{
    uint8_t number = 0;
    if (!card)
        return n->macs_n;
    for (const struct interface *i = n->interfaces; i < card; i++)
        number = (uint8_t)(number + !mac_is_zero(i->mac));
    return number;
}

uint8_t node_mac_of(const struct node *n, uint8_t address)
{
    if (n->interfaces_n)
        return mac_of_card(n, node_card_of(n, node_interface_of(n, address)));
    uint8_t first = first_of_vlan(n, n->networks[address]->vlan), number = 0;
    for (uint8_t i = 0; i < first; i++)
        number = (uint8_t)(number + (first_of_vlan(n, n->networks[i]->vlan) == i));
    return number;
}

struct value node_macs_value(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->macs_n);
    for (uint8_t i = 0; i < n->macs_n; i++) {
        char text[MAC_TEXT_SIZE];
        items[i] = value_str(arena_str(a, str_from(mac_text(n->macs[i], text))));
    }
    return value_list(items, n->macs_n);
}

struct value node_uuid_value(const struct node *n, struct arena *a)
{
    char text[UUID_TEXT_SIZE];
    return n->uuid ? value_str(arena_str(a, str_from(uuid_text(*n->uuid, text)))) : value_none();
}
