/* SPDX-License-Identifier: Apache-2.0 */
/*
 * specialized: templates with everything written out that nodes of one role and cluster share.
 *
 * Most of what a template computes is the same for each of them (docs/why/specialized.md). What
 * differs is left to the rendering: the node itself, and variables that it sets.
 */
#ifndef CLOUDSEED_RENDER_SPECIALIZED_H
#define CLOUDSEED_RENDER_SPECIALIZED_H

#include "render/scope.h"

struct specialized;

struct specialized_file {
    const struct template *template; /* NULL: the role has none */
    unsigned node_keys; /* bits of what it may look at: `node` is made for each rendering */
    bool has_pieces;    /* its fixed texts are ready to be sent */
};

/* Tree and tables must outlive it. `for_answers`: with pieces (piece.h). */
struct specialized *specialized_new(const struct tree *t, const struct scope_tables *tables,
                                    bool for_answers);
void specialized_free(struct specialized *p);

/* `document`: its number for such nodes (document_number). A node of another tree over the same
 * site, clusters and roles is rendered from what its role and cluster have here, or as it was
 * written. */
struct specialized_file specialized_find(const struct specialized *p, const struct node *n,
                                         uint32_t document);

#endif
