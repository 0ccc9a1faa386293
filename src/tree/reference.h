/* SPDX-License-Identifier: Apache-2.0 */
/* reference: prints the reference page of a format from its schema tables, in Markdown. */
#ifndef CLOUDSEED_TREE_REFERENCE_H
#define CLOUDSEED_TREE_REFERENCE_H

#include "base/buf.h"
#include "tree/schema.h"

/* A section for `s` with a table of its keys, then one for each mapping within it. `heading` is
 * Markdown, without the leading '#'. */
void reference_section(struct buf *out, const struct schema *s, const char *heading);

/* The page of the seed tree's format. */
void reference_seed(struct buf *out);

#endif
