/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/pairs.h"

#include "base/map.h"

#define LINEAR_MAX 16 /* up to here looking at each is faster than hashing */

struct pairs {
    struct yaml_pair *list;
    uint32_t n;
    struct map index; /* in use once there are more than LINEAR_MAX */
};

static struct str key_of(const void *list, uint32_t item)
{
    return yaml_text(((const struct yaml_pair *)list)[item].key);
}

static void pairs_done(struct pairs *p)
{
    map_done(&p->index);
}

/* The pair with the same key, or NULL after putting this one behind the others. */
static struct yaml_pair *put(struct pairs *p, struct yaml_pair pair)
{
    p->list[p->n] = pair;
    if (p->n == LINEAR_MAX) {
        for (uint32_t i = 0; i < p->n; i++)
            map_put(&p->index, key_of, p->list, i);
    }
    if (p->n >= LINEAR_MAX) {
        uint32_t holder = map_put(&p->index, key_of, p->list, p->n);
        if (holder != MAP_NONE)
            return &p->list[holder];
    }
    for (uint32_t i = 0; i < p->n && p->n < LINEAR_MAX; i++) {
        if (str_eq(key_of(p->list, i), yaml_text(pair.key)))
            return &p->list[i];
    }
    p->n++;
    return NULL;
}

static void put_or_replace(struct pairs *p, struct yaml_pair pair)
{
    struct yaml_pair *there = put(p, pair);
    if (there)
        *there = pair;
}

static bool is_merge(const struct yaml_node *key)
{
    return key->plain && key->tag == YAML_TAG_NONE && str_is(yaml_text(key), "<<");
}

/* A mapping's own pairs, merge key included. */
static struct pairs own_pairs(const struct yaml_node *const *children, uint32_t n, const char *file,
                              struct arena *a, struct faults *faults)
{
    struct pairs own = {.list = ARENA_ARRAY(a, struct yaml_pair, n)};
    for (uint32_t i = 0; i < n; i++) {
        struct yaml_pair pair = {children[2 * i], children[2 * i + 1]};
        if (pair.key->kind != YAML_SCALAR) {
            fault_add(faults, yaml_place(file, pair.key),
                      "%s cannot be a key; write a text (and quote one that begins with { or [)",
                      yaml_kind_name(pair.key));
            continue;
        }
        const struct yaml_pair *first = put(&own, pair);
        if (first)
            fault_add(faults, yaml_place(file, pair.key),
                      "the key %s is here already, in line %u; keep one of them",
                      yaml_quoted(a, yaml_text(pair.key)), first->key->line);
    }
    return own;
}

static uint32_t merged_count(const struct yaml_node *source)
{
    if (source->kind == YAML_MAPPING)
        return source->n;
    uint32_t n = 0;
    for (uint32_t i = 0; source->kind == YAML_SEQUENCE && i < source->n; i++)
        n += source->items[i]->kind == YAML_MAPPING ? source->items[i]->n : 0;
    return n;
}

static void merge_mapping(struct pairs *into, const struct yaml_node *source, const char *file,
                          struct faults *faults)
{
    if (source->kind != YAML_MAPPING) {
        fault_add(faults, yaml_place(file, source),
                  "'<<' takes a mapping or a list of mappings, not %s", yaml_kind_name(source));
        return;
    }
    for (uint32_t i = 0; i < source->n; i++)
        put_or_replace(into, source->pairs[i]);
}

static void merge(struct pairs *into, const struct yaml_node *source, const char *file,
                  struct faults *faults)
{
    if (source->kind != YAML_SEQUENCE) {
        merge_mapping(into, source, file, faults);
        return;
    }
    for (uint32_t i = source->n; i > 0; i--)
        merge_mapping(into, source->items[i - 1], file, faults);
}

static const struct yaml_node *merge_source(const struct pairs *own)
{
    for (uint32_t i = 0; i < own->n; i++) {
        if (is_merge(own->list[i].key))
            return own->list[i].value;
    }
    return NULL;
}

void pairs_make(struct yaml_node *y, const struct yaml_node *const *children, uint32_t n,
                const char *file, struct arena *a, struct faults *faults)
{
    __attribute__((cleanup(pairs_done))) struct pairs own = own_pairs(children, n, file, a, faults);
    __attribute__((cleanup(pairs_done))) struct pairs all = {0};
    const struct pairs *result = &own;
    const struct yaml_node *source = merge_source(&own);
    if (source) {
        all.list = ARENA_ARRAY(a, struct yaml_pair, own.n + (size_t)merged_count(source));
        merge(&all, source, file, faults);
        for (uint32_t i = 0; i < own.n; i++) {
            if (!is_merge(own.list[i].key))
                put_or_replace(&all, own.list[i]);
        }
        result = &all;
    }
    y->pairs = result->list;
    y->n = result->n;
}
