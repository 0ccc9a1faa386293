/* SPDX-License-Identifier: Apache-2.0 */
/*
 * const_env: which names have a known value at a place of a template that is folded.
 *
 * Folding follows a template in the order in which it runs. A name is constant from the statement
 * that gives it a known value until it may have another one: after a branch that is perhaps not
 * taken, and outside its frame, it is not. Names from outside the template are constant where the
 * scope knows them, or knows them to be undefined. The values themselves are in the slots of the
 * activation; how they are computed is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_CONST_ENV_H
#define CLOUDSEED_TEMPLATE_CONST_ENV_H

#include "template/run.h"

/* What a slot was before it changed. */
struct const_change {
    uint32_t slot;
    bool was_const;
    struct value value;
};

/* Of one template at work. */
struct const_env {
    const struct template_scope *scope;
    const struct const_env *by;    /* that of the template that includes it, or NULL */
    const struct include *include; /* where */
    struct value *slots;           /* of its activation */
    bool *is_const;                /* by slot */
    struct const_change *log;
    uint32_t n, room;
};

/* `act` and `scope` live longer; `by` is that of the activation's parent. */
void const_env_init(struct const_env *env, const struct activation *act, const struct const_env *by,
                    const struct template_scope *scope);
void const_env_done(struct const_env *env);

/* Before a slot is given a value; it is not constant until const_env_hold. */
void const_env_change(struct const_env *env, uint32_t slot);
void const_env_hold(struct const_env *env, uint32_t slot);

/* Begins a frame: some of its names begin as what they are outside. */
void const_env_enter(struct const_env *env, const struct frame *f);
/* Ends the frame that began at `mark`, which is what `n` was then: all is again as it was there. */
void const_env_leave(struct const_env *env, uint32_t mark);
/* Ends a branch in the same way, but remembers what it changed for const_env_forget. */
void const_env_restore(struct const_env *env, uint32_t mark);
/* After the branches that began at `mark`: what any of them changed is not constant any more. */
void const_env_forget(struct const_env *env, uint32_t mark);

/* Whether every name in `e`, which may be NULL, is constant. */
bool is_const_expr(struct const_env *env, struct expr *e);
/* Whether a statement writes the same in every rendering, and sets no name. */
bool is_const_stmt(struct const_env *env, const struct stmt *s);

#endif
