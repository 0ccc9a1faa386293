/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: what a template sees of the node that it is rendered for.
 *
 * Built-in names first (site, networks, cluster, role, node, seed, and boot, bootstrap and secrets
 * where the document may have them: docs/templates.md), then the variables of node, role, cluster
 * and site, the nearest one winning. The tables hold what is the
 * same for many nodes and are made once for each tree; the node's own part is made for each
 * rendering, in its arena.
 */
#ifndef CLOUDSEED_RENDER_SCOPE_H
#define CLOUDSEED_RENDER_SCOPE_H

#include "render/document.h"
#include "template/template.h"
#include "tree/tree.h"

struct scope_tables;

/* The tree must outlive the tables. */
struct scope_tables *scope_tables_new(const struct tree *t);
/* For a server: its answers are put together from pieces made here (piece.h). */
struct scope_tables *scope_tables_new_for_answers(const struct tree *t);
void scope_tables_free(struct scope_tables *tables);
struct specialized;
const struct specialized *scope_tables_specialized(const struct scope_tables *tables);

struct scope {
    const struct scope_tables *tables;
    const struct node *node; /* NULL: a script of no node, which sees the site alone */
    struct document document;
    const struct render_env *env;
    struct arena *arena;
    unsigned node_keys;      /* bits of those that somebody may look at (render/values.h) */
    struct value node_value; /* made when first asked for */
};

/* Fits template_scope's lookup; `cls` is a struct scope. */
bool scope_lookup(void *cls, struct str name, struct value *ret);

/* Fits template_scope's explain: of names that other documents see. */
const char *scope_explain(struct str name);

/* The variable that `name` stands for on this node, and with it the place that it comes from. NULL
 * where there is none. */
const struct variable *scope_variable(const struct site *site, const struct node *n,
                                      struct str name);

#endif
