/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/table.h"

#include "cli/common/term.h"

#include <assert.h>

#define GAP 2

void table_init(struct table *t, struct arena *a, size_t columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.arena = a, .columns = columns};
}

void table_flow(struct table *t, FILE *f, bool color)
{
    t->flows_to = f;
    t->color = color;
}

static void print_block(struct table *t)
{
    table_print(t, t->flows_to, t->color);
    arena_reset(t->arena);
    t->cells = NULL;
    t->room = 0;
}

void table_add(struct table *t, struct str cell)
{
    if (t->flows_to && t->n == t->columns * TABLE_BLOCK_ROWS)
        print_block(t);
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 64;
        struct str *cells = ARENA_ARRAY(t->arena, struct str, room);
        if (t->n)
            memcpy(cells, t->cells, t->n * sizeof(*cells));
        t->cells = cells;
        t->room = room;
    }
    struct str text = !cell.n               ? STR("-")
                      : term_is_ascii(cell) ? arena_str(t->arena, cell)
                                            : term_safe(cell, t->arena);
    size_t column = t->n % t->columns, width = term_width(text);
    if (width > t->width[column])
        t->width[column] = width;
    t->cells[t->n++] = text;
}

static void print_row(const struct table *t, const struct str *row, FILE *f)
{
    for (size_t i = 0; i < t->columns; i++) {
        fwrite(row[i].p, 1, row[i].n, f);
        if (i + 1 < t->columns)
            fprintf(f, "%*s", (int)(t->width[i] - term_width(row[i]) + GAP), "");
    }
}

void table_head(struct table *t, const char *const *texts)
{
    for (size_t i = 0; i < t->columns; i++)
        table_add(t, str_from(texts[i]));
}

void table_print(struct table *t, FILE *f, bool color)
{
    for (size_t i = 0; i + t->columns <= t->n; i += t->columns) {
        bool bold = color && !t->is_begun;
        t->is_begun = true;
        fputs(bold ? TERM_BOLD : "", f);
        print_row(t, t->cells + i, f);
        fputs(bold ? TERM_PLAIN "\n" : "\n", f);
    }
    t->n = 0;
}
