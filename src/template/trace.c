/* SPDX-License-Identifier: Apache-2.0 */
#include "template/trace.h"

#include "base/mem.h"
#include "template/ast.h"
#include "template/excerpt.h"
#include "template/run.h"
#include "template/text.h"

#include <assert.h>
#include <stdlib.h>

/* --- Recording ------------------------------------------------------------------------- */

void template_trace_done(struct template_trace *trace)
{
    free(trace->list);
    *trace = (struct template_trace){0};
}

void trace_begin(struct template_trace *trace, size_t begin)
{
    trace->n = 0;
    trace->begin = begin;
}

static size_t trace_end(const struct template_trace *trace)
{
    return trace->n ? trace->list[trace->n - 1].end : trace->begin;
}

/* The steps of the rendering cap the number of pieces. */
void trace_add(struct template_trace *trace, struct template_piece piece)
{
    if (piece.end == trace_end(trace))
        return;
    trace->list = mem_grow(trace->list, trace->n, &trace->room, sizeof(*trace->list));
    trace->list[trace->n++] = piece;
}

/* --- Looking up --------------------------------------------------------------------------- */

const struct template_piece *template_trace_find(const struct template_trace *trace, size_t offset)
{
    if (offset < trace->begin || offset >= trace_end(trace))
        return NULL;
    const struct template_piece *list = trace->list;
    uint32_t low = 0, high = trace->n - 1; /* the piece is one of these or between them */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (offset < list[middle].end)
            high = middle;
        else
            low = middle + 1;
    }
    return &list[low];
}

bool template_piece_is_value(const struct template_piece *piece)
{
    return piece->stmt->kind == STMT_OUTPUT;
}

/* Behind the "{{", or "{{-", and white space. */
static size_t expression_start(struct str source, uint32_t at)
{
    struct str rest = str_skip(source, (size_t)at + 2);
    if (rest.n && (rest.p[0] == '-' || rest.p[0] == '+'))
        rest = str_skip(rest, 1);
    return source.n - text_strip_left(rest, TEXT_SPACE).n;
}

/* All text is a part of the source, except what folding wrote. */
static size_t text_start(struct str source, const struct stmt *s, size_t skip)
{
    uintptr_t text = (uintptr_t)s->text.p, from = (uintptr_t)source.p;
    if (text < from || text >= from + source.n)
        return s->at;
    size_t at = text - from + skip;
    while (at && ((unsigned char)source.p[at] & 0xC0) == 0x80) /* a place is that of a character */
        at--;
    return at;
}

struct place template_piece_place(const struct template_trace *trace,
                                  const struct template_piece *piece, size_t offset)
{
    const struct template *t = piece->t;
    size_t begin = template_piece_begin(trace, piece);
    assert(offset >= begin && offset < piece->end);
    size_t at = template_piece_is_value(piece) ? expression_start(t->source, piece->stmt->at)
                                               : text_start(t->source, piece->stmt, offset - begin);
    return excerpt_place(t->file, t->source, (uint32_t)at);
}

struct namer {
    uint64_t seen[AST_SLOTS_MAX / 64]; /* a name from outside has one slot in the whole template */
    void (*on_name)(void *cls, struct str name);
    void *cls;
};

static bool note_name(void *cls, struct expr *e)
{
    struct namer *n = cls;
    uint64_t *word = &n->seen[e->slot / 64], bit = (uint64_t)1 << e->slot % 64;
    if (e->origin == ORIGIN_OUTER && !(*word & bit)) {
        *word |= bit;
        n->on_name(n->cls, e->name);
    }
    return true;
}

void template_piece_names(const struct template_piece *piece,
                          void (*on_name)(void *cls, struct str name), void *cls)
{
    struct namer n = {.on_name = on_name, .cls = cls};
    if (template_piece_is_value(piece))
        walk_names(piece->stmt->expr, note_name, &n);
}

void template_excerpt(const struct template *t, struct place at, char *out, size_t size)
{
    size_t offset;
    if (excerpt_offset(t->source, at, &offset))
        excerpt_write(out, size, t->source, (uint32_t)offset);
    else
        out[0] = '\0';
}
