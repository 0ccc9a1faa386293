/* SPDX-License-Identifier: Apache-2.0 */
/* grow: room for one more item in an array of the heap. */
#ifndef CLOUDSEED_BASE_GROW_H
#define CLOUDSEED_BASE_GROW_H

#include <stdint.h>
#include <stdlib.h>

/* `list` has `n` items and room for *room; returns where it lies now. It aborts where memory runs
 * out, and is the caller's to free. */
static inline void *grow(void *list, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room)
        return list;
    *room = *room ? *room * 2 : 32;
    list = reallocarray(list, *room, size);
    if (!list)
        abort();
    return list;
}

#endif
