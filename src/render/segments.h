/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments: a rendered document cut into what its template fixes and harmless values.
 *
 * A value is harmless where all its bytes are: then it cannot end a quoted text, begin a line or
 * a comment, or be an escape. All else counts as fixed. What it means to YAML where it stands is
 * for memo.h.
 */
#ifndef CLOUDSEED_RENDER_SEGMENTS_H
#define CLOUDSEED_RENDER_SEGMENTS_H

#include "base/buf.h"
#include "template/trace.h"

struct segment {
    uint32_t begin, end; /* in the text */
    bool harmless;
    uint8_t class; /* of harmless ones: bits of SEGMENT_… */
};

/* It may stand in a scalar without quotes, … */
#define SEGMENT_PLAIN 1
/* … begin one, … */
#define SEGMENT_PLAIN_START 2
/* … and holds a colon. */
#define SEGMENT_COLON 4

struct segments {
    struct segment *list;
    uint32_t n, room;
};

void segments_done(struct segments *s);

/* False for a text that is better not cut: too long, or with bytes that make its lines doubtful.
 * Pieces beside each other that are fixed become one. */
bool segments_cut(struct segments *s, struct str text, const struct template_trace *trace);

/* Its fixed parts, and where the others stand and of what class they are. */
void segments_skeleton(const struct segments *s, struct str text, struct buf *out);

/* The number of the segment that holds the byte. */
uint32_t segments_at(const struct segments *s, uint32_t offset);

/* Whether the scalar from `begin` to `end` stays one, whatever harmless values of the same classes
 * stand in it: one without quotes, … */
bool segments_stand_plain(const struct segments *s, uint32_t begin, uint32_t end);
/* … and one in quotes (between which begin and end are): no value may be a part of an escape. */
bool segments_stand_quoted(const struct segments *s, struct str text, uint32_t begin, uint32_t end);

/* Whether a harmless value may hold or complete the head of a key block ("-----BEGIN PGP …"). */
bool segments_complete_head(const struct segments *s, struct str text);

#endif
