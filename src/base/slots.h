/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots: names for things that come and go; a name finds nothing once its thing is gone.
 *
 * A caller that must not keep a pointer keeps a slot's number and generation. A slot that was given
 * to another thing since has another generation, and the old name finds nothing.
 */
#ifndef CLOUDSEED_BASE_SLOTS_H
#define CLOUDSEED_BASE_SLOTS_H

#include <stdint.h>

/* All zero names nothing. */
struct slot_ref {
    uint32_t slot, generation;
};

struct slot;

/* All zero is empty and ready. */
struct slots {
    struct slot *list;
    uint32_t n;
    uint32_t free; /* number of the first free one plus 1; 0: none */
};

void slots_done(struct slots *s);
/* Names a thing, which must not be NULL. */
struct slot_ref slots_put(struct slots *s, void *thing);
/* NULL where the name has no thing, or its thing is gone. */
void *slots_find(const struct slots *s, struct slot_ref name);
/* The thing in slot `number`, which is below `n`; NULL where it is free. */
void *slots_at(const struct slots *s, uint32_t number);
void slots_remove(struct slots *s, struct slot_ref name);

#endif
