/* SPDX-License-Identifier: Apache-2.0 */
/* span: where a document's lines and its scalars lie, in bytes. */
#ifndef CLOUDSEED_RENDER_SPAN_H
#define CLOUDSEED_RENDER_SPAN_H

#include "tree/yaml.h"

struct span_lines {
    struct str text;
    uint32_t *begin; /* of each line; on the heap */
    uint32_t n;
};

void span_lines_init(struct span_lines *lines, struct str text);
void span_lines_done(struct span_lines *lines);
/* The byte of a line and a column (in characters), both from 1: the text's end at most. */
uint32_t span_offset(const struct span_lines *lines, uint32_t line, uint32_t column);
uint32_t span_line_begin(const struct span_lines *lines, uint32_t offset);

struct span {
    enum {
        SPAN_UNKNOWN, /* with a tag or an anchor before it, or of a form that is not followed here
                       */
        SPAN_PLAIN,
        SPAN_QUOTED,
        SPAN_BLOCK,
    } kind;
    bool exact;          /* its bytes are its text */
    uint32_t begin, end; /* of what is inside: no quotes, no line of "|" */
};

struct span span_of(const struct span_lines *lines, const struct yaml_node *scalar);

#endif
