/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/compose.h"

#include "base/mem.h"

#include "tree/pairs.h"

#include <assert.h>
#include <stdlib.h>

#define NODE_WEIGHT 16 /* about what a value of its own costs later */

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

/* A name may be given again: from there on it means the later node. */
static uint32_t add_anchor(struct compose *c, struct compose_anchor anchor)
{
    if (anchor.name.n == 0)
        return MAP_NONE;
    if (c->anchors_n == c->anchors_room) {
        c->anchors_room = c->anchors_room ? c->anchors_room * 2 : 16;
        c->anchors = mem_resize(c->anchors, c->anchors_room, sizeof(*c->anchors));
    }
    c->anchors[c->anchors_n] = anchor;
    uint32_t holder = map_put(&c->anchor_names, anchor_name, c->anchors, c->anchors_n);
    if (holder == MAP_NONE)
        return c->anchors_n++;
    c->anchors[holder] = anchor;
    return holder;
}

/* Hands a finished node, `height` levels high, to the collection around it. */
static void add_child(struct compose *c, const struct yaml_node *y, unsigned height)
{
    if (c->depth == 0) {
        c->root = y;
        return;
    }
    if (c->stack_n == c->stack_room) {
        c->stack_room = c->stack_room ? c->stack_room * 2 : 256;
        c->stack = mem_resize(c->stack, c->stack_room, sizeof(struct yaml_node *));
    }
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
    /* An inner node may have taken the name meanwhile. */
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
                  anchor ? "the alias *%.*s stands inside of what it stands for"
                         : "no anchor &%.*s stands before this alias",
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
