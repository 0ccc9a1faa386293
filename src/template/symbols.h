/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols: the names that one frame of a template speaks of, found as Jinja2 finds them.
 *
 * A frame is the template, a loop's body, its condition, its else, or a set block. This is Jinja2's
 * idtracking.py: what a name is when its frame begins follows from the order in which the frame
 * reads and sets it.
 */
#ifndef CLOUDSEED_TEMPLATE_SYMBOLS_H
#define CLOUDSEED_TEMPLATE_SYMBOLS_H

#include "template/stmt.h"

/* What a name is when the frame begins. */
enum load {
    LOAD_PARAMETER, /* a loop's variable */
    LOAD_RESOLVE,   /* what the context has */
    LOAD_ALIAS,     /* what it is in the frame around */
    LOAD_MISSING,   /* nothing yet */
};

struct symbol {
    struct str name;
    enum load load;
    bool stored;
    uint32_t from; /* of LOAD_ALIAS: the outer slot */
    uint32_t slot; /* scope.c's: once the frame is finished */
};

/* All zero is an empty frame; free `list` in the end. */
struct symbols {
    struct symbols *parent; /* finished already */
    struct symbol *list;
    uint32_t n, room;
};

/* In this frame alone, or in those around it too; NULL where there is none. */
struct symbol *symbols_own(const struct symbols *s, struct str name);
struct symbol *symbols_find(const struct symbols *s, struct str name);
/* Adds the name, or gives it another beginning. */
struct symbol *symbols_define(struct symbols *s, struct str name, enum load load);
void symbols_parameter(struct symbols *s, struct str name);

/* Notes all names that these read and set. */
void symbols_expr(struct symbols *s, const struct expr *e);
void symbols_targets(struct symbols *s, const struct targets *t, bool parameter);
void symbols_block(struct symbols *s, const struct block *b);

#endif
