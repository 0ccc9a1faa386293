/* SPDX-License-Identifier: Apache-2.0 */
/* variable: a named value and the place where it was written. */
#ifndef CLOUDSEED_MODEL_VARIABLE_H
#define CLOUDSEED_MODEL_VARIABLE_H

#include "base/fault.h"
#include "base/value.h"

/* Where a value begins, in the variable's file. */
struct spot {
    uint32_t line, column;
};

struct variable {
    struct str name;
    struct value value;
    struct place at;
    /* Of the value and of everything in it, in the order in which they were written. What has
     * `at` == first is spots[0]. All variables that were written together are counted in one row,
     * so that a value itself shows where it is from. */
    const struct spot *spots;
    uint16_t first, spots_n;
    bool adds; /* the list is put behind that of the level below; a value that is no list is one
                  item */
    const struct variable *base; /* it adds to this one, of a role that is extended; NULL: none */
};

/* Sorted by name, each name once. */
struct variables {
    const struct variable *list;
    uint32_t n;
};

/* Whether `v` was taken from this variable, or from within it; fills in where it was written. */
bool variable_place(const struct variable *from, struct value v, struct place *ret);

/* NULL where there is none. */
const struct variable *variables_find(struct variables vars, struct str name);

#endif
