/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: bytes that come in pieces, cut into lines.
 *
 * For streams of JSON texts with a line each, such as the watches of the Kubernetes API. A piece
 * may end anywhere, also within a line; what is there of that line is held until the next piece.
 */
#ifndef CLOUDSEED_WIRE_LINES_H
#define CLOUDSEED_WIRE_LINES_H

#include "base/buf.h"

struct lines {
    struct buf held;
    bool is_given; /* the line in `held` was handed out: its next use clears it */
};

/* Each line may have `line_max_bytes`, its end not counted. `held.secret` may be set then. */
void lines_init(struct lines *l, size_t line_max_bytes);
void lines_done(struct lines *l);

/* Cuts the next line off `*piece`, without its LF or CR LF; lines without anything in them are left
 * out. 1: *ret is the line, valid as long as the piece and until the next call. 0: the piece is
 * used up. -EMSGSIZE: the line is too long; nothing can be read from there on. */
int lines_next(struct lines *l, struct str *piece, struct str *ret);

/* Whether the bytes so far end within a line, once lines_next has returned 0. */
bool lines_is_within(const struct lines *l);

#endif
