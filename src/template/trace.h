/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace: which part of which template wrote each byte of an output.
 *
 * template_render fills it in on request. Text and values that were written into a {% set %} block
 * are not output; the {{ … }} that shows them later is. A trace points into the templates that it
 * names and lives no longer than they do. What the output means is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_TRACE_H
#define CLOUDSEED_TEMPLATE_TRACE_H

#include "template/template.h"

struct stmt;

/* A stretch of the output, never empty, and what wrote it. */
struct template_piece {
    size_t end;               /* in the output; it begins where the previous one ends */
    const struct template *t; /* perhaps an included one */
    const struct stmt *stmt;  /* its text or its {{ … }} */
    /* What the {{ … }} shows where that was taken from a variable and not changed (value.h: `at`);
     * undefined: it was computed. */
    struct value source;
    bool is_escaped; /* by a filter, so that YAML reads `source` again */
};

/* All zero is an empty one. A rendering replaces its pieces and keeps its memory; one that fails
 * leaves the pieces of what it wrote. */
struct template_trace {
    struct template_piece *list;
    uint32_t n, room;
    size_t begin; /* of the first piece */
};

void template_trace_done(struct template_trace *trace);

/* The piece that holds the output's byte `offset`; NULL outside of the output. */
const struct template_piece *template_trace_find(const struct template_trace *trace, size_t offset);

/* Where one of the trace's pieces begins in the output. */
static inline size_t template_piece_begin(const struct template_trace *trace,
                                          const struct template_piece *piece)
{
    return piece == trace->list ? trace->begin : piece[-1].end;
}

/* {{ … }}, not text. */
bool template_piece_is_value(const struct template_piece *piece);

/* Where the output's byte `offset` comes from: its own place in a text, or the beginning of the
 * expression for a value. In a folded template a text may come from many statements; its place is
 * that of the first one. */
struct place template_piece_place(const struct template_trace *trace,
                                  const struct template_piece *piece, size_t offset);

/* The names that a value's expression takes from outside the template, each once, in their order:
 * `node` of "node.name". Names that the template may have set itself are left out; those that an
 * includer set are not. */
void template_piece_names(const struct template_piece *piece,
                          void (*on_name)(void *cls, struct str name), void *cls);

/* The line of `at` in the template's source with a caret below it, as faults show it; cut to fit
 * `size`, empty where there is no such line. */
void template_excerpt(const struct template *t, struct place at, char *out, size_t size);

#endif
