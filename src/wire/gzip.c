/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/gzip.h"

#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>

#define WINDOW_BITS_RAW (-15)
#define WINDOW_BITS_GZIP (15 + 16)
#define LEVEL 1
#define MEMORY_LEVEL 8
#define STORED_MAX_BYTES 65535
/* From here on the network gains more by compression than we lose: values are rarely as long. */
#define COMPRESSED_MIN_BYTES 8192

/* Raw deflate, ended by a full flush, into `room` bytes. 0 where that is too little. */
static size_t deflate_into(struct str text, int level, char *to, size_t room)
{
    z_stream z = {0};
    if (text.n > UINT32_MAX || room > UINT32_MAX ||
        deflateInit2(&z, level, Z_DEFLATED, WINDOW_BITS_RAW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY))
        return 0;
    z.next_in = (Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)room;
    /* A full output may have kept something back. */
    bool is_whole = deflate(&z, Z_FULL_FLUSH) == Z_OK && z.avail_in == 0 && z.avail_out > 0;
    size_t n = z.total_out;
    deflateEnd(&z);
    return is_whole ? n : 0;
}

static uint32_t crc_of(uint32_t before, struct str text)
{
    return (uint32_t)crc32_z(before, (const Bytef *)text.p, text.n);
}

bool gzip_piece_make(struct str text, struct arena *a, struct gzip_piece *ret)
{
    char *packed = mem_alloc(text.n + 1);
    size_t n = deflate_into(text, Z_BEST_COMPRESSION, packed, text.n);
    if (n)
        *ret = (struct gzip_piece){.block = arena_str(a, (struct str){packed, n}),
                                   .plain_bytes = (uint32_t)text.n,
                                   .crc = crc_of(0, text),
                                   .crc_shift = (uint32_t)crc32_combine_gen((z_off_t)text.n)};
    free(packed);
    return n;
}

void gzip_begin(struct gzip *g, struct buf *out)
{
    /* Magic, deflate, no flags, no time, no hint, an unknown system. */
    static const unsigned char header[10] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF};
    *g = (struct gzip){.out = out};
    buf_append(out, header, sizeof(header));
}

void gzip_add_piece(struct gzip *g, const struct gzip_piece *p)
{
    buf_str(g->out, p->block);
    g->crc = (uint32_t)crc32_combine_op(g->crc, p->crc, p->crc_shift);
    g->plain_bytes += p->plain_bytes;
}

static void put_16(unsigned char *to, unsigned v)
{
    to[0] = (unsigned char)(v & 0xFF);
    to[1] = (unsigned char)(v >> 8);
}

static void put_32(unsigned char *to, uint32_t v)
{
    put_16(to, v & 0xFFFF);
    put_16(to + 2, v >> 16);
}

static void store(struct buf *out, struct str text)
{
    while (text.n) {
        unsigned char head[5] = {0}; /* not the last block, stored */
        unsigned n = text.n < STORED_MAX_BYTES ? (unsigned)text.n : STORED_MAX_BYTES;
        put_16(head + 1, n);
        put_16(head + 3, ~n & 0xFFFF);
        buf_append(out, head, sizeof(head));
        buf_append(out, text.p, n);
        text = str_skip(text, n);
    }
}

static bool deflate_text(struct buf *out, struct str text)
{
    char *packed = mem_alloc(text.n);
    size_t n = deflate_into(text, Z_BEST_SPEED, packed, text.n);
    if (n)
        buf_append(out, packed, n);
    free(packed);
    return n;
}

void gzip_add_text(struct gzip *g, struct str text)
{
    if (text.n < COMPRESSED_MIN_BYTES || !deflate_text(g->out, text))
        store(g->out, text);
    g->crc = crc_of(g->crc, text);
    g->plain_bytes += (uint32_t)text.n;
}

void gzip_end(struct gzip *g)
{
    unsigned char tail[10] = {3, 0}; /* the last block, of fixed codes, empty */
    put_32(tail + 2, g->crc);
    put_32(tail + 6, g->plain_bytes);
    buf_append(g->out, tail, sizeof(tail));
}

bool gzip_compress(struct str plain, struct arena *a, struct str *ret)
{
    z_stream z = {0};
    if (plain.n == 0 || plain.n > UINT32_MAX ||
        deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY))
        return false;
    char *p = arena_alloc(a, plain.n);
    z.next_in = (Bytef *)(uintptr_t)plain.p;
    z.avail_in = (uInt)plain.n;
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)plain.n;
    bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
    size_t n = z.total_out;
    deflateEnd(&z);
    if (!whole || n >= plain.n)
        return false;
    *ret = (struct str){p, n};
    return true;
}
