/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs: makes a mapping's pairs out of its children: each key once, merge keys resolved.
 *
 * A merge key "<<" brings in the pairs of another mapping, or of a list of them: the earlier one
 * wins, and what the mapping says itself wins over all. The order is PyYAML's: what is merged
 * first, the last of a list at the front.
 */
#ifndef CLOUDSEED_TREE_PAIRS_H
#define CLOUDSEED_TREE_PAIRS_H

#include "tree/yaml.h"

/* `children` are keys and values in turn, 2 * `n` of them; fills y->pairs and y->n. Keys that are
 * collections, or there twice, are reported and left out. */
void pairs_make(struct yaml_node *y, const struct yaml_node *const *children, uint32_t n,
                const char *file, struct arena *a, struct faults *faults);

#endif
