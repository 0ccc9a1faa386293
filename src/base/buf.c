/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max_bytes = max_bytes};
}

static void release(const struct buf *b)
{
    if (b->p && b->secret)
        explicit_bzero(b->p, b->room);
    free(b->p);
}

void buf_done(struct buf *b)
{
    release(b);
    *b = (struct buf){.max_bytes = b->max_bytes, .secret = b->secret};
}

void buf_wipe(struct buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->room);
    b->n = 0;
    b->full = false;
}

void buf_clear(struct buf *b)
{
    if (b->secret) {
        buf_wipe(b);
        return;
    }
    b->n = 0;
    b->full = false;
    if (b->p)
        b->p[0] = '\0';
}

/* Makes room for `n` more bytes and the NUL. */
static bool reserve(struct buf *b, size_t n)
{
    if (b->full || n > b->max_bytes - b->n) {
        b->full = true;
        return false;
    }
    if (b->n + n + 1 <= b->room)
        return true;
    size_t room = b->room ? b->room * 2 : 256;
    while (room < b->n + n + 1)
        room *= 2;
    if (b->secret && b->p) { /* realloc may leave a copy behind */
        char *p = mem_alloc(room);
        memcpy(p, b->p, b->n + 1);
        release(b);
        b->p = p;
    } else {
        b->p = mem_resize(b->p, room, 1);
    }
    b->room = room;
    return true;
}

bool buf_append_growing(struct buf *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return false;
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
    return true;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    bool ok = n >= 0 && reserve(b, (size_t)n);
    if (ok) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    return ok;
}

/* A byte that must not reach a terminal or break a line. */
static void escape_byte(struct buf *b, unsigned char c)
{
    switch (c) {
    case '\n': buf_append(b, "\\n", 2); break;
    case '\r': buf_append(b, "\\r", 2); break;
    case '\t': buf_append(b, "\\t", 2); break;
    case '"': buf_append(b, "\\\"", 2); break;
    case '\\': buf_append(b, "\\\\", 2); break;
    default: buf_printf(b, "\\x%02x", c);
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* Length of a visible character beyond ASCII, 0 for anything else. */
static size_t visible_utf8(struct str s)
{
    size_t n;
    uint32_t c = str_decode(s, &n);
    return n == 1 || str_is_hidden(c) ? 0 : n;
}

bool buf_escaped(struct buf *b, struct str foreign, size_t max)
{
    size_t i = 0;
    while (i < foreign.n && i < max) {
        unsigned char c = (unsigned char)foreign.p[i];
        size_t wide = c < 0x80 ? 0 : visible_utf8(str_skip(foreign, i));
        if (is_plain(c))
            buf_char(b, (char)c);
        else if (wide)
            buf_append(b, foreign.p + i, wide);
        else
            escape_byte(b, c);
        i += wide ? wide : 1;
    }
    if (i < foreign.n)
        buf_str(b, STR("…"));
    return !b->full;
}
