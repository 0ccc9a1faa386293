/* SPDX-License-Identifier: Apache-2.0 */
/* rendition: a loaded seed tree with what is needed to render its nodes' documents. */
#ifndef CLOUDSEED_CLI_TREE_RENDITION_H
#define CLOUDSEED_CLI_TREE_RENDITION_H

#include "cli/common/seedtree.h"
#include "cli/tree/registered.h"
#include "render/document.h"
#include "render/scope.h"
#include "template/trace.h"

struct rendition {
    const struct seedtree_alias *alias; /* owned by the caller; may be NULL */
    struct tree *tree;
    struct tree *registered; /* an extension of it; NULL: nobody was asked for one */
    struct scope_tables *tables;
    struct seedtree_urls urls;
    struct err no_secret; /* why URLs contain a placeholder; code 0: they do not */
};

enum rendition_keys {
    RENDITION_REAL_KEYS,    /* if the secret is readable; it must be if --state was given */
    RENDITION_PLACEHOLDERS, /* for output that others may see */
};

/* Loads the tree; CLI_FAILED after printing its faults or the reason. Call rendition_close in any
 * case. */
int rendition_open(struct cli *c, const struct config *config, const struct seedtree_alias *alias,
                   enum rendition_keys keys, struct rendition *ret);
/* Adds the registered nodes, with the faults of those that have no place beside the tree. */
void rendition_extend(struct rendition *r, const struct registered_nodes *nodes,
                      struct faults *faults);
void rendition_close(struct rendition *r);

/* Appends the document to `out`. `url` is the node's (seedtree_url). -EINVAL and *ret_fault if it
 * cannot be rendered. */
int rendition_render(const struct rendition *r, const struct node *n, struct document d,
                     struct str url, struct arena *a, struct buf *out,
                     struct template_fault *ret_fault);

/* Prints why URLs contain a placeholder, if they do because the secret is unreadable. */
void rendition_note_placeholder(const struct cli *c, const struct rendition *r);

/* Prints the fault; returns CLI_FAILED. */
int rendition_fail(struct cli *c, const struct rendition *r, const struct node *n,
                   struct document d, const struct template_fault *f);

/* --- Provenance: where each part of a document comes from: template, line, variables -------- */

/* Prints the document line by line, with template and line number on the left, and after values the
 * names that they come from, each with its place. */
void rendition_print_provenance(const struct rendition *r, const struct node *n, struct str text,
                                const struct template_trace *trace, bool color);

#endif
