/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "base/map.h"
#include "base/mem.h"

struct lines {
    struct str *list;
    uint32_t n, room, at;
    struct map map;
};

static struct str line_of(const void *list, uint32_t i)
{
    return ((const struct str *)list)[i];
}

static void split(struct lines *l, struct str text)
{
    while (text.n) {
        l->list = mem_grow(l->list, l->n, &l->room, sizeof(*l->list));
        l->list[l->n] = str_cut(&text, '\n');
        l->n++;
    }
    for (uint32_t i = 0; i < l->n; i++)
        map_put(&l->map, line_of, l->list, i);
}

static void lines_done(struct lines *l)
{
    free(l->list);
    map_done(&l->map);
}

/* Appends lines from `l->at` up to the next one that `other` has too. */
static void put_alone(struct lines *l, const struct lines *other, char sign, struct buf *out)
{
    for (; l->at < l->n; l->at++) {
        struct str line = l->list[l->at];
        if (other->n && map_find(&other->map, line_of, other->list, line) != MAP_NONE)
            return;
        buf_char(out, sign);
        buf_str(out, line);
        buf_char(out, '\n');
    }
}

static bool merge(struct lines *before, struct lines *now, struct buf *out)
{
    for (;;) {
        put_alone(before, now, '-', out);
        put_alone(now, before, '+', out);
        if (before->at == before->n || now->at == now->n)
            return before->at == before->n && now->at == now->n;
        if (!str_eq(before->list[before->at++], now->list[now->at++]))
            return false;
    }
}

static bool is_whole(struct str text)
{
    return text.n == 0 || text.p[text.n - 1] == '\n';
}

bool line_diff(struct str before, struct str now, struct buf *out)
{
    struct lines old = {.n = 0}, new = {.n = 0};
    if (!is_whole(before) || !is_whole(now))
        return false;
    split(&old, before);
    split(&new, now);
    bool plain = merge(&old, &new, out);
    lines_done(&old);
    lines_done(&new);
    return plain;
}
