/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tally.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static struct str name_of(const void *nodes, uint32_t i)
{
    return str_from(((const struct tally_node *)nodes)[i].name);
}

void tally_done(struct tally *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        free(t->nodes[i].name);
    free(t->nodes);
    map_done(&t->by_name);
    *t = (struct tally){0};
}

uint32_t tally_node(struct tally *t, struct str node)
{
    uint32_t i = map_find(&t->by_name, name_of, t->nodes, node);
    if (i != MAP_NONE)
        return i;
    t->nodes = mem_grow(t->nodes, t->n, &t->room, sizeof(*t->nodes));
    t->nodes[t->n] = (struct tally_node){.name = mem_copy(node.p, node.n)};
    map_put(&t->by_name, name_of, t->nodes, t->n);
    return t->n++;
}

void tally_add(struct tally *t, uint32_t node, enum store_class class, uint64_t events)
{
    struct tally_node *x = &t->nodes[node];
    x->kept[class] += events;
    t->kept[class] += events;
    if (*x->name && x->kept[class] > t->most[class])
        t->most[class] = x->kept[class];
}

void tally_remove(struct tally *t, uint32_t node, enum store_class class, uint64_t events,
                  uint64_t last)
{
    struct tally_node *x = &t->nodes[node];
    assert(events <= x->kept[class]);
    x->kept[class] -= events;
    t->kept[class] -= events;
    if (last > x->removed[class])
        x->removed[class] = last;
    if (last > t->removed[class])
        t->removed[class] = last;
}

/* Most of the time no node is over: then none is looked at. */
uint32_t tally_find_over(struct tally *t, enum store_class class, uint64_t bound, uint32_t from)
{
    uint64_t most = 0;
    if (t->most[class] <= bound)
        return MAP_NONE;
    for (uint32_t i = from; i < t->n; i++) {
        const struct tally_node *x = &t->nodes[i];
        if (*x->name && x->kept[class] > bound)
            return i;
        if (*x->name && x->kept[class] > most)
            most = x->kept[class];
    }
    if (from == 0)
        t->most[class] = most;
    return MAP_NONE;
}

/* What a file of version 1 had removed is noted of no node: it may have been anyone's. */
uint64_t tally_removed(const struct tally *t, const struct store_query *q)
{
    uint32_t any = map_find(&t->by_name, name_of, t->nodes, STR("")), own = any;
    uint64_t removed = 0;
    if (q->node.n)
        own = map_find(&t->by_name, name_of, t->nodes, q->node);
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        uint64_t last = q->node.n ? 0 : t->removed[c];
        if (store_journal_of(c) != q->journal || (q->kind.n && c != store_class_of(q->kind)))
            continue;
        if (any != MAP_NONE && t->nodes[any].removed[c] > last)
            last = t->nodes[any].removed[c];
        if (own != MAP_NONE && t->nodes[own].removed[c] > last)
            last = t->nodes[own].removed[c];
        if (last > removed)
            removed = last;
    }
    return removed;
}
