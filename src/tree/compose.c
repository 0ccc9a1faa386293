/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/compose.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define NODE_WEIGHT 16 /* about what a value costs later, beside its text */
#define LINEAR_MAX 16  /* up to here a linear search is faster than hashing */

/* --- A mapping's pairs --------------------------------------------------------------------- */

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

/* Appends the pair, unless one has the same key: then returns that one. */
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

/* Makes y->pairs of `children`, which are keys and values in turn, 2 * `n` of them. A merge key
 * "<<" brings in the pairs of another mapping, or of a list of them: the earlier one wins, and the
 * mapping's own pairs win over all. The order is PyYAML's: merged pairs first, those of a list's
 * last mapping at the front. Keys that are collections or duplicates are reported and left out. */
static void pairs_make(struct yaml_node *y, const struct yaml_node *const *children, uint32_t n,
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

/* --- Nodes in their order ------------------------------------------------------------------ */

void compose_init(struct compose *c, const char *file, struct arena *a, struct faults *faults)
{
    *c = (struct compose){.file = file, .arena = a, .faults = faults};
}

void compose_done(struct compose *c)
{
    free(c->stack);
    free(c->anchors);
    map_done(&c->anchor_names);
}

static struct str anchor_name(const void *anchors, uint32_t item)
{
    return ((const struct compose_anchor *)anchors)[item].name;
}

/* An anchor may be defined again: aliases that follow mean the later node. */
static uint32_t add_anchor(struct compose *c, struct compose_anchor anchor)
{
    if (anchor.name.n == 0)
        return MAP_NONE;
    c->anchors = mem_grow(c->anchors, c->anchors_n, &c->anchors_room, sizeof(*c->anchors));
    c->anchors[c->anchors_n] = anchor;
    uint32_t holder = map_put(&c->anchor_names, anchor_name, c->anchors, c->anchors_n);
    if (holder == MAP_NONE)
        return c->anchors_n++;
    c->anchors[holder] = anchor;
    return holder;
}

/* Adds a finished node, `height` levels high, to the collection around it. */
static void add_child(struct compose *c, const struct yaml_node *y, unsigned height)
{
    if (c->depth == 0) {
        c->root = y;
        return;
    }
    c->stack = mem_grow(c->stack, c->stack_n, &c->stack_room, sizeof(struct yaml_node *));
    c->stack[c->stack_n++] = y;
    struct compose_frame *parent = &c->frames[c->depth - 1];
    if (parent->height < height)
        parent->height = height;
}

static bool too_deep(struct compose *c, struct place at)
{
    fault_add(c->faults, at, "nested deeper than %d levels", YAML_DEPTH_MAX);
    return false;
}

bool compose_scalar(struct compose *c, const struct yaml_node *y, struct str anchor)
{
    uint64_t weight = NODE_WEIGHT + y->n;
    add_anchor(c, (struct compose_anchor){.name = anchor, .node = y, .weight = weight});
    c->weight += weight;
    add_child(c, y, 0);
    return true;
}

bool compose_open(struct compose *c, struct yaml_node *y, struct str anchor)
{
    if (c->depth == YAML_DEPTH_MAX)
        return too_deep(c, yaml_place(c->file, y));
    c->frames[c->depth++] = (struct compose_frame){
        .node = y,
        .first = c->stack_n,
        .anchor = add_anchor(c, (struct compose_anchor){.name = anchor, .node = y, .open = true}),
        .before = c->weight,
    };
    c->weight += NODE_WEIGHT;
    return true;
}

static void take_children(struct compose *c, struct yaml_node *y, uint32_t first)
{
    uint32_t n = c->stack_n - first;
    const struct yaml_node *const *children = n ? c->stack + first : NULL;
    if (y->kind == YAML_MAPPING) {
        pairs_make(y, children, n / 2, c->file, c->arena, c->faults);
        return;
    }
    const struct yaml_node **items = ARENA_ARRAY(c->arena, const struct yaml_node *, n);
    if (n)
        memcpy(items, children, n * sizeof(*items));
    y->items = items;
    y->n = n;
}

bool compose_close(struct compose *c)
{
    assert(c->depth > 0);
    struct compose_frame *f = &c->frames[--c->depth];
    take_children(c, f->node, f->first);
    c->stack_n = f->first;
    /* An inner node may have redefined the anchor. */
    if (f->anchor != MAP_NONE && c->anchors[f->anchor].node == f->node) {
        c->anchors[f->anchor].open = false;
        c->anchors[f->anchor].weight = c->weight - f->before;
        c->anchors[f->anchor].height = f->height + 1;
    }
    add_child(c, f->node, f->height + 1);
    return true;
}

bool compose_alias(struct compose *c, struct str name, struct place at)
{
    uint32_t number = map_find(&c->anchor_names, anchor_name, c->anchors, name);
    const struct compose_anchor *anchor = number == MAP_NONE ? NULL : &c->anchors[number];
    if (!anchor || anchor->open) {
        fault_add(c->faults, at,
                  anchor ? "the alias *%.*s is inside the value that it stands for"
                         : "no anchor &%.*s is defined before this alias",
                  STR_ARG(name));
        return false;
    }
    c->weight += anchor->weight;
    c->aliased += anchor->weight;
    if (c->aliased > YAML_ALIASED_MAX_BYTES) {
        fault_add(c->faults, at, "the aliases up to here stand for more than %d MiB, written out",
                  YAML_ALIASED_MAX_BYTES >> 20);
        return false;
    }
    if (c->depth + anchor->height > YAML_DEPTH_MAX)
        return too_deep(c, at);
    add_child(c, anchor->node, anchor->height);
    return true;
}
