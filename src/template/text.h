/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: characters as Python's str treats them, over UTF-8.
 *
 * Bytes that are not valid UTF-8 count as one character each (U+FFFD), so that nothing here ever
 * reads beyond its text. It knows nothing of templates.
 */
#ifndef CLOUDSEED_TEMPLATE_TEXT_H
#define CLOUDSEED_TEMPLATE_TEXT_H

#include "base/str.h"

/* The code point that ends `s`, which must not be empty. */
uint32_t text_decode_last(struct str s, size_t *ret_n);
/* Writes 1 to 4 bytes, returns how many. `c` must be a scalar value. */
size_t text_encode(uint32_t c, char out[static 4]);

bool text_is_ascii(struct str s);
/* Characters, not bytes. */
size_t text_length(struct str s);
/* The bytes of character number `i`; p == NULL where the text is shorter. */
struct str text_char_at(struct str s, size_t i);

/* str.isspace() of one character, and \s of Python's re. */
bool text_is_space(uint32_t c);
/* str.isprintable() of one character, as of Unicode 14. */
bool text_is_printable(uint32_t c);

#define TEXT_SPACE ((struct str){NULL, 0}) /* as `chars` below: white space */
/* str.lstrip(chars) and str.rstrip(chars). */
struct str text_strip_left(struct str s, struct str chars);
struct str text_strip_right(struct str s, struct str chars);

/* Cuts off the first line as str.splitlines() does; returns it without its line end. */
struct str text_cut_line(struct str *s);

/* Where `needle` begins in `s`, SIZE_MAX where it does not. An empty needle is at 0. */
size_t text_find(struct str s, struct str needle);

#endif
