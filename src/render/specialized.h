/* SPDX-License-Identifier: Apache-2.0 */
/*
 * specialized: templates in which everything that nodes of one role and cluster share is evaluated.
 *
 * That is most of a template (docs/why/specialized.md). What remains for each rendering is the node
 * and the variables that nodes set.
 */
#ifndef CLOUDSEED_RENDER_SPECIALIZED_H
#define CLOUDSEED_RENDER_SPECIALIZED_H

#include "render/scope.h"

struct specialized;

struct specialized_file {
    const struct template *template; /* NULL: there is none */
    unsigned node_keys;              /* bits of the keys of `node` that it may use */
    bool has_pieces;                 /* its fixed texts are ready to be sent */
};

/* The tree and the tables must outlive it. `for_answers`: with pieces (piece.h). */
struct specialized *specialized_new(const struct tree *t, const struct scope_tables *tables,
                                    bool for_answers);
void specialized_free(struct specialized *p);

/* `document` is a document_number. The node may be one of an extension of the tree (tree/extend.h):
 * if there are no templates for its role and cluster, it gets the template as written. */
struct specialized_file specialized_find(const struct specialized *p, const struct node *n,
                                         uint32_t document);

#endif
