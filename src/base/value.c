/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"

const char *value_kind_name(struct value v)
{
    static const char *const names[] = {"undefined", "none",   "boolean", "integer",
                                        "float",     "string", "list",    "mapping"};
    return names[v.kind];
}

struct value value_get(struct value map, struct str key)
{
    if (map.kind != VALUE_MAP)
        return (struct value){0};
    for (uint32_t i = 0; i < map.n; i++) {
        const struct value_pair *pair = &map.pairs[i];
        if (pair->key.kind == VALUE_STR && str_eq(value_text(pair->key), key))
            return pair->value;
    }
    return (struct value){0};
}

struct str value_get_text(struct value map, struct str key)
{
    struct value v = value_get(map, key);
    return v.kind == VALUE_STR ? value_text(v) : STR("");
}

static bool same_items(struct value a, struct value b)
{
    for (uint32_t i = 0; i < a.n; i++) {
        if (!value_same(a.items[i], b.items[i]))
            return false;
    }
    return true;
}

static bool same_pairs(struct value a, struct value b)
{
    for (uint32_t i = 0; i < a.n; i++) {
        bool found = false;
        for (uint32_t j = 0; j < b.n && !found; j++)
            found = value_same(a.pairs[i].key, b.pairs[j].key) &&
                    value_same(a.pairs[i].value, b.pairs[j].value);
        if (!found)
            return false;
    }
    return true;
}

bool value_same(struct value a, struct value b)
{
    if (a.kind != b.kind || a.n != b.n)
        return false;
    switch (a.kind) {
    case VALUE_BOOL: return a.b == b.b;
    case VALUE_INT: return a.i == b.i;
    case VALUE_FLOAT: return a.f == b.f;
    case VALUE_STR: return str_eq(value_text(a), value_text(b));
    case VALUE_LIST: return same_items(a, b);
    case VALUE_MAP: return same_pairs(a, b);
    default: return true;
    }
}

static struct value copy_items(struct arena *a, struct value v)
{
    struct value *items = ARENA_ARRAY(a, struct value, v.n);
    for (uint32_t i = 0; i < v.n; i++)
        items[i] = value_copy(a, v.items[i]);
    return value_list(items, v.n);
}

static struct value copy_pairs(struct arena *a, struct value v)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, v.n);
    for (uint32_t i = 0; i < v.n; i++) {
        pairs[i].key = value_copy(a, v.pairs[i].key);
        pairs[i].value = value_copy(a, v.pairs[i].value);
    }
    return value_map(pairs, v.n);
}

struct value value_copy(struct arena *a, struct value v)
{
    switch (v.kind) {
    case VALUE_STR: return value_str(arena_str(a, value_text(v)));
    case VALUE_LIST: return copy_items(a, v);
    case VALUE_MAP: return copy_pairs(a, v);
    default: return v;
    }
}
