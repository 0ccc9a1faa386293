/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer of pieces and texts as the input tells, against what zlib reads from it.
 *
 * Each step is a byte of what to do, a byte of how long, and what follows: a piece or a text, as it
 * is or repeated until it is long.
 */
#include "wire/gzip.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLAIN_MAX_BYTES ((size_t)1 << 20)

static void check(struct str packed, struct str plain)
{
    char *p = malloc(plain.n + 1);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n};
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)plain.n + 1;
    assert(p && inflateInit2(&z, 15 + 16) == Z_OK);
    assert(inflate(&z, Z_FINISH) == Z_STREAM_END);
    assert(z.avail_in == 0 && z.total_out == plain.n && !memcmp(p, plain.p, plain.n));
    inflateEnd(&z);
    free(p);
}

static void add(struct gzip *g, struct arena *a, struct str text, bool is_piece)
{
    struct gzip_piece piece;
    if (is_piece && gzip_piece_make(text, a, &piece)) {
        gzip_add_piece(g, &piece);
        return;
    }
    gzip_text_begin(g);
    buf_str(g->out, text);
    gzip_text_end(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    struct arena arena;
    struct buf out, plain;
    struct gzip g;
    arena_init(&arena, 65536);
    buf_init(&out, 4 * PLAIN_MAX_BYTES);
    buf_init(&plain, PLAIN_MAX_BYTES);
    gzip_begin(&g, &out);
    while (in.n >= 2 && plain.n < PLAIN_MAX_BYTES / 2) {
        uint8_t what = (uint8_t)in.p[0];
        size_t n = (uint8_t)in.p[1], begin = plain.n;
        in = str_skip(in, 2);
        struct str text = {in.p, n < in.n ? n : in.n};
        in = str_skip(in, text.n);
        for (unsigned times = what & 2 ? 1u << (what >> 4) : 1; times && !plain.full; times--)
            buf_str(&plain, text);
        add(&g, &arena, str_skip(buf_view(&plain), begin), what & 1);
    }
    gzip_end(&g);
    assert(!out.full);
    check(buf_view(&out), buf_view(&plain));
    buf_done(&plain);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
