/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/table.h"

#include "cli/common/term.h"

#include <assert.h>
#include <unistd.h>

#define GAP 2
#define LEAST_COLUMNS 4    /* of a column that gives way */
#define WRAPPED_COLUMNS 24 /* what other columns leave to one that is wrapped, if they can */
#define ELLIPSIS STR("\u2026")

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

void table_flush(struct table *t)
{
    table_print(t, t->flows_to, t->color);
    arena_reset(t->arena);
    t->cells = NULL;
    t->room = 0;
}

void table_add(struct table *t, struct str cell)
{
    if (t->flows_to && t->n == t->columns * TABLE_BLOCK_ROWS)
        table_flush(t);
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 64;
        struct table_cell *cells = ARENA_ARRAY(t->arena, struct table_cell, room);
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
    t->cells[t->n++] = (struct table_cell){text, false};
}

void table_redden(struct table *t)
{
    t->cells[t->n - t->columns].red = true;
}

/* --- Fitting lines --------------------------------------------------------------------------- */

void table_head(struct table *t, const char *const *texts)
{
    t->line = term_columns(STDOUT_FILENO);
    for (size_t i = 0; i < t->columns; i++) {
        t->head[i] = strlen(texts[i]);
        table_add(t, str_from(texts[i]));
    }
}

void table_give(struct table *t, const uint8_t *columns, size_t n)
{
    t->gives = columns;
    t->gives_n = n;
}

void table_wrap(struct table *t)
{
    t->wraps = true;
}

void table_wide(struct table *t)
{
    t->line = 0;
}

static size_t least_of(const struct table *t, size_t column)
{
    return t->head[column] > LEAST_COLUMNS ? t->head[column] : LEAST_COLUMNS;
}

/* The columns' widths as they are printed. */
static void fit(const struct table *t, size_t ret[static TABLE_COLUMNS_MAX])
{
    size_t total = (t->columns - 1) * GAP, last = t->columns - 1;
    memcpy(ret, t->width, sizeof(t->width));
    for (size_t i = 0; i < t->columns; i++)
        total += i == last && t->wraps && ret[i] > WRAPPED_COLUMNS ? WRAPPED_COLUMNS : ret[i];
    size_t n = t->gives ? t->gives_n : last;
    for (size_t i = 0; i < n && t->line && total > t->line; i++) {
        size_t column = t->gives ? t->gives[i] : last - i, least = least_of(t, column);
        size_t excess = total - t->line, room = ret[column] > least ? ret[column] - least : 0;
        size_t taken = excess < room ? excess : room;
        if (column == last && t->wraps)
            continue;
        ret[column] -= taken;
        total -= taken;
    }
    if (!t->wraps || !t->line)
        return;
    size_t others = last * GAP;
    for (size_t i = 0; i < last; i++)
        others += ret[i];
    size_t left = t->line > others + WRAPPED_COLUMNS ? t->line - others : WRAPPED_COLUMNS;
    ret[last] = ret[last] > left ? left : ret[last];
}

/* --- Printing -------------------------------------------------------------------------------- */

static void pad(FILE *f, size_t n)
{
    fprintf(f, "%*s", (int)n, "");
}

/* Returns the columns that it took. */
static size_t print_cell(struct str cell, size_t width, FILE *f)
{
    size_t taken = term_width(cell);
    if (taken > width) {
        cell = term_head(cell, width - 1);
        fwrite(cell.p, 1, cell.n, f);
        fwrite(ELLIPSIS.p, 1, ELLIPSIS.n, f);
        return term_width(cell) + 1;
    }
    fwrite(cell.p, 1, cell.n, f);
    return taken;
}

static void print_wrapped(struct str text, size_t indent, size_t width, FILE *f)
{
    for (;;) {
        struct str line = term_words(text, width);
        fwrite(line.p, 1, line.n, f);
        text = str_trim(str_skip(text, line.n));
        if (!text.n)
            return;
        fputc('\n', f);
        pad(f, indent);
    }
}

static void print_row(const struct table *t, const size_t *width, const struct table_cell *row,
                      FILE *f)
{
    size_t last = t->columns - 1, indent = 0;
    for (size_t i = 0; i < last; i++) {
        pad(f, width[i] - print_cell(row[i].text, width[i], f) + GAP);
        indent += width[i] + GAP;
    }
    if (t->wraps)
        print_wrapped(row[last].text, indent, width[last], f);
    else
        print_cell(row[last].text, width[last], f);
}

void table_print(struct table *t, FILE *f, bool color)
{
    size_t width[TABLE_COLUMNS_MAX];
    fit(t, width);
    for (size_t i = 0; i + t->columns <= t->n; i += t->columns) {
        const char *before = !color            ? ""
                             : !t->is_begun    ? TERM_BOLD
                             : t->cells[i].red ? TERM_RED
                                               : "";
        t->is_begun = true;
        fputs(before, f);
        print_row(t, width, t->cells + i, f);
        fputs(*before ? TERM_PLAIN "\n" : "\n", f);
    }
    t->n = 0;
}
