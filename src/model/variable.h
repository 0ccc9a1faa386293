/* SPDX-License-Identifier: Apache-2.0 */
/* variable: a named value and the place where it was written. */
#ifndef CLOUDSEED_MODEL_VARIABLE_H
#define CLOUDSEED_MODEL_VARIABLE_H

#include "base/fault.h"
#include "base/value.h"

struct variable {
    struct str name;
    struct value value;
    struct place at;
};

/* Sorted by name, each name once. */
struct variables {
    const struct variable *list;
    uint32_t n;
};

/* NULL where there is none. */
const struct variable *variables_find(struct variables vars, struct str name);

#endif
