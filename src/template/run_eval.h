/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_eval: carries out a compiled template, in eval.c its expressions and in exec.c its
 * statements.
 *
 * Each function returns false once the rendering has failed, as those of run.h do. How a
 * template came to be is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_RUN_EVAL_H
#define CLOUDSEED_TEMPLATE_RUN_EVAL_H

#include "template/run.h"

struct block;
struct expr;

bool run_eval(struct run *r, const struct expr *e, struct value *ret);
/* The value of a name in the context of `act`: includers first, then the scope; tag RUN_MISSING
 * where nobody knows it. */
struct value run_resolve(struct run *r, struct activation *act, struct str name);
bool run_block(struct run *r, const struct block *b);
bool run_template(struct run *r, const struct template *t, struct activation *parent,
                  const struct include *include, uint32_t at);

#endif
