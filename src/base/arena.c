/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* of data */
    _Alignas(max_align_t) char data[];
};

#define ALIGN(n) (((n) + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1))

void arena_init(struct arena *a, size_t chunk_bytes)
{
    assert(chunk_bytes > sizeof(struct arena_chunk));
    *a = (struct arena){.chunk_bytes = chunk_bytes};
}

static void free_chunks(struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *older = c->older;
        free(c);
        c = older;
    }
}

void arena_wipe(struct arena *a)
{
    for (struct arena_chunk *c = a->chunk; c; c = c->older)
        explicit_bzero(c->data, c->size);
}

void arena_done(struct arena *a)
{
    if (a->secret)
        arena_wipe(a);
    free_chunks(a->chunk);
    *a = (struct arena){.chunk_bytes = a->chunk_bytes, .secret = a->secret};
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = a->chunk;
    a->used_bytes = 0;
    if (!keep)
        return;
    if (a->secret)
        arena_wipe(a);
    free_chunks(keep->older);
    keep->older = NULL;
    if (keep->size + sizeof(*keep) > a->chunk_bytes) { /* one large guest must not stay */
        arena_done(a);
        return;
    }
    a->next = keep->data;
    a->end = keep->data + keep->size;
}

static void grow(struct arena *a, size_t size)
{
    size_t room = a->chunk_bytes - sizeof(struct arena_chunk);
    if (room < size)
        room = size;
    struct arena_chunk *c = mem_alloc(sizeof(*c) + room);
    c->older = a->chunk;
    c->size = room;
    a->chunk = c;
    a->next = c->data;
    a->end = c->data + room;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > PTRDIFF_MAX / 2)
        abort();
    size = ALIGN(size);
    if ((size_t)(a->end - a->next) < size || !a->chunk)
        grow(a, size);
    void *p = a->next;
    a->next += size;
    a->used_bytes += size;
    return p;
}

void *arena_zalloc(struct arena *a, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return memset(arena_alloc(a, total), 0, total);
}

void *arena_grow(struct arena *a, void *list, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room)
        return list;
    *room = *room ? *room * 2 : 4;
    void *grown = arena_zalloc(a, *room, size);
    return n ? memcpy(grown, list, n * size) : grown;
}

/* Text needs no alignment: a tree of 100,000 nodes is mostly short names. */
static char *alloc_text(struct arena *a, size_t size)
{
    size_t left = (size_t)(a->end - a->next);
    if (!a->chunk || left < size)
        return arena_alloc(a, size);
    a->end -= size;
    a->used_bytes += size;
    return a->end;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = alloc_text(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){p, s.n};
}

struct str arena_join(struct arena *a, const struct str *parts, size_t n)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        total += parts[i].n;
    char *p = alloc_text(a, total + 1);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n)
            memcpy(p + at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    p[at] = '\0';
    return (struct str){p, at};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    char *p = alloc_text(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct str){p, (size_t)n};
}
