/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: bytes that grow, up to a cap.
 *
 * Writers append without checking each time: once the cap is reached nothing more is appended and
 * `full` stays set until buf_clear, so one check at the end is enough. The bytes are always
 * followed by a NUL that does not count.
 */
#ifndef CLOUDSEED_BASE_BUF_H
#define CLOUDSEED_BASE_BUF_H

#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t room;
    size_t max_bytes;
    bool full;
    bool secret; /* set before the first secret byte: memory is overwritten before it is given up */
};

void buf_init(struct buf *b, size_t max_bytes);
/* Frees the bytes; cap and `secret` stay. Zeroed or done buffers are fine. */
void buf_done(struct buf *b);
/* Forgets the bytes, keeps the memory. A secret buffer is overwritten as a whole. */
void buf_clear(struct buf *b);
/* As buf_clear, and overwrites all of the memory in any case. */
void buf_wipe(struct buf *b);

/* Each returns false and sets `full` where the text would exceed the cap; none of it is appended
 * then. */
bool buf_append_growing(struct buf *b, const void *p,
                        size_t n); /* buf_append where room is short */
static inline bool buf_append(struct buf *b, const void *p, size_t n)
{
    if (b->full || b->room - b->n <= n || b->max_bytes - b->n < n || !n)
        return buf_append_growing(b, p, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
    return true;
}
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline bool buf_char(struct buf *b, char c)
{
    if (b->n + 1 < b->room && b->n < b->max_bytes && !b->full) {
        b->p[b->n++] = c;
        b->p[b->n] = '\0';
        return true;
    }
    return buf_append(b, &c, 1);
}

static inline bool buf_str(struct buf *b, struct str s)
{
    return buf_append(b, s.p, s.n);
}

static inline struct str buf_view(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}

/* Appends foreign text for logs, consoles and messages: hidden characters (str_is_hidden), bytes
 * that are not valid UTF-8, double quotes and backslashes become \n, \t, \xNN, \" and \\; a text
 * longer than `max` bytes ends in "…". */
bool buf_escaped(struct buf *b, struct str foreign, size_t max);

#endif
