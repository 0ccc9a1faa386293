/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/lines.h"

#include <errno.h>

/* One byte more, for a CR that may belong to the end. */
void lines_init(struct lines *l, size_t line_max_bytes)
{
    *l = (struct lines){.is_given = false};
    buf_init(&l->held, line_max_bytes + 1);
}

void lines_done(struct lines *l)
{
    buf_done(&l->held);
}

static struct str without_cr(struct str line)
{
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Keeps the part of a line that is there. */
static int hold(struct lines *l, struct str part)
{
    if (!part.n || buf_str(&l->held, part))
        return 0;
    return -EMSGSIZE;
}

static int next(struct lines *l, struct str *piece, struct str *ret)
{
    const char *end = piece->n ? memchr(piece->p, '\n', piece->n) : NULL;
    struct str part = {piece->p, end ? (size_t)(end - piece->p) : piece->n};
    *piece = str_skip(*piece, end ? part.n + 1 : part.n);
    bool whole = end && l->held.n == 0; /* it need not be copied */
    if (!whole && hold(l, part) < 0)
        return -EMSGSIZE;
    if (!end)
        return 0;
    l->is_given = !whole;
    *ret = without_cr(whole ? part : buf_view(&l->held));
    return ret->n >= l->held.max_bytes ? -EMSGSIZE : 1;
}

int lines_next(struct lines *l, struct str *piece, struct str *ret)
{
    struct str line;
    int r;
    do {
        if (l->is_given)
            buf_clear(&l->held);
        l->is_given = false;
        r = next(l, piece, &line);
    } while (r > 0 && line.n == 0);
    if (r > 0)
        *ret = line;
    return r;
}

bool lines_is_within(const struct lines *l)
{
    return l->held.n > 0 && !l->is_given;
}
