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

/* A document in the making: template_render_to_sink with `sink`, into `out`. */
struct piece_sink {
    struct template_sink sink;
    struct buf *out;
    bool is_gzip;
    struct gzip gzip;
    size_t text_at; /* in `out`: behind the latest piece */
    size_t plain_bytes;
    uint64_t digest; /* of all before; the same for plain and gzip */
};

void piece_sink_begin(struct piece_sink *s, struct buf *out, bool is_gzip);
/* False where the document has become too large. */
bool piece_sink_end(struct piece_sink *s);

#endif
