/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_ops: what Python does with values, by the file that has it.
 *
 * Each function returns false once the rendering has failed, as those of run.h do. It knows values,
 * but no expression and no statement: run_eval.h does.
 */
#ifndef CLOUDSEED_TEMPLATE_RUN_OPS_H
#define CLOUDSEED_TEMPLATE_RUN_OPS_H

#include "base/buf.h"
#include "template/expr.h"
#include "template/filter.h"

/* --- show.c: str() and repr() -------------------------------------------------------------- */

/* Appends str(v). */
bool run_show(struct run *r, uint32_t at, struct buf *b, struct value v);
/* str(v) as a string; the very value where it is one. */
bool run_text(struct run *r, uint32_t at, struct value v, struct str *ret);
/* repr() of a float: what Python prints, and reads back the same. Returns `text`. */
#define RUN_FLOAT_SIZE 40
const char *run_float_text(double f, char text[static RUN_FLOAT_SIZE]);

/* --- compare.c ----------------------------------------------------------------------------- */

bool run_truth(struct run *r, uint32_t at, struct value v, bool *ret);
bool run_equal(struct run *r, uint32_t at, struct value a, struct value b, bool *ret);
/* Less than, equal or greater as -1, 0, 1; refuses what Python cannot order. */
bool run_order(struct run *r, uint32_t at, struct value a, struct value b, int *ret);
bool run_contains(struct run *r, uint32_t at, struct value in, struct value v, bool *ret);
bool run_compare(struct run *r, uint32_t at, enum op op, struct value a, struct value b, bool *ret);

/* --- access.c ------------------------------------------------------------------------------ */

/* What iterating over the value gives. */
bool run_items(struct run *r, uint32_t at, struct value v, const struct value **ret, uint32_t *n);
/* Jinja2's a.name and a[key]: undefined where there is none. */
bool run_attr(struct run *r, uint32_t at, struct value of, struct str name, struct value *ret);
bool run_index(struct run *r, uint32_t at, struct value of, struct value key, struct value *ret);
/* The value under a key by Python's equality; kind VALUE_UNDEFINED, tag RUN_ABSENT: none. */
bool run_map_get(struct run *r, uint32_t at, struct value map, struct value key, struct value *ret);
/* Python's hash() would take it: no list or mapping in it. */
bool run_hashable(struct run *r, uint32_t at, struct value v);

/* --- arith.c ------------------------------------------------------------------------------- */

bool run_unary(struct run *r, uint32_t at, enum op op, struct value v, struct value *ret);
bool run_binary(struct run *r, uint32_t at, enum op op, struct value a, struct value b,
                struct value *ret);
bool run_range(struct run *r, uint32_t at, const struct value args[FILTER_ARGS_MAX],
               struct value *ret);

#endif
