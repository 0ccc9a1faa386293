/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory that is freed all at once.
 *
 * What belongs to one request, one rendering or one loaded tree is allocated from its arena and
 * never freed on its own. Not thread-safe: one owner at a time; a frozen arena may be read by all.
 * The caller caps sizes beforehand; if memory runs out after that, the process aborts.
 */
#ifndef CLOUDSEED_BASE_ARENA_H
#define CLOUDSEED_BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* the newest */
    char *next, *end;
    size_t chunk_bytes; /* of a new chunk */
    size_t used_bytes;  /* handed out since the last reset */
    bool secret;        /* memory is overwritten before it is freed or handed out again */
};

/* `chunk_bytes` is what a chunk asks of malloc; larger allocations get a chunk of their own.
 * Nothing is allocated before the first use. */
void arena_init(struct arena *a, size_t chunk_bytes);
/* Frees everything; `secret` stays. An arena that is all zero, or done already, is fine. */
void arena_done(struct arena *a);
/* Forgets everything, keeps one chunk for what comes next. */
void arena_reset(struct arena *a);
/* Overwrites all that it handed out, without freeing it. */
void arena_wipe(struct arena *a);

/* Uninitialised memory, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
/* Zeroed; aborts where count * size overflows. */
void *arena_zalloc(struct arena *a, size_t count, size_t size) __attribute__((returns_nonnull));
/* Makes room for one more item behind the `n` of `list`, copying it if need be; *room is how many
 * items fit, 0 at first. */
void *arena_grow(struct arena *a, void *list, uint32_t n, uint32_t *room, size_t size)
    __attribute__((returns_nonnull));
/* A copy with a NUL behind it. */
struct str arena_str(struct arena *a, struct str s);
/* The parts joined, NUL-terminated. */
struct str arena_join(struct arena *a, const struct str *parts, size_t n);
#define ARENA_JOIN(a, ...)                             \
    arena_join((a), (const struct str[]){__VA_ARGS__}, \
               sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
/* printf into the arena, NUL-terminated. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_zalloc((a), (count), sizeof(type)))

#endif
