/* SPDX-License-Identifier: Apache-2.0 */
/* The steps for roles/: what extends what, and which templates there are. */
#include "tree/load.h"

#include "base/guess.h"
#include "tree/variables.h"

#include <stdlib.h>

static struct str draft_name(const void *drafts, uint32_t i)
{
    return ((const struct role_draft *)drafts)[i].role.name;
}

static void find_templates(struct load *l, const struct yaml_node *y, struct role *r)
{
    const struct yaml_node *names = yaml_get(y, STR("templates"));
    for (size_t f = 0; f < SEED_FILE_COUNT; f++) {
        struct str name = r->template_names[f];
        if (!name.n)
            continue;
        r->templates[f] = template_set_find(l->tree->templates, name);
        if (r->templates[f] || !l->templates_whole)
            continue;
        struct guess g;
        guess_init(&g, name);
        for (size_t i = 0; i < l->templates.n; i++)
            guess_offer(&g, l->templates.list[i].name);
        fault_add(l->faults, schema_place(&l->reader, names, seed_file_names[f], 0),
                  "%s: there is no template %s%s", seed_file_names[f],
                  schema_quoted(&l->reader, name), guess_text(&g));
    }
}

void load_role(struct load *l, const struct yaml_pair *pair)
{
    struct tree *t = l->tree;
    struct role_draft d = {0};
    schema_read_named(&l->reader, &format_role, pair, &d);
    d.bootstrap_given = yaml_get(pair->value, STR("bootstrap")) != NULL;
    d.extends_at = schema_place(&l->reader, pair->value, "extends", 0);
    find_templates(l, pair->value, &d.role);
    l->role_drafts = load_grow(l->role_drafts, t->roles_n, &l->roles_room, sizeof(d));
    l->role_drafts[t->roles_n] = d;
    uint32_t holder = map_put(&l->names, draft_name, l->role_drafts, t->roles_n);
    if (holder == MAP_NONE)
        t->roles_n++;
    else
        fault_add(l->faults, d.role.at, "a role '%s' is declared already, at %s:%u", d.role.name.p,
                  l->role_drafts[holder].role.at.file, l->role_drafts[holder].role.at.line);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct role_draft *)a)->role.name,
                   ((const struct role_draft *)b)->role.name);
}

static void report_unknown(struct load *l, const struct role_draft *d)
{
    struct guess g;
    guess_init(&g, d->extends);
    for (uint32_t i = 0; i < l->tree->roles_n; i++) {
        if (!str_eq(l->role_drafts[i].role.name, d->role.name))
            guess_offer(&g, l->role_drafts[i].role.name);
    }
    if (l->roles_whole)
        fault_add(l->faults, d->extends_at, "extends: there is no role '%s'%s", d->extends.p,
                  guess_text(&g));
}

static uint32_t find_draft(const struct load *l, struct str name)
{
    struct role_draft key = {.role.name = name};
    const struct role_draft *found =
        bsearch(&key, l->role_drafts, l->tree->roles_n, sizeof(key), by_name);
    return found ? (uint32_t)(found - l->role_drafts) : MAP_NONE;
}

static void find_parents(struct load *l)
{
    for (uint32_t i = 0; i < l->tree->roles_n; i++) {
        struct role_draft *d = &l->role_drafts[i];
        d->parent = d->extends.n ? find_draft(l, d->extends) : MAP_NONE;
        if (d->extends.n && d->parent == MAP_NONE)
            report_unknown(l, d);
    }
}

static void report_cycle(struct load *l, uint32_t from)
{
    struct buf way;
    uint32_t i = from;
    buf_init(&way, 512);
    do {
        buf_printf(&way, "'%s' extends ", l->role_drafts[i].role.name.p);
        i = l->role_drafts[i].parent;
    } while (i != from);
    buf_printf(&way, "'%s'", l->role_drafts[from].role.name.p);
    fault_add(l->faults, l->role_drafts[from].extends_at, "extends: in a circle: %s",
              buf_view(&way).p);
    buf_done(&way);
}

static void inherit(struct load *l, struct role_draft *d)
{
    const struct role *parent = &l->role_drafts[d->parent].role;
    struct role *r = &d->role;
    if (!d->bootstrap_given)
        r->bootstrap = parent->bootstrap;
    for (size_t f = 0; f < SEED_FILE_COUNT; f++) {
        if (r->template_names[f].n)
            continue;
        r->template_names[f] = parent->template_names[f];
        r->templates[f] = parent->templates[f];
    }
    r->variables = variables_merge(&l->tree->arena, parent->variables, r->variables);
}

/* Up from one role to the first that is finished, then down again: `way` has room for all. */
static void resolve(struct load *l, uint32_t i, uint32_t *way)
{
    uint32_t n = 0;
    while (i != MAP_NONE && !l->role_drafts[i].visited) {
        l->role_drafts[i].visited = true;
        way[n++] = i;
        i = l->role_drafts[i].parent;
    }
    bool circle = false;
    for (uint32_t k = 0; k < n && i != MAP_NONE; k++)
        circle |= way[k] == i;
    if (circle)
        report_cycle(l, i);
    while (n > 0) {
        struct role_draft *d = &l->role_drafts[way[--n]];
        if (d->parent != MAP_NONE)
            inherit(l, d);
    }
}

void load_link_roles(struct load *l)
{
    struct tree *t = l->tree;
    uint32_t *way = ARENA_ARRAY(&l->file, uint32_t, t->roles_n);
    if (t->roles_n)
        qsort(l->role_drafts, t->roles_n, sizeof(*l->role_drafts), by_name);
    find_parents(l);
    for (uint32_t i = 0; i < t->roles_n; i++)
        resolve(l, i, way);
    t->roles = ARENA_ARRAY(&t->arena, struct role, t->roles_n);
    for (uint32_t i = 0; i < t->roles_n; i++) {
        uint32_t parent = l->role_drafts[i].parent;
        t->roles[i] = l->role_drafts[i].role;
        t->roles[i].extends = parent == MAP_NONE ? NULL : &t->roles[parent];
    }
}

void load_roles(struct load *l, const char *folder)
{
    l->roles_whole = load_folder(l, folder, load_role);
    load_link_roles(l);
}
