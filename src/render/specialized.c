/* SPDX-License-Identifier: Apache-2.0 */
#include "render/specialized.h"

#include "base/intern.h"
#include "base/mem.h"
#include "render/piece.h"
#include "render/values.h"

#include <stdlib.h>

#define ARENA_BYTES (64 << 10)
/* Nodes of further groups are rendered from the templates as written: each group costs some KiB,
 * and if each node has a role of its own there is nothing to share. */
#define GROUPS_MAX 1024
#define NO_GROUP UINT32_MAX

/* Most nodes do not set variables that their role, cluster or site sets too. In the templates of
 * those that do, every name that some node sets is left for the rendering. */
struct group_key {
    const struct role *role;
    const struct cluster *cluster;
    size_t shadows; /* a size_t, because padding would be hashed */
};

struct group {
    struct group_key key;
    struct specialized_file *files; /* by the number of the document */
};

struct specialized {
    struct arena arena;
    const struct tree *tree;
    struct group *groups;
    uint32_t groups_n;
    struct map by_key;
    uint32_t *group_of;    /* by the node's number */
    struct intern set;     /* the names that some node sets */
    struct pieces *pieces; /* NULL: none are made */
};

/* What the nodes of a group have in common. */
struct common {
    struct scope scope; /* of a node that only has the group's role and cluster */
    const struct specialized *specialized;
    bool shadows;
};

static struct str group_key_of(const void *groups, uint32_t i)
{
    const struct group *g = (const struct group *)groups + i;
    return (struct str){(const char *)&g->key, sizeof(g->key)};
}

static struct str name_of(const void *names, uint32_t i)
{
    return ((const struct str *)names)[i];
}

static bool is_set_by_a_node(const struct specialized *p, struct str name)
{
    return map_find(&p->set.map, name_of, p->set.list, name) != MAP_NONE;
}

static bool is_of_one_node(struct str name)
{
    return str_is(name, "node") || str_is(name, "seed") || str_is(name, "bootstrap") ||
           str_is(name, "secrets") || str_is(name, "boot");
}

static bool lookup(void *cls, struct str name, struct value *ret)
{
    struct common *c = cls;
    if (is_of_one_node(name) || (c->shadows && is_set_by_a_node(c->specialized, name)))
        return false;
    return scope_lookup(&c->scope, name, ret);
}

static bool is_undefined(void *cls, struct str name)
{
    const struct common *c = cls;
    return !is_of_one_node(name) && !is_set_by_a_node(c->specialized, name);
}

static void fill(struct specialized *p, struct group *g, const struct scope_tables *tables)
{
    const struct node bare = {.role = g->key.role, .cluster = g->key.cluster};
    struct common c = {.scope = {.tables = tables, .node = &bare, .arena = &p->arena},
                       .specialized = p,
                       .shadows = g->key.shadows};
    struct template_scope known = {.lookup = lookup, .is_undefined = is_undefined, .cls = &c};
    uint32_t n = document_count(&bare);
    g->files = ARENA_ARRAY(&p->arena, struct specialized_file, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct template *t = document_template(&bare, document_at(&bare, i));
        g->files[i] = (struct specialized_file){0};
        if (!t)
            continue;
        struct template_marker marker = {0};
        if (p->pieces)
            marker = pieces_marker(p->pieces);
        t = template_fold(t, known, p->pieces ? &marker : NULL, &p->arena);
        unsigned keys = template_reads(t, STR("node"), node_key_names, NODE_KEYS);
        g->files[i] = (struct specialized_file){t, keys, p->pieces && pieces_keep(p->pieces)};
    }
}

/* --- Groups -------------------------------------------------------------------------------- */

static bool shadows(const struct site *site, const struct node *n)
{
    const struct node bare = {.role = n->role, .cluster = n->cluster};
    for (uint32_t i = 0; i < n->variables.n; i++) {
        if (scope_variable(site, &bare, n->variables.list[i].name))
            return true;
    }
    return false;
}

static uint32_t group_find_or_add(struct specialized *p, struct group_key key)
{
    uint32_t i = map_find(&p->by_key, group_key_of, p->groups,
                          (struct str){(const char *)&key, sizeof(key)});
    if (i != MAP_NONE)
        return i;
    if (p->groups_n == GROUPS_MAX)
        return NO_GROUP;
    p->groups[p->groups_n].key = key;
    map_put(&p->by_key, group_key_of, p->groups, p->groups_n);
    return p->groups_n++;
}

static void group_nodes(struct specialized *p)
{
    uint32_t n = tree_node_count(p->tree);
    p->groups = ARENA_ARRAY(&p->arena, struct group, n < GROUPS_MAX ? n : GROUPS_MAX);
    p->group_of = ARENA_ARRAY(&p->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct node *node = tree_node(p->tree, i);
        struct group_key key = {node->role, node->cluster, shadows(tree_site(p->tree), node)};
        p->group_of[i] = group_find_or_add(p, key);
    }
}

static void find_set(struct specialized *p)
{
    for (uint32_t i = 0; i < tree_node_count(p->tree); i++) {
        struct variables v = tree_node(p->tree, i)->variables;
        for (uint32_t k = 0; k < v.n; k++)
            intern_str(&p->set, v.list[k].name);
    }
}

struct specialized *specialized_new(const struct tree *t, const struct scope_tables *tables,
                                    bool for_answers)
{
    struct specialized *p = MEM_NEW(struct specialized);
    p->tree = t;
    p->pieces = for_answers ? pieces_new() : NULL;
    arena_init(&p->arena, ARENA_BYTES);
    intern_init(&p->set, &p->arena);
    group_nodes(p);
    find_set(p);
    for (uint32_t i = 0; i < p->groups_n; i++)
        fill(p, &p->groups[i], tables);
    return p;
}

void specialized_free(struct specialized *p)
{
    if (!p)
        return;
    pieces_free(p->pieces);
    map_done(&p->by_key);
    intern_done(&p->set);
    arena_done(&p->arena);
    free(p);
}

/* The templates of the groups count on it that no node sets other names than those of `set`, and
 * leave them open where a node shadows what its role, cluster or site sets. */
static uint32_t group_of_foreign(const struct specialized *p, const struct node *n)
{
    const struct group_key key = {n->role, n->cluster, false};
    if (shadows(tree_site(p->tree), n))
        return NO_GROUP;
    for (uint32_t i = 0; i < n->variables.n; i++) {
        if (!is_set_by_a_node(p, n->variables.list[i].name))
            return NO_GROUP;
    }
    uint32_t i = map_find(&p->by_key, group_key_of, p->groups,
                          (struct str){(const char *)&key, sizeof(key)});
    return i == MAP_NONE ? NO_GROUP : i;
}

struct specialized_file specialized_find(const struct specialized *p, const struct node *n,
                                         uint32_t document)
{
    uint32_t group =
        tree_has(p->tree, n) ? p->group_of[tree_node_number(p->tree, n)] : group_of_foreign(p, n);
    if (group != NO_GROUP)
        return p->groups[group].files[document];
    return (struct specialized_file){document_template(n, document_at(n, document)), NODE_KEYS_ALL,
                                     false};
}
