/* SPDX-License-Identifier: Apache-2.0 */
/* prune: takes names out of a folded template that nobody is left to read. */
#ifndef CLOUDSEED_TEMPLATE_PRUNE_H
#define CLOUDSEED_TEMPLATE_PRUNE_H

#include "base/arena.h"
#include "template/stmt.h"

/* Drops the settled assignments (struct assign) of a template with `slots` slots whose names are
 * read nowhere. What is given to the others moves into `arena`. */
void prune_block(struct block *b, uint32_t slots, struct arena *arena);

#endif
