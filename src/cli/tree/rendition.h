/* SPDX-License-Identifier: Apache-2.0 */
/* rendition: a seed tree with all that rendering its nodes' documents takes. */
#ifndef CLOUDSEED_CLI_TREE_RENDITION_H
#define CLOUDSEED_CLI_TREE_RENDITION_H

#include "cli/common/seedtree.h"
#include "render/document.h"
#include "render/scope.h"
#include "template/trace.h"

struct rendition {
    const struct seedtree_alias *alias; /* the caller's; NULL: none */
    struct tree *tree;
    struct scope_tables *tables;
    struct seedurl urls;
    struct err no_secret; /* why URLs hold a placeholder; code 0: they do not */
};

enum rendition_keys {
    RENDITION_REAL_KEYS,    /* where the secret can be read; it must where its folder was named */
    RENDITION_PLACEHOLDERS, /* for what is shown to others */
};

/* Loads the tree; CLI_FAILED after its faults, or what else is wrong, were printed. It is to be
 * closed all the same. */
int rendition_open(struct cli *c, const struct config *config, const struct seedtree_alias *alias,
                   enum rendition_keys keys, struct rendition *ret);
void rendition_close(struct rendition *r);

/* Appends the document to `out`. `url` is the node's (seedurl_of). -EINVAL with *ret_fault filled
 * where it cannot be rendered. */
int rendition_render(const struct rendition *r, const struct node *n, struct document d,
                     struct str url, struct arena *a, struct buf *out,
                     struct template_fault *ret_fault);

/* Where URLs that were shown hold one for want of the secret: says why. */
void rendition_note_placeholder(const struct cli *c, const struct rendition *r);

/* Says so; returns CLI_FAILED. */
int rendition_fail(struct cli *c, const struct rendition *r, const struct node *n,
                   struct document d, const struct template_fault *f);

/* --- Provenance: where each part of a document comes from: template, line, variables ---------- */

/* Prints the document line by line, the template and the line of it on the left, behind values the
 * names that they are made of, each with the place that set it. */
void rendition_print_provenance(const struct rendition *r, const struct node *n, struct str text,
                                const struct template_trace *trace, bool color);

/* The same as a list of pieces, in the arena, for JSON. */
struct value rendition_value_provenance(const struct rendition *r, const struct node *n,
                                        struct str text, const struct template_trace *trace,
                                        struct arena *a);

#endif
