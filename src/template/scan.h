/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: where the words of the template language end: numbers, strings, names and operators.
 *
 * Each takes the source and the place of a word's first character, and returns the place behind
 * the word.
 */
#ifndef CLOUDSEED_TEMPLATE_SCAN_H
#define CLOUDSEED_TEMPLATE_SCAN_H

#include "base/str.h"

/* 0 where no number begins. */
size_t scan_number(struct str src, size_t pos, bool *ret_is_float);
/* `pos` is at a quote; 0 where the string has no end. */
size_t scan_string(struct str src, size_t pos);
/* `pos` itself where no name begins. */
size_t scan_name(struct str src, size_t pos);
/* 0 where there is none. */
size_t scan_operator(struct str src, size_t pos);

#endif
