/* SPDX-License-Identifier: Apache-2.0 */
/* provenance: where each part of a rendered document comes from: template, line, variables. */
#ifndef CLOUDSEED_CLI_TREE_PROVENANCE_H
#define CLOUDSEED_CLI_TREE_PROVENANCE_H

#include "cli/tree/rendition.h"
#include "template/trace.h"

/* Prints the document line by line, the template and the line of it on the left, behind values the
 * names that they are made of, each with the place that set it. */
void provenance_print(const struct rendition *r, const struct node *n, struct str text,
                      const struct template_trace *trace, bool color);

/* The same as a list of pieces, in the arena, for JSON. */
struct value provenance_value(const struct rendition *r, const struct node *n, struct str text,
                              const struct template_trace *trace, struct arena *a);

#endif
