/* SPDX-License-Identifier: Apache-2.0 */
#include "core/census.h"

#include "base/mem.h"

#include <stdlib.h>

struct census {
    struct fleet *fleet;
    const struct snapshot *snapshot; /* the owner of the census holds it */
    struct census_group groups[CENSUS_MAX + 1];
    char *texts[CENSUS_MAX + 1]; /* the names of each */
    uint32_t n, latest;
};

static bool is_empty(const struct census_group *g)
{
    for (int i = 0; i < STATE_COUNT; i++) {
        if (g->nodes[i])
            return false;
    }
    return true;
}

static struct census_group *name_group(struct census *c, uint32_t i, struct str role,
                                       struct str cluster)
{
    char *text = mem_alloc(role.n + cluster.n + 1);
    memcpy(text, role.p, role.n);
    if (cluster.n)
        memcpy(text + role.n, cluster.p, cluster.n);
    free(c->texts[i]);
    c->texts[i] = text;
    c->groups[i] =
        (struct census_group){.role = {text, role.n}, .cluster = {text + role.n, cluster.n}};
    return &c->groups[i];
}

static bool is_of(const struct census_group *g, struct str role, struct str cluster)
{
    return str_eq(g->role, role) && str_eq(g->cluster, cluster);
}

/* The place of a group that is not there: that of one that has become empty, or the next. While
 * some are counted together there is no new place, so that each node is found where it was counted.
 */
static struct census_group *new_group(struct census *c, struct str role, struct str cluster)
{
    uint32_t i = 0;
    if (c->n > CENSUS_MAX)
        return &c->groups[CENSUS_MAX];
    while (i < c->n && !is_empty(&c->groups[i]))
        i++;
    if (i == CENSUS_MAX)
        role = cluster = STR("*");
    if (i == c->n)
        c->n++;
    return name_group(c, i, role, cluster);
}

/* Nodes that follow each other are often of the same one. */
static struct census_group *group_of(struct census *c, const struct node *n)
{
    struct str role = n->role->name, cluster = n->cluster ? n->cluster->name : STR("");
    if (c->latest < c->n && is_of(&c->groups[c->latest], role, cluster))
        return &c->groups[c->latest];
    for (uint32_t i = 0; i < c->n && i < CENSUS_MAX; i++) {
        if (is_of(&c->groups[i], role, cluster)) {
            c->latest = i;
            return &c->groups[i];
        }
    }
    return new_group(c, role, cluster);
}

static void add(struct census *c, const struct node *n)
{
    group_of(c, n)->nodes[fleet_look(c->fleet, n->uid).state]++;
}

static void subtract(struct census *c, const struct node *n)
{
    group_of(c, n)->nodes[fleet_look(c->fleet, n->uid).state]--;
}

static void on_standing(void *cls, struct str uid, enum node_state before, enum node_state now)
{
    struct census *c = cls;
    const struct node *n = snapshot_find_uid(c->snapshot, uid);
    if (!n)
        return;
    struct census_group *g = group_of(c, n);
    g->nodes[before]--;
    g->nodes[now]++;
}

static void count_tree(struct census *c, const struct tree *t)
{
    for (uint32_t i = 0; t && i < tree_node_count(t); i++)
        add(c, tree_node(t, i));
}

static void count_all(struct census *c, const struct snapshot *s)
{
    c->n = 0;
    c->snapshot = s;
    count_tree(c, snapshot_tree(s));
    count_tree(c, snapshot_registered(s));
}

struct census *census_new(struct fleet *f, const struct snapshot *first)
{
    struct census *c = MEM_NEW(struct census);
    c->fleet = f;
    count_all(c, first);
    fleet_follow(f, on_standing, c);
    return c;
}

void census_free(struct census *c)
{
    if (!c)
        return;
    fleet_follow(c->fleet, NULL, NULL);
    for (uint32_t i = 0; i <= CENSUS_MAX; i++)
        free(c->texts[i]);
    free(c);
}

void census_replace(struct census *c, const struct snapshot *next)
{
    uint32_t n;
    const struct snapshot_change *changes = snapshot_changes(next, c->snapshot, &n);
    if (!changes || c->n > CENSUS_MAX) { /* there may be places for all now */
        count_all(c, next);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (changes[i].before)
            subtract(c, changes[i].before);
        if (changes[i].now)
            add(c, changes[i].now);
    }
    c->snapshot = next;
}

const struct census_group *census_at(const struct census *c, uint32_t i)
{
    return i < c->n ? &c->groups[i] : NULL;
}
