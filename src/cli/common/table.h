/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: prints aligned columns, also with wide characters, that fit the terminal's lines.
 *
 * A table with a heading is made to fit: the least important columns are cut first, and end in an
 * ellipsis. What goes to a file or pipe is not cut, unless COLUMNS says how wide it may be.
 */
#ifndef CLOUDSEED_CLI_COMMON_TABLE_H
#define CLOUDSEED_CLI_COMMON_TABLE_H

#include "base/arena.h"

#include <stdio.h>

#define TABLE_COLUMNS_MAX 10
#define TABLE_BLOCK_ROWS 1000

struct table_cell {
    struct str text;
    bool red;
};

struct table {
    struct arena *arena;
    size_t columns;
    size_t width[TABLE_COLUMNS_MAX], head[TABLE_COLUMNS_MAX]; /* of the widest cell, the heading */
    struct table_cell *cells; /* row by row, the first one is the heading */
    size_t n, room;
    FILE *flows_to; /* NULL: all rows are kept */
    bool color;
    bool is_begun;        /* the heading was printed */
    size_t line;          /* columns of a line; 0: any number */
    const uint8_t *gives; /* columns that are cut, the first one first; the others never are */
    size_t gives_n;
    bool wraps; /* the last column is never cut: it goes on in further lines */
};

/* Cells are copied to the arena. */
void table_init(struct table *t, struct arena *a, size_t columns);
/* Adds the heading, of as many texts as there are columns. */
void table_head(struct table *t, const char *const *texts);
/* Which columns give way, the least important first; by default from the last to the second. The
 * list must outlive the table. */
void table_give(struct table *t, const uint8_t *columns, size_t n);
/* The last column holds sentences: it is wrapped, not cut, and does not give way. */
void table_wrap(struct table *t);
/* Lines may be of any length, as with -o wide. */
void table_wide(struct table *t);
/* Prints rows as they come, TABLE_BLOCK_ROWS at a time, so that a table of any length needs little
 * memory. A block's columns are as wide as the widest cell up to its end. The arena must be the
 * table's own. */
void table_flow(struct table *t, FILE *f, bool color);
/* Adds the next cell, row by row, escaped for a terminal. An empty text is shown as "-". */
void table_add(struct table *t, struct str cell);
/* The row that was added last is about something bad: it is shown in red, where there are colors.
 */
void table_redden(struct table *t);
/* Prints the rows of a table that flows which were not printed yet. */
void table_flush(struct table *t);
/* Prints all complete rows that were not printed yet, the very first one in bold if `color`. */
void table_print(struct table *t, FILE *f, bool color);

#endif
