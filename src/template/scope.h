/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: which variable a name means.
 *
 * Jinja2 decides this when it compiles a template, and the outcome has corners: a name set behind
 * an if may or may not be the one of the context. So this follows its algorithm (idtracking.py)
 * step by step. The outcome are slots, and what happens to each when a frame is entered.
 */
#ifndef CLOUDSEED_TEMPLATE_SCOPE_H
#define CLOUDSEED_TEMPLATE_SCOPE_H

#include "base/arena.h"

struct template;

#define SCOPE_SLOTS_MAX 4096

/* Fills in every slot of the tree. False where the template has too many variables. */
bool scope_resolve(struct template *t, struct arena *a);

#endif
