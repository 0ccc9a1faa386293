/* SPDX-License-Identifier: Apache-2.0 */
/* builtin: the functions behind the tables of filter.c, by the file that has them. */
#ifndef CLOUDSEED_TEMPLATE_BUILTIN_H
#define CLOUDSEED_TEMPLATE_BUILTIN_H

#include "template/filter.h"
#include "template/run.h"

/* --- For those who write filters ----------------------------------------------------------- */

/* str(value) where any value will do. */
bool builtin_text(struct run *r, const struct call *c, struct str *ret);
/* Argument number `i` as an integer, a truth or str(argument); the default where it is absent. */
bool builtin_int(struct run *r, const struct call *c, unsigned i, int64_t otherwise, int64_t *ret);
bool builtin_flag(struct run *r, const struct call *c, unsigned i, bool otherwise, bool *ret);
bool builtin_arg_text(struct run *r, const struct call *c, unsigned i, struct str otherwise,
                      struct str *ret);
/* A text that a filter writes: begin, append to the buffer, and end, or drop it after a fault. */
void builtin_begin(struct run *r, struct buf *b);
bool builtin_end(struct run *r, uint32_t at, struct buf *b, struct value *ret);
void builtin_drop(struct run *r, struct buf *b);

/* --- filter_text.c ------------------------------------------------------------------------- */
bool filter_lower(struct run *r, const struct call *c, struct value *ret);
bool filter_upper(struct run *r, const struct call *c, struct value *ret);
bool filter_capitalize(struct run *r, const struct call *c, struct value *ret);
bool filter_title(struct run *r, const struct call *c, struct value *ret);
bool filter_trim(struct run *r, const struct call *c, struct value *ret);
bool filter_replace(struct run *r, const struct call *c, struct value *ret);
bool filter_indent(struct run *r, const struct call *c, struct value *ret);
bool filter_string(struct run *r, const struct call *c, struct value *ret);

/* --- filter_list.c ------------------------------------------------------------------------- */
bool filter_join(struct run *r, const struct call *c, struct value *ret);
bool filter_length(struct run *r, const struct call *c, struct value *ret);
bool filter_first(struct run *r, const struct call *c, struct value *ret);
bool filter_last(struct run *r, const struct call *c, struct value *ret);
bool filter_list(struct run *r, const struct call *c, struct value *ret);
bool filter_items(struct run *r, const struct call *c, struct value *ret);
bool filter_reverse(struct run *r, const struct call *c, struct value *ret);

bool method_items(struct run *r, const struct call *c, struct value *ret);
bool method_keys(struct run *r, const struct call *c, struct value *ret);
bool method_values(struct run *r, const struct call *c, struct value *ret);
bool method_get(struct run *r, const struct call *c, struct value *ret);

/* --- method_text.c ------------------------------------------------------------------------- */
bool method_startswith(struct run *r, const struct call *c, struct value *ret);
bool method_endswith(struct run *r, const struct call *c, struct value *ret);
bool method_strip(struct run *r, const struct call *c, struct value *ret);
bool method_lstrip(struct run *r, const struct call *c, struct value *ret);
bool method_rstrip(struct run *r, const struct call *c, struct value *ret);
bool method_split(struct run *r, const struct call *c, struct value *ret);
bool method_replace(struct run *r, const struct call *c, struct value *ret);
bool method_join(struct run *r, const struct call *c, struct value *ret);
bool method_splitlines(struct run *r, const struct call *c, struct value *ret);

/* --- filter_sort.c ------------------------------------------------------------------------- */
bool filter_sort(struct run *r, const struct call *c, struct value *ret);
bool filter_dictsort(struct run *r, const struct call *c, struct value *ret);
bool filter_unique(struct run *r, const struct call *c, struct value *ret);
bool filter_min(struct run *r, const struct call *c, struct value *ret);
bool filter_max(struct run *r, const struct call *c, struct value *ret);
bool filter_sum(struct run *r, const struct call *c, struct value *ret);

/* --- filter_number.c ----------------------------------------------------------------------- */
bool filter_default(struct run *r, const struct call *c, struct value *ret);
bool filter_int(struct run *r, const struct call *c, struct value *ret);
bool filter_float(struct run *r, const struct call *c, struct value *ret);
bool filter_abs(struct run *r, const struct call *c, struct value *ret);

/* --- filter_encode.c ----------------------------------------------------------------------- */
bool filter_tojson(struct run *r, const struct call *c, struct value *ret);
bool filter_b64encode(struct run *r, const struct call *c, struct value *ret);
bool filter_quote(struct run *r, const struct call *c, struct value *ret);
bool filter_to_yaml_scalar(struct run *r, const struct call *c, struct value *ret);

#endif
