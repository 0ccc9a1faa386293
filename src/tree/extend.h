/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extend: nodes that are not declared in a file, in addition to those of a loaded tree.
 *
 * Their definitions are JSON, which is YAML, so the code that reads nodes/ reads them too. The
 * result is a separate tree that borrows site, clusters, roles and templates from the loaded one,
 * its base, which must outlive it. Where definitions are stored, and who may change them, is not
 * known here.
 */
#ifndef CLOUDSEED_TREE_EXTEND_H
#define CLOUDSEED_TREE_EXTEND_H

#include "tree/tree.h"

/* {"name": "web", "role": …}: as in nodes/, with the name inside. */
struct tree_definition {
    struct str uid, json;
    uint64_t revision; /* not 0; the same uid and revision mean the same definition */
};

/* Makes nodes of the definitions. A node that is faulty, or conflicts with one of the base or with
 * an earlier one in the list, is left out, with faults whose places are called "registered node
 * 'web'". Unchanged nodes are taken from `previous` (NULL: none), another extension of the same
 * base. May be called on any thread. */
struct tree *tree_extend(const struct tree *base, const struct tree *previous,
                         const struct tree_definition *list, uint32_t n, struct faults *faults);

/* Checks whether the definition could be added to the base and the extension (NULL: none), where it
 * replaces a node with the same uid. Reports all faults: -EEXIST if every one is a conflict with
 * another node, otherwise -EINVAL. */
int tree_try(const struct tree *base, const struct tree *extension, struct tree_definition d,
             struct faults *faults);

/* The number in `previous` of a node that was taken from there, otherwise UINT32_MAX. */
uint32_t tree_taken_from(const struct tree *t, uint32_t number, const struct tree *previous);

/* Only for src/tree/: frees what only an extension has. */
struct extension;
void extension_free(struct extension *x);
uint32_t extension_find_uid(const struct extension *x, struct str uid);

#endif
