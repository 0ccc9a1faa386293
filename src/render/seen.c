/* SPDX-License-Identifier: Apache-2.0 */
#include "render/seen.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES 4096

struct seen_place {
    struct str text;
    uint32_t round;
};

void seen_init(struct seen *s)
{
    *s = (struct seen){0};
    arena_init(&s->arena, ARENA_BYTES);
}

void seen_done(struct seen *s)
{
    free(s->list);
    map_done(&s->map);
    arena_done(&s->arena);
}

static struct str text_of(const void *list, uint32_t i)
{
    return ((const struct seen_place *)list)[i].text;
}

bool seen_put(struct seen *s, struct place at)
{
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 64;
        s->list = mem_resize(s->list, s->room, sizeof(*s->list));
    }
    char text[64];
    snprintf(text, sizeof(text), ":%" PRIu32 ":%" PRIu32, at.line, at.column);
    struct str key = ARENA_JOIN(&s->arena, str_from(at.file ? at.file : ""), str_from(text));
    s->list[s->n] = (struct seen_place){key, s->round};
    uint32_t there = map_put(&s->map, text_of, s->list, s->n);
    if (there != MAP_NONE)
        return s->list[there].round == s->round;
    s->n++;
    return true;
}

void seen_next(struct seen *s)
{
    s->round++;
}
