/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: the heap for callers that cannot go on without it.
 *
 * Each function returns memory or aborts: the caller caps sizes beforehand, and running out of
 * memory after that leaves nothing to save. The caller frees the result with free().
 */
#ifndef CLOUDSEED_BASE_MEM_H
#define CLOUDSEED_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* `p` itself, for memory that a library allocated. */
static inline void *mem_need(void *p)
{
    if (!p)
        abort();
    return p;
}

/* Uninitialised. */
static inline void *mem_alloc(size_t size)
{
    return mem_need(malloc(size ? size : 1));
}

/* Zeroed; aborts where count * size overflows. */
static inline void *mem_zalloc(size_t count, size_t size)
{
    return mem_need(calloc(count ? count : 1, size ? size : 1));
}

#define MEM_NEW(type) ((type *)mem_zalloc(1, sizeof(type)))
#define MEM_ARRAY(type, count) ((type *)mem_zalloc((count), sizeof(type)))

/* Resizes the list to `count` items; new ones are uninitialised. */
static inline void *mem_resize(void *list, size_t count, size_t size)
{
    return mem_need(reallocarray(list, count ? count : 1, size ? size : 1));
}

/* Makes room for one more item behind the `n` of `list`; *room is how many fit, 0 at first. */
static inline void *mem_grow(void *list, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room)
        return list;
    *room = *room ? *room * 2 : 32;
    return mem_resize(list, *room, size);
}

/* A copy of `n` bytes with a NUL behind them. `p` may be NULL where `n` is 0. */
static inline char *mem_copy(const void *p, size_t n)
{
    char *copy = (char *)mem_need(malloc(n + 1));
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

#endif
