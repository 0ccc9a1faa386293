/* SPDX-License-Identifier: Apache-2.0 */
/* table: prints aligned columns, also with wide characters. */
#ifndef CLOUDSEED_CLI_COMMON_TABLE_H
#define CLOUDSEED_CLI_COMMON_TABLE_H

#include "base/arena.h"

#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table {
    struct arena *arena;
    size_t columns;
    size_t width[TABLE_COLUMNS_MAX];
    struct str *cells; /* row by row, the first one is the heading */
    size_t n, room;
};

/* Cells are copied to the arena. */
void table_init(struct table *t, struct arena *a, size_t columns);
/* Adds the next cell, row by row, escaped for a terminal. An empty text is shown as "-". */
void table_add(struct table *t, struct str cell);
/* Prints all complete rows, the first one in bold if `color`. */
void table_print(const struct table *t, FILE *f, bool color);

#endif
