/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variables: values for templates, by name.
 *
 * Names with a meaning in templates are refused, because they would hide the variable.
 */
#ifndef CLOUDSEED_TREE_VARIABLES_H
#define CLOUDSEED_TREE_VARIABLES_H

#include "model/variable.h"
#include "tree/schema.h"

extern const struct schema_type schema_variables; /* struct variables */

/* Whether the name has a meaning in templates. */
bool variables_is_taken(struct str name);

/* Those of `over`, and those of `under` that are not in `over`. */
struct variables variables_merge(struct arena *a, struct variables under, struct variables over);

#endif
