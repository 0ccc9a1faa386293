/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: the one place that knows what expressions and statements are made of.
 *
 * Whoever looks for something in a template says what to do with an expression; in which order
 * they come is decided here: that of the source. What any of them means is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_WALK_H
#define CLOUDSEED_TEMPLATE_WALK_H

#include "template/stmt.h"

/* Asked of an expression, never NULL; false ends the walk. */
typedef bool walk_fn(void *cls, struct expr *e);

/* The expressions that `e` is made of, not what these are made of. False once `fn` was. */
bool walk_parts(const struct expr *e, walk_fn *fn, void *cls);

struct walk {
    walk_fn *on_expr; /* each that stands in a statement, as a whole */
    /* Each include, behind the expression of its name. */
    bool (*on_include)(void *cls, const struct include *inc);
    void *cls;
};

/* All statements of a block, and of the blocks in it. */
bool walk_block(const struct block *b, const struct walk *w);

#endif
