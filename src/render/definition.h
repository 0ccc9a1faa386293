/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definition: a node's definition as members of a JSON object.
 *
 * They are the same wherever a node is printed: by the server's API (docs/formats/api.md), and by
 * commands that read only the seed tree. It knows nothing of a node's state or keys.
 */
#ifndef CLOUDSEED_RENDER_DEFINITION_H
#define CLOUDSEED_RENDER_DEFINITION_H

#include "base/json.h"
#include "model/node.h"

#define DEFINITION_PAIRS 14

/* Returns how many there are: `interfaces` only where the node declares some. The texts are the
 * node's, or in the arena. */
size_t definition_pairs(const struct node *n, struct arena *a,
                        struct value_pair ret[static DEFINITION_PAIRS]);

#endif
