/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: the names that a template can use when it is rendered for a node.
 *
 * Built-in names come first (site, networks, cluster, role, node, seed, and boot, bootstrap and
 * secrets in the documents that have them: docs/templates.md), then the variables of node, role,
 * cluster and site, in this order. The tables hold what many nodes share and are made once for each
 * tree; `node` is made for each rendering, in its arena.
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
    const struct node *node; /* NULL: a script without a node, which sees only the site */
    struct document document;
    const struct render_env *env;
    struct arena *arena;
    unsigned node_keys;      /* bits of the keys that the template may use (render/values.h) */
    struct value node_value; /* made at its first use */
    /* Of a boot script: the arguments of the role's entry, then those of its menu's. */
    const struct str *arguments;
};

/* For template_scope's lookup; `cls` is a struct scope. */
bool scope_lookup(void *cls, struct str name, struct value *ret);

/* For template_scope's explain: where a name that is undefined here can be used, or how to define
 * it. */
const char *scope_explain(struct str name);

/* The variable that `name` means for this node, with the place where it was set. NULL if there is
 * none. */
const struct variable *scope_variable(const struct site *site, const struct node *n,
                                      struct str name);
/* Its value with all that it adds to; VALUE_UNDEFINED if there is none. `n` NULL: only the site's.
 */
struct value scope_variable_value(const struct site *site, const struct node *n, struct str name,
                                  struct arena *a);

/* The variable that a value of this node's documents was taken from (template_piece's source), with
 * the place of the value itself, within a list or mapping too. NULL if there is none. */
const struct variable *scope_source(const struct site *site, const struct node *n,
                                    struct value source, struct place *ret);

#endif
