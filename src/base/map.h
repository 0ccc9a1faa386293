/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: finds the number of a thing by its key.
 *
 * Open addressing over 8-byte slots. The things and their keys stay in an array of the caller; the
 * map keeps a part of each key's hash and the thing's number. Nothing is ever removed: maps are
 * built once, with a tree, and then only read, by any thread.
 */
#ifndef CLOUDSEED_BASE_MAP_H
#define CLOUDSEED_BASE_MAP_H

#include "base/str.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    uint32_t mask; /* number of slots - 1 */
    uint32_t count;
};

#define MAP_NONE UINT32_MAX

/* The key of thing number `item`. */
typedef struct str (*map_key_fn)(const void *things, uint32_t item);

/* An all-zero map is empty and ready. */
void map_done(struct map *m);
/* Room for `count` things without growing. */
void map_reserve(struct map *m, uint32_t count);
/* Adds `item` under its key and returns MAP_NONE, or returns the number that has this key already.
 */
uint32_t map_put(struct map *m, map_key_fn key_of, const void *things, uint32_t item);
/* MAP_NONE where there is no such key. */
uint32_t map_find(const struct map *m, map_key_fn key_of, const void *things, struct str key);

#endif
