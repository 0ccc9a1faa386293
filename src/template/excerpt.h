/* SPDX-License-Identifier: Apache-2.0 */
/* excerpt: the place of an offset in a source text, and its line with a caret to show. */
#ifndef CLOUDSEED_TEMPLATE_EXCERPT_H
#define CLOUDSEED_TEMPLATE_EXCERPT_H

#include "base/fault.h"

struct place excerpt_place(const char *file, struct str source, uint32_t at);

/* The inverse of excerpt_place; a column beyond the line's end counts as its end. False where there
 * is no such line. */
bool excerpt_offset(struct str source, struct place at, size_t *ret);

/* Writes "line\n   ^", shortened around the caret to fit `size`. */
void excerpt_write(char *out, size_t size, struct str source, uint32_t at);

/* The dotted name whose member is read at `at`: "a.b" for the place of c in "a.b.c" or of the
 * bracket in "a.b['c']"; empty where the member is of anything else. */
struct str excerpt_owner(struct str source, uint32_t at);

#define EXCERPT_TEXT_SIZE 256
/* Foreign text for a message: escaped, and cut after 60 bytes. Returns `out`. */
const char *excerpt_text(char out[static EXCERPT_TEXT_SIZE], struct str s);

#endif
