/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/gzip.h"

#include <zlib.h>

/* Level 1: on a network of gigabits the time to compress counts more than the last per cent. */
#define LEVEL 1
#define WINDOW_BITS_GZIP (15 + 16)
#define MEMORY_LEVEL 8

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
