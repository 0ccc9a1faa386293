/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/extend.h"

#include "base/mem.h"

#include "tree/load.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NODE_ARENA_BYTES 1024
#define FILE_ARENA_BYTES (16 * 1024)

/* A node, shared by all extensions in which it is unchanged. */
struct registered {
    struct arena arena; /* of everything that the node points to */
    struct node node;
    uint64_t revision;
    atomic_uint refs;
};

struct extension {
    struct registered **list; /* in the order of the tree's nodes */
    uint32_t n;
    struct map by_uid;
};

static void registered_unref(struct registered *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) > 1)
        return;
    arena_done(&r->arena);
    free(r);
}

static struct str uid_of(const void *list, uint32_t i)
{
    struct registered *const *all = list;
    return all[i]->node.uid;
}

void extension_free(struct extension *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < x->n; i++)
        registered_unref(x->list[i]);
    map_done(&x->by_uid);
    free(x->list);
    free(x);
}

uint32_t extension_find_uid(const struct extension *x, struct str uid)
{
    return map_find(&x->by_uid, uid_of, x->list, uid);
}

/* --- Reading one definition ------------------------------------------------------------------- */

/* The name is a member, not the key above as in a file. */
static bool split(struct load *l, const struct yaml_node *root, struct yaml_pair *ret)
{
    const struct yaml_node *name = yaml_get(root, STR("name"));
    if (!name || name->kind != YAML_SCALAR) {
        fault_add(l->faults, yaml_place(l->reader.file, name ? name : root),
                  "name: a node needs one: lower-case letters, digits and '-' inside, 63 at most");
        return false;
    }
    struct yaml_node *rest = ARENA_NEW(&l->file, struct yaml_node);
    struct yaml_pair *pairs = ARENA_ARRAY(&l->file, struct yaml_pair, root->n);
    *rest = *root;
    rest->pairs = pairs;
    rest->n = 0;
    for (uint32_t i = 0; i < root->n; i++) {
        if (root->pairs[i].value != name)
            pairs[rest->n++] = root->pairs[i];
    }
    *ret = (struct yaml_pair){name, rest};
    return true;
}

static void check_uid(struct load *l)
{
    const struct node *n = tree_find_name(l->beside[0], l->uid);
    if (n)
        fault_add(l->faults, (struct place){.file = l->reader.file},
                  "its uid '%s' is the name of the node that is declared at %s:%u", l->uid.p,
                  n->at.file, n->at.line);
}

/* Whether a node was appended; it may be faulty. */
static bool read_definition(struct load *l, const struct tree_definition *d)
{
    struct arena *a = &l->tree->arena;
    const struct yaml_node *root;
    struct yaml_pair pair;
    uint32_t n = l->tree->nodes_n;
    l->uid = arena_str(a, d->uid);
    root = load_text(l, arena_printf(a, "registered node %s", l->uid.p).p, d->json);
    if (!root || !split(l, root, &pair))
        return false;
    l->reader.file = arena_printf(a, "registered node %s", yaml_quoted(a, yaml_text(pair.key))).p;
    check_uid(l);
    load_node(l, &pair);
    return l->tree->nodes_n > n;
}

/* The tree's arena is this node's while it is read. */
static void read_one(struct load *l, const struct tree_definition *d)
{
    struct tree *t = l->tree;
    struct registered *r = mem_zalloc(1, sizeof(*r));
    size_t errors = l->faults->errors;
    atomic_init(&r->refs, 1);
    arena_reset(&l->file);
    arena_init(&t->arena, NODE_ARENA_BYTES);
    intern_init(&l->texts, &t->arena);
    l->reader.texts = &l->texts;
    bool added = read_definition(l, d);
    intern_done(&l->texts);
    r->arena = t->arena;
    t->arena = (struct arena){0};
    r->revision = l->faults->errors == errors ? d->revision : 0;
    if (!added) {
        registered_unref(r);
        return;
    }
    r->node = t->nodes[t->nodes_n - 1];
    t->extension->list[t->extension->n++] = r;
}

/* --- Making a tree ---------------------------------------------------------------------------- */

static struct tree *begin(const struct tree *base, uint32_t room)
{
    struct tree *t = mem_zalloc(1, sizeof(*t));
    t->extension = mem_zalloc(1, sizeof(*t->extension));
    t->extension->list = mem_zalloc(room ? room : 1, sizeof(*t->extension->list));
    t->nodes = mem_zalloc(room ? room : 1, sizeof(*t->nodes));
    t->site = base->site;
    t->clusters = base->clusters;
    t->roles = base->roles;
    t->secrets = base->secrets;
    t->clusters_n = base->clusters_n;
    t->roles_n = base->roles_n;
    t->secrets_n = base->secrets_n;
    return t;
}

static struct load loader(struct tree *t, const struct tree *base, uint32_t room,
                          struct faults *faults)
{
    struct load l = {
        .tree = t,
        .faults = faults,
        .reader = {.arena = &t->arena, .faults = faults},
        .networks_whole = true,
        .clusters_whole = true,
        .roles_whole = true,
        .nodes_room = room ? room : 1,
        .beside = {base},
    };
    arena_init(&l.file, FILE_ARENA_BYTES);
    return l;
}

static void take(struct tree *t, struct registered *r)
{
    atomic_fetch_add(&r->refs, 1);
    t->nodes[t->nodes_n++] = r->node;
    t->extension->list[t->extension->n++] = r;
}

static struct registered *unchanged(const struct tree *previous, const struct tree_definition *d)
{
    uint32_t i = previous ? extension_find_uid(previous->extension, d->uid) : MAP_NONE;
    if (i == MAP_NONE || previous->extension->list[i]->revision != d->revision)
        return NULL;
    return previous->extension->list[i];
}

static int by_name(const void *a, const void *b)
{
    const struct registered *const *x = a, *const *y = b;
    return str_cmp((*x)->node.name, (*y)->node.name);
}

/* Without those that are faulty, in the order of their names. */
static void finish(struct tree *t)
{
    struct extension *x = t->extension;
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        if (x->list[i]->revision)
            x->list[n++] = x->list[i];
        else
            registered_unref(x->list[i]);
    }
    x->n = t->nodes_n = n;
    if (n)
        qsort(x->list, n, sizeof(struct registered *), by_name);
    for (uint32_t i = 0; i < n; i++) {
        t->nodes[i] = x->list[i]->node;
        map_put(&x->by_uid, uid_of, x->list, i);
    }
    index_done(&t->index);
    index_fill(&t->index, t->nodes, n);
}

/* Nodes taken from `previous` do not conflict with each other: only the others can. */
struct tree *tree_extend(const struct tree *base, const struct tree *previous,
                         const struct tree_definition *list, uint32_t n, struct faults *faults)
{
    struct tree *t = begin(base, n);
    struct load l = loader(t, base, n, faults);
    for (uint32_t i = 0; i < n; i++) {
        struct registered *r = unchanged(previous, &list[i]);
        if (r)
            take(t, r);
    }
    index_fill(&t->index, t->nodes, t->nodes_n);
    for (uint32_t i = 0; i < n; i++) {
        if (!unchanged(previous, &list[i]))
            read_one(&l, &list[i]);
    }
    load_done(&l);
    finish(t);
    return t;
}

int tree_try(const struct tree *base, const struct tree *extension, struct tree_definition d,
             struct faults *faults)
{
    struct tree *t = begin(base, 1);
    struct load l = loader(t, base, 1, faults);
    size_t errors = faults->errors;
    l.beside[1] = extension;
    read_one(&l, &d);
    size_t found = faults->errors - errors;
    int r = !found ? 0 : found == l.conflicts ? -EEXIST : -EINVAL;
    load_done(&l);
    tree_free(t);
    return r;
}

uint32_t tree_taken_from(const struct tree *t, uint32_t number, const struct tree *previous)
{
    const struct registered *r = t->extension->list[number];
    uint32_t i = previous ? extension_find_uid(previous->extension, r->node.uid) : MAP_NONE;
    return i != MAP_NONE && previous->extension->list[i] == r ? i : MAP_NONE;
}
