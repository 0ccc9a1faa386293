/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip: answers joined from pieces that were compressed beforehand (RFC 1951, RFC 1952).
 *
 * A piece is a text as deflate blocks that end on a byte boundary and refer to nothing before them,
 * so that it can stand anywhere in a stream. What an answer costs is then copying: its CRC follows
 * from those of the pieces. Which texts are worth a piece is not known here.
 */
#ifndef CLOUDSEED_WIRE_GZIP_H
#define CLOUDSEED_WIRE_GZIP_H

#include "base/arena.h"
#include "base/buf.h"

struct gzip_piece {
    struct str block;
    uint32_t plain_bytes;
    uint32_t crc;
    /* What as many bytes do to the CRC of what stands before them, by its bytes: it is linear. */
    const uint32_t (*crc_shift)[256];
};

/* Compresses `text` as well as it can be, into `a`. The same bytes for the same text. False where
 * they would not be fewer. */
bool gzip_piece_make(struct str text, struct arena *a, struct gzip_piece *ret);

/* One answer in the making. The cap of `out` is not checked here: look at out->full at the end. */
struct gzip {
    struct buf *out;
    uint32_t crc;
    uint32_t plain_bytes; /* modulo 2^32, as the trailer has it */
    size_t text_at;       /* where a text begins, behind room for its header */
};

/* Appends the header: no time, no name. */
void gzip_begin(struct gzip *g, struct buf *out);
void gzip_add_piece(struct gzip *g, const struct gzip_piece *p);
/* What is appended to `out` between these two is a text, empty too: stored as it is where it is
 * short, compressed on the spot otherwise. */
void gzip_text_begin(struct gzip *g);
void gzip_text_end(struct gzip *g);
void gzip_end(struct gzip *g);

/* A whole answer at once. False where the result would not be smaller than `plain`. */
bool gzip_compress(struct str plain, struct arena *a, struct str *ret);

#endif
