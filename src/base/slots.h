/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots: names for things that come and go, which name nothing once the thing is gone.
 *
 * Whoever must not hold a pointer holds a slot's number and its generation: a slot that was given
 * to somebody else meanwhile has another generation, and the old name finds nothing.
 */
#ifndef CLOUDSEED_BASE_SLOTS_H
#define CLOUDSEED_BASE_SLOTS_H

#include <stdint.h>

/* All zero: nobody. */
struct slot_ref {
    uint32_t slot, generation;
};

struct slot;

/* All zero is empty and ready. */
struct slots {
    struct slot *list;
    uint32_t n;
    uint32_t free; /* number of the first free one, and one more; 0: none */
};

void slots_done(struct slots *s);
/* Names a thing, which must not be NULL. */
struct slot_ref slots_put(struct slots *s, void *thing);
/* NULL where the name is nobody's, or nobody's any more. */
void *slots_find(const struct slots *s, struct slot_ref name);
/* Whatever has slot `number`, which is below `n`; NULL: nothing. */
void *slots_at(const struct slots *s, uint32_t number);
void slots_remove(struct slots *s, struct slot_ref name);

#endif
