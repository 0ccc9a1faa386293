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

uint8_t node_interface_of(const struct node *n, uint8_t address)
{
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
