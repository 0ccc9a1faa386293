/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extend: nodes that stand in no file, beside those of a loaded tree.
 *
 * Their definitions are JSON, which is YAML: the same code reads them as reads nodes/. What comes
 * of it is a tree of its own that borrows site, clusters, roles and templates of the loaded one,
 * its base, which must outlive it. It knows neither who keeps the definitions nor who may change
 * them.
 */
#ifndef CLOUDSEED_TREE_EXTEND_H
#define CLOUDSEED_TREE_EXTEND_H

#include "tree/tree.h"

/* {"name": "web", "role": …}: what nodes/ holds of a node, with its name. */
struct tree_definition {
    struct str uid, json;
    uint64_t revision; /* not 0; what has the same uid and revision is the same */
};

/* Makes nodes of the definitions. Whoever is faulty by himself, or has something that a node of the
 * base or one before him in the list has, is left out, with faults whose places are called
 * "registered node 'web'". Nodes that are the same in `previous` (NULL: none), another extension of
 * the same base, are taken from there. Any thread. */
struct tree *tree_extend(const struct tree *base, const struct tree *previous,
                         const struct tree_definition *list, uint32_t n, struct faults *faults);

/* Whether the definition could stand beside the base and the extension (NULL: none); a node of the
 * same uid there is what it replaces. Else all faults, with -EEXIST where each of them is that
 * another node has something already, -EINVAL where not. */
int tree_try(const struct tree *base, const struct tree *extension, struct tree_definition d,
             struct faults *faults);

/* The number in `previous` of the node that was taken from there; UINT32_MAX: it was not. */
uint32_t tree_taken_from(const struct tree *t, uint32_t number, const struct tree *previous);

/* For the tree's own files: frees what only an extension has. */
struct extension;
void extension_free(struct extension *x);
uint32_t extension_find_uid(const struct extension *x, struct str uid);

#endif
