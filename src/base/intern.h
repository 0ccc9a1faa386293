/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intern: keeps each text once.
 *
 * A hundred thousand nodes name a handful of roles and variables. The copies live in the arena and
 * outlive the table.
 */
#ifndef CLOUDSEED_BASE_INTERN_H
#define CLOUDSEED_BASE_INTERN_H

#include "base/arena.h"
#include "base/map.h"

struct intern {
    struct arena *arena;
    struct str *list;
    uint32_t n, room;
    struct map map;
};

void intern_init(struct intern *t, struct arena *a);
/* Frees the table, not the texts. */
void intern_done(struct intern *t);
/* The copy of `s`, with a NUL behind it: always the same one. */
struct str intern_str(struct intern *t, struct str s);

#endif
