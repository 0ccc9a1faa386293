/* SPDX-License-Identifier: Apache-2.0 */
#include "render/scope.h"

#include "base/mem.h"

#include "render/specialized.h"
#include "render/values.h"

#include <stdlib.h>

#define TABLES_ARENA_BYTES (16 * 1024)

struct scope_tables {
    struct arena arena;
    const struct site *site;
    struct value site_value, networks, secrets;
    struct value *clusters, *roles; /* by the numbers of the tree */
    const struct cluster *first_cluster;
    const struct role *first_role;
    struct specialized *specialized;
};

static struct scope_tables *tables_new(const struct tree *t, bool for_answers)
{
    struct scope_tables *s = MEM_NEW(struct scope_tables);
    arena_init(&s->arena, TABLES_ARENA_BYTES);
    s->site = tree_site(t);
    s->site_value = values_of_site(s->site, &s->arena);
    s->networks = values_of_networks(s->site, &s->arena);
    s->secrets = values_of_secrets(t, &s->arena);
    uint32_t clusters = tree_cluster_count(t), roles = tree_role_count(t);
    s->clusters = ARENA_ARRAY(&s->arena, struct value, clusters);
    s->roles = ARENA_ARRAY(&s->arena, struct value, roles);
    s->first_cluster = clusters ? tree_cluster(t, 0) : NULL;
    s->first_role = roles ? tree_role(t, 0) : NULL;
    for (uint32_t i = 0; i < clusters; i++)
        s->clusters[i] = values_of_cluster(tree_cluster(t, i), &s->arena);
    for (uint32_t i = 0; i < roles; i++)
        s->roles[i] = values_of_role(tree_role(t, i), &s->arena);
    s->specialized = specialized_new(t, s, for_answers);
    return s;
}

struct scope_tables *scope_tables_new(const struct tree *t)
{
    return tables_new(t, false);
}

struct scope_tables *scope_tables_new_for_answers(const struct tree *t)
{
    return tables_new(t, true);
}

void scope_tables_free(struct scope_tables *s)
{
    if (!s)
        return;
    specialized_free(s->specialized);
    arena_done(&s->arena);
    free(s);
}

const struct specialized *scope_tables_specialized(const struct scope_tables *s)
{
    return s->specialized;
}

/* Values that are made once for the whole tree. */
static bool lookup_table(const struct scope *s, struct str name, struct value *ret)
{
    const struct scope_tables *t = s->tables;
    if (str_is(name, "site"))
        *ret = t->site_value;
    else if (str_is(name, "networks"))
        *ret = t->networks;
    else if (s->node && str_is(name, "role"))
        *ret = t->roles[s->node->role - t->first_role];
    else if (s->node && str_is(name, "cluster"))
        *ret = s->node->cluster ? t->clusters[s->node->cluster - t->first_cluster] : value_none();
    else
        return false;
    return true;
}

/* `node` itself. */
static bool lookup_node(struct scope *s, struct str name, struct value *ret)
{
    if (!s->node || !str_is(name, "node"))
        return false;
    if (s->node_value.kind == VALUE_UNDEFINED)
        s->node_value = values_of_node(s->node, s->env->generation, s->tables->site,
                                       s->tables->networks, s->node_keys, s->arena);
    *ret = s->node_value;
    return true;
}

static struct value seed_value(const struct scope *s)
{
    struct value_pair *pair = ARENA_NEW(s->arena, struct value_pair);
    pair->key = value_str(STR("url"));
    pair->value = value_str(s->env->seed_url);
    return value_map(pair, 1);
}

/* --- Variables ----------------------------------------------------------------------------- */

#define LEVELS 4 /* node, role, cluster, site: the nearest first */

/* Goes through the variables that make a value: one that does not add ends it. */
struct parts {
    struct variables sets[LEVELS];
    struct str name;
    size_t level; /* the next one */
    const struct variable *last;
};

static void set_levels(struct parts *p, const struct site *site, const struct node *n)
{
    if (n) {
        p->sets[0] = n->variables;
        p->sets[1] = n->role->variables;
        if (n->cluster)
            p->sets[2] = n->cluster->variables;
    }
    p->sets[3] = site->variables;
}

static struct parts parts_of(const struct site *site, const struct node *n, struct str name)
{
    struct parts p = {.name = name};
    set_levels(&p, site, n);
    return p;
}

static const struct variable *next_part(struct parts *p)
{
    const struct variable *v = p->last ? p->last->base : NULL;
    if (p->last && !p->last->adds)
        return NULL;
    while (!v && p->level < LEVELS)
        v = variables_find(p->sets[p->level++], p->name);
    if (v)
        p->last = v;
    return v;
}

const struct variable *scope_variable(const struct site *site, const struct node *n,
                                      struct str name)
{
    struct parts p = parts_of(site, n, name);
    return next_part(&p);
}

static uint32_t item_count(struct value v)
{
    return v.kind == VALUE_LIST ? v.n : 1;
}

/* The list of the furthest level first. */
static struct value joined(struct parts p, const struct variable *v, struct arena *a)
{
    uint32_t n = item_count(v->value);
    for (struct parts ahead = p; (v = next_part(&ahead));)
        n += item_count(v->value);
    struct value *items = ARENA_ARRAY(a, struct value, n), list = value_list(items, n);
    for (v = p.last; v; v = next_part(&p)) {
        n -= item_count(v->value);
        if (v->value.kind == VALUE_LIST)
            memcpy(items + n, v->value.items, v->value.n * sizeof(*items));
        else
            items[n] = v->value;
    }
    return list;
}

struct value scope_variable_value(const struct site *site, const struct node *n, struct str name,
                                  struct arena *a)
{
    struct parts p = parts_of(site, n, name);
    const struct variable *v = next_part(&p);
    if (!v)
        return (struct value){.kind = VALUE_UNDEFINED};
    return v->adds ? joined(p, v, a) : v->value;
}

static bool is_part(const struct site *site, const struct node *n, const struct variable *wanted)
{
    struct parts p = parts_of(site, n, wanted->name);
    const struct variable *v;
    while ((v = next_part(&p)) && v != wanted)
        ;
    return v != NULL;
}

const struct variable *scope_source(const struct site *site, const struct node *n,
                                    struct value source, struct place *ret)
{
    struct parts p = {.level = 0};
    set_levels(&p, site, n);
    for (size_t i = 0; i < LEVELS; i++) {
        for (uint32_t k = 0; k < p.sets[i].n; k++) {
            for (const struct variable *v = &p.sets[i].list[k]; v; v = v->base) {
                if (variable_place(v, source, ret) && is_part(site, n, v))
                    return v;
            }
        }
    }
    return NULL;
}

/* Only in the answer to a bootstrap request. */
static bool is_sent_sealed(enum document_kind kind)
{
    return kind != DOCUMENT_SEED && kind != DOCUMENT_BOOT && kind != DOCUMENT_FURTHER;
}

/* Names that only some documents have. */
static bool lookup_special(const struct scope *s, struct str name, struct value *ret)
{
    enum document_kind kind = s->document.kind;
    bool kubeadm = kind == DOCUMENT_KUBEADM_INIT || kind == DOCUMENT_KUBEADM_JOIN;
    if (s->node && str_is(name, "seed"))
        *ret = seed_value(s);
    else if (kubeadm && str_is(name, "bootstrap"))
        *ret = values_of_bootstrap(s->node, kind == DOCUMENT_KUBEADM_INIT, s->env->bootstrap,
                                   s->arena);
    else if (kind == DOCUMENT_BOOT && str_is(name, "boot"))
        *ret = values_of_boot(s->node ? s->node->role : NULL, s->arguments, s->env, s->arena);
    else if (is_sent_sealed(kind) && str_is(name, "secrets"))
        *ret = s->env->secrets ? *s->env->secrets : s->tables->secrets;
    else
        return false;
    return true;
}

bool scope_lookup(void *cls, struct str name, struct value *ret)
{
    struct scope *s = cls;
    if (lookup_node(s, name, ret) || lookup_table(s, name, ret) || lookup_special(s, name, ret))
        return true;
    *ret = scope_variable_value(s->tables->site, s->node, name, s->arena);
    return ret->kind != VALUE_UNDEFINED;
}

const char *scope_explain(struct str name)
{
    if (str_is(name, "bootstrap"))
        return "only a role's 'kubeadm' template sees it, not what else a node is given";
    if (str_is(name, "boot"))
        return "only boot scripts (boot.ipxe, grub.cfg) see it";
    if (str_is(name, "secrets"))
        return "only kubeadm's template and those of sealed/ see it";
    return "set it under 'variables' of the site, a cluster, a role or the node, or write "
           "default()";
}
