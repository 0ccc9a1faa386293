/* SPDX-License-Identifier: Apache-2.0 */
#include "render/definition.h"

#include "render/values.h"

static struct value text_or_none(struct str text)
{
    return text.n ? value_str(text) : value_none();
}

static struct value addresses_value(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->addresses_n);
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        char text[ADDRESS_TEXT_SIZE];
        items[i] = value_str(arena_str(a, str_from(address_text(n->addresses[i], text))));
    }
    return value_list(items, n->addresses_n);
}

/* Only the node's own. */
static struct value variables_value(const struct node *n, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, n->variables.n);
    for (uint32_t i = 0; i < n->variables.n; i++) {
        const struct variable *v = &n->variables.list[i];
        struct str name = v->adds ? ARENA_JOIN(a, v->name, STR("+")) : v->name;
        pairs[i] = (struct value_pair){value_str(name), v->value};
    }
    return value_map(pairs, n->variables.n);
}

/* "seed/nodes/homelab.yaml:9"; null: it was registered with a server. */
static struct value declared_value(const struct node *n, struct arena *a)
{
    return n->at.line ? value_str(arena_printf(a, "%s:%u", n->at.file, n->at.line)) : value_none();
}

void definition_pairs(const struct node *n, struct arena *a,
                      struct value_pair ret[static DEFINITION_PAIRS])
{
    const struct value_pair pairs[DEFINITION_PAIRS] = {
        JSON_STR("name", n->name),
        JSON_STR("uid", n->uid),
        JSON_STR("role", n->role->name),
        JSON_VALUE("cluster", n->cluster ? value_str(n->cluster->name) : value_none()),
        JSON_STR("bootstrap", str_from(bootstrap_names[n->role->bootstrap])),
        JSON_STR("fqdn", values_fqdn(n, a)),
        JSON_VALUE("macs", node_macs_value(n, a)),
        JSON_VALUE("uuid", node_uuid_value(n, a)),
        JSON_VALUE("serial", text_or_none(n->serial)),
        JSON_VALUE("addresses", addresses_value(n, a)),
        JSON_VALUE("variables", variables_value(n, a)),
        JSON_INT("key_epoch", n->key_epoch),
        JSON_VALUE("declared", declared_value(n, a)),
    };
    memcpy(ret, pairs, sizeof(pairs));
}
