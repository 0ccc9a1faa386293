/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include <stdio.h>

static struct value address_value(struct address address, struct arena *a)
{
    char text[ADDRESS_TEXT_SIZE];
    return value_str(arena_str(a, str_from(address_text(address, text))));
}

static struct value addresses_value(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->addresses_n);
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        const struct value_pair pairs[] = {
            JSON_VALUE("address", address_value(n->addresses[i], a)),
            JSON_STR("network", n->networks[i]->name),
        };
        items[i] = value_copy(a, value_map(pairs, 2));
    }
    return value_list(items, n->addresses_n);
}

static struct value macs_value(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->macs_n);
    for (uint8_t i = 0; i < n->macs_n; i++) {
        char text[MAC_TEXT_SIZE];
        items[i] = value_str(arena_str(a, str_from(mac_text(n->macs[i], text))));
    }
    return value_list(items, n->macs_n);
}

static struct value uuid_value(const struct node *n, struct arena *a)
{
    char text[UUID_TEXT_SIZE];
    return n->uuid ? value_str(arena_str(a, str_from(uuid_text(*n->uuid, text)))) : value_none();
}

struct value node_place_value(struct place at, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("file", str_from(at.file)),
        JSON_INT("line", at.line),
        JSON_INT("column", at.column),
    };
    return value_copy(a, value_map(pairs, 3));
}

void node_pairs(const struct node *n, struct arena *a, struct value_pair ret[static NODE_PAIRS])
{
    const struct value_pair pairs[NODE_PAIRS] = {
        JSON_STR("name", n->name),
        JSON_STR("role", n->role->name),
        JSON_STR("bootstrap", str_from(bootstrap_names[n->role->bootstrap])),
        JSON_VALUE("cluster", n->cluster ? value_str(n->cluster->name) : value_none()),
        JSON_VALUE("macs", macs_value(n, a)),
        JSON_VALUE("addresses", addresses_value(n, a)),
        JSON_VALUE("uuid", uuid_value(n, a)),
        JSON_VALUE("serial", n->serial.n ? value_str(n->serial) : value_none()),
        JSON_INT("key_epoch", n->key_epoch),
        JSON_VALUE("declared", node_place_value(n->at, a)),
    };
    memcpy(ret, pairs, sizeof(pairs));
}

struct str node_addresses_text(const struct node *n, struct arena *a)
{
    char text[NODE_ADDRESSES_MAX * (ADDRESS_TEXT_SIZE + 1)] = "", one[ADDRESS_TEXT_SIZE];
    size_t at = 0;
    for (uint8_t i = 0; i < n->addresses_n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "",
                               address_text(n->addresses[i], one));
    return arena_str(a, str_from(text));
}

struct str node_macs_text(const struct node *n, struct arena *a)
{
    char text[NODE_MACS_MAX * (MAC_TEXT_SIZE + 1)] = "", one[MAC_TEXT_SIZE];
    size_t at = 0;
    for (uint8_t i = 0; i < n->macs_n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "",
                               mac_text(n->macs[i], one));
    return arena_str(a, str_from(text));
}
