/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provenance: where each part of a rendered document comes from: template, place and variables.
 *
 * It reads the trace of document_render_as_written. Any number of threads may do so.
 */
#ifndef CLOUDSEED_RENDER_PROVENANCE_H
#define CLOUDSEED_RENDER_PROVENANCE_H

#include "base/arena.h"
#include "model/node.h"
#include "model/site.h"
#include "template/trace.h"

#define PROVENANCE_NAMES_MAX 16

/* The names outside the template that pieces use, and where the value itself is known to be
 * written; file NULL: that is where the name is declared. All zero is an empty one. */
struct provenance_names {
    struct str list[PROVENANCE_NAMES_MAX];
    struct place at[PROVENANCE_NAMES_MAX];
    size_t n;
};

/* Adds those of a piece, which is a value. */
void provenance_add(const struct site *site, const struct node *n, const struct template_piece *p,
                    struct provenance_names *names);
/* Where the name is set; file is NULL if in no file. */
struct place provenance_place(const struct site *site, const struct node *n,
                              const struct provenance_names *names, size_t i);
/* Whether cloudseedd makes it. */
bool provenance_is_of_server(struct str name);

/* The pieces of `text` for JSON, in the arena, as docs/reference/json.md has them; and a place. */
struct value provenance_value(const struct site *site, const struct node *n, struct str text,
                              const struct template_trace *trace, struct arena *a);
struct value provenance_place_value(struct place at, struct arena *a);

#endif
