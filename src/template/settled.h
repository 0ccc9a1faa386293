/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settled: which names a template that is folded has given their values for good.
 *
 * Folding follows a template in the order in which it runs. A name is settled from the statement
 * that gives it a value which is known until it may have another one: behind a branch that is
 * perhaps not taken, and outside its frame, it is not. The values themselves are in the slots of
 * the activation. How they are computed is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_SETTLED_H
#define CLOUDSEED_TEMPLATE_SETTLED_H

#include "template/run.h"
#include "template/stmt.h"

/* What a slot was before it changed. */
struct settled_change {
    uint32_t slot;
    bool was;
    struct value value;
};

/* Of one template at work. */
struct settled {
    const struct settled *by;      /* who included it */
    const struct include *include; /* where */
    struct value *slots;           /* of its activation */
    bool *is;                      /* by slot */
    struct settled_change *log;
    uint32_t n, room;
};

/* `act` lives longer; `by` is that of its parent. */
void settled_init(struct settled *s, const struct activation *act, const struct settled *by);
void settled_done(struct settled *s);

/* Before a slot is given a value: until settled_hold it is not settled. */
void settled_change(struct settled *s, uint32_t slot);
void settled_hold(struct settled *s, uint32_t slot);
/* A frame begins: some of its names begin as what they are outside. */
void settled_enter(struct settled *s, const struct entries *entry);

/* A frame or a branch ends that began at `mark`, which is what `n` was then: all is again as it was
 * there. */
void settled_leave(struct settled *s, uint32_t mark);
void settled_back(struct settled *s, uint32_t mark);
/* Behind the branches that began at `mark`: what any of them gave a value is settled no more. */
void settled_forget(struct settled *s, uint32_t mark);

/* Whether what an EXPR_NAME stands for is settled, in this template or in one around it. */
bool settled_name(const struct settled *s, const struct expr *e);

#endif
