/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace: which part of which template wrote each byte of an output.
 *
 * template_render fills it in where it is asked to. Text and values that were written into a
 * {% set %} block are no output; what shows them later is. A trace points into the templates that
 * it names and lives no longer than they do. What the output means is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_TRACE_H
#define CLOUDSEED_TEMPLATE_TRACE_H

#include "template/template.h"

struct stmt;

/* A stretch of the output, never empty, and what wrote it. */
struct template_piece {
    size_t end;               /* in the output; it begins where the one before ends */
    const struct template *t; /* an included one perhaps */
    const struct stmt *stmt;  /* its text or its {{ … }} */
};

/* All zero is an empty one. A rendering overwrites what it holds and keeps its memory; one that
 * fails leaves the pieces of what it wrote. */
struct template_trace {
    struct template_piece *list;
    uint32_t n, room;
    size_t begin; /* of the first piece */
};

void template_trace_done(struct template_trace *trace);

/* The piece that the output's byte `offset` is in; NULL outside. */
const struct template_piece *template_trace_find(const struct template_trace *trace, size_t offset);

/* Where one of the trace's pieces begins in the output. */
static inline size_t template_piece_begin(const struct template_trace *trace,
                                          const struct template_piece *piece)
{
    return piece == trace->list ? trace->begin : piece[-1].end;
}

/* {{ … }}, not text. */
bool template_piece_is_value(const struct template_piece *piece);

/* Where the output's byte `offset` comes from: its very place for text, the beginning of the
 * expression for a value. In a folded template, whose text may be of many statements, a text's
 * place is that of the first one. */
struct place template_piece_place(const struct template_trace *trace,
                                  const struct template_piece *piece, size_t offset);

/* The names that a value's expression takes from around the template, each once, in their order:
 * `node` of "node.name". Names that the template sets itself, if only somewhere, are not given;
 * those that an includer set are. */
void template_piece_names(const struct template_piece *piece,
                          void (*on_name)(void *cls, struct str name), void *cls);

/* The line of `at` in the template's source with a caret below it, as faults show it; cut to fit
 * `size`, empty where there is no such line. */
void template_excerpt(const struct template *t, struct place at, char *out, size_t size);

#endif
