/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variables: free values that templates use, by name.
 *
 * Names that mean something to templates already are refused: a variable could never be seen
 * behind them.
 */
#ifndef CLOUDSEED_TREE_VARIABLES_H
#define CLOUDSEED_TREE_VARIABLES_H

#include "model/variable.h"
#include "tree/schema.h"

extern const struct schema_type schema_variables; /* struct variables */

/* Whether the name means something to templates already. */
bool variables_is_taken(struct str name);

/* Those of `over`, and those of `under` that `over` lacks. */
struct variables variables_merge(struct arena *a, struct variables under, struct variables over);

#endif
