/* SPDX-License-Identifier: Apache-2.0 */
/*
 * piece: the fixed texts of large documents, hashed and compressed once for all answers.
 *
 * They are made while templates are specialized, and shared by all templates that hold the same
 * text. A document is then put together from pieces and from what differs between its nodes
 * (docs/why/gzip.md). What a piece says, and whose it is, is not known here.
 */
#ifndef CLOUDSEED_RENDER_PIECE_H
#define CLOUDSEED_RENDER_PIECE_H

#include "base/buf.h"
#include "template/template.h"
#include "wire/gzip.h"

struct pieces;

struct pieces *pieces_new(void);
void pieces_free(struct pieces *p);

/* The marker of one template: marks its longer texts. */
struct template_marker pieces_marker(struct pieces *p);
/* The template is finished. False where so little of it is fixed that pieces are not worth their
 * memory, or where there is too much already: its marks then only mean their text. */
bool pieces_keep(struct pieces *p);

/*
 * What a document is put together in. A piece that the last document has left at the same place is
 * not copied again: nodes of a role differ in little, and often in nothing that changes a length.
 * So nothing else may write to it.
 */
#define PIECE_SHEET_MAX 16 /* pieces that are remembered */
struct piece_sheet {
    struct buf buf;
    struct {
        uint64_t hash;
        size_t n, at;
    } laid[PIECE_SHEET_MAX];
    unsigned laid_n;
};

void piece_sheet_init(struct piece_sheet *s, size_t max_bytes);
void piece_sheet_done(struct piece_sheet *s);

/* A document in the making: template_render_to_sink with `sink`, into the sheet's buffer. */
struct piece_sink {
    struct template_sink sink;
    struct piece_sheet *sheet;
    struct buf *out;   /* the sheet's */
    unsigned pieces_n; /* so far */
    unsigned left_n;   /* pieces of the last document that may still lie where they were */
    bool is_gzip;
    struct gzip gzip;
    size_t text_at; /* in `out`: behind the latest piece */
    size_t plain_bytes;
    uint64_t digest; /* of all before; the same for plain and gzip */
};

void piece_sink_begin(struct piece_sink *s, struct piece_sheet *sheet, bool is_gzip);
/* False where the document has become too large. */
bool piece_sink_end(struct piece_sink *s);

#endif
