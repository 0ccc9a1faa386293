/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/gzip.h"

#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>

#define WINDOW_BITS_RAW (-15)
#define WINDOW_BITS_GZIP (15 + 16)
#define LEVEL 1
#define MEMORY_LEVEL 8
#define CRC_BYTES 4
#define STORED_MAX_BYTES 65535
#define STORED_HEAD_BYTES 5
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

/* zlib's crc32_combine_op multiplies polynomials bit by bit: 32 times here, never at an answer. */
static const uint32_t (*crc_shift_of(size_t n, struct arena *a))[256]
{
    uint32_t(*shift)[256] = arena_zalloc(a, CRC_BYTES, sizeof(*shift));
    uLong op = crc32_combine_gen((z_off_t)n);
    for (unsigned i = 0; i < CRC_BYTES; i++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            uint32_t moved = (uint32_t)crc32_combine_op((uLong)bit << 8 * i, 0, op);
            for (unsigned below = 0; below < bit; below++)
                shift[i][bit | below] = moved ^ shift[i][below];
        }
    }
    return shift;
}

bool gzip_piece_make(struct str text, struct arena *a, struct gzip_piece *ret)
{
    char *packed = mem_alloc(text.n + 1);
    size_t n = deflate_into(text, Z_BEST_COMPRESSION, packed, text.n);
    if (n)
        *ret = (struct gzip_piece){.block = arena_str(a, (struct str){packed, n}),
                                   .plain_bytes = (uint32_t)text.n,
                                   .crc = crc_of(0, text),
                                   .crc_shift = crc_shift_of(text.n, a)};
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
    const uint32_t(*shift)[256] = p->crc_shift;
    g->crc = p->crc ^ shift[0][g->crc & 0xFF] ^ shift[1][g->crc >> 8 & 0xFF] ^
             shift[2][g->crc >> 16 & 0xFF] ^ shift[3][g->crc >> 24];
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

static void put_stored_head(char *to, size_t n)
{
    unsigned char *head = (unsigned char *)to;
    head[0] = 0; /* not the last block, stored */
    put_16(head + 1, (unsigned)n);
    put_16(head + 3, ~(unsigned)n & 0xFFFF);
}

static void store(struct buf *out, struct str text)
{
    while (text.n) {
        char head[STORED_HEAD_BYTES];
        size_t n = text.n < STORED_MAX_BYTES ? text.n : STORED_MAX_BYTES;
        put_stored_head(head, n);
        buf_append(out, head, sizeof(head));
        buf_append(out, text.p, n);
        text = str_skip(text, n);
    }
}

static void cut(struct buf *out, size_t n)
{
    out->n = n;
    out->p[n] = '\0';
}

void gzip_text_begin(struct gzip *g)
{
    buf_append(g->out, "\0\0\0\0", STORED_HEAD_BYTES);
    g->text_at = g->out->n;
}

/* A long text moves out of its place, and comes back compressed or in several blocks. */
static void replace_text(struct buf *out, size_t at)
{
    struct str text = str_skip(buf_view(out), at);
    struct buf copy;
    buf_init(&copy, text.n);
    copy.secret = out->secret;
    buf_str(&copy, text);
    cut(out, at - STORED_HEAD_BYTES);
    size_t n = deflate_into(buf_view(&copy), Z_BEST_SPEED, out->p + out->n, text.n);
    if (n)
        cut(out, out->n + n);
    else
        store(out, buf_view(&copy));
    buf_done(&copy);
}

void gzip_text_end(struct gzip *g)
{
    if (g->out->full)
        return;
    struct str text = str_skip(buf_view(g->out), g->text_at);
    g->crc = crc_of(g->crc, text);
    g->plain_bytes += (uint32_t)text.n;
    if (text.n == 0)
        cut(g->out, g->text_at - STORED_HEAD_BYTES);
    else if (text.n < COMPRESSED_MIN_BYTES)
        put_stored_head(g->out->p + g->text_at - STORED_HEAD_BYTES, text.n);
    else
        replace_text(g->out, g->text_at);
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
