/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/gzip.h"

#include <zlib.h>

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 65536);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct str document(size_t n)
{
    char *p = arena_alloc(&arena, n);
    for (size_t i = 0; i < n; i++)
        p[i] = "#cloud-config\nruncmd:\n"[i % 22];
    return (struct str){p, n};
}

/* A generator of Lehmer's: nothing that gzip could make smaller, and always the same. */
static struct str noise(size_t n)
{
    unsigned char *p = arena_alloc(&arena, n);
    uint64_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 48271 % 2147483647;
        p[i] = (unsigned char)(x >> 8);
    }
    return (struct str){(char *)p, n};
}

static struct str expanded(struct str packed, size_t n)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n};
    char *p = arena_alloc(&arena, n + 1);
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)n + 1;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    struct str got = {p, z.total_out};
    inflateEnd(&z);
    return got;
}

static void comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t n = 64; n <= 1 << 20; n *= 4) {
        struct str plain = document(n), packed;
        assert_true(gzip_compress(plain, &arena, &packed));
        assert_true(packed.n < plain.n);
        assert_str_equal(expanded(packed, n), plain);
    }
}

/* Entity tags stand for bytes: the same document must be the same bytes each time. */
static void same_bytes_each_time(void **state)
{
    (void)state;
    struct str plain = document(20000), one, other;
    assert_true(gzip_compress(plain, &arena, &one));
    assert_true(gzip_compress(plain, &arena, &other));
    assert_str_equal(one, other);
    assert_memory_equal(one.p, "\x1f\x8b\x08\0\0\0\0\0", 8); /* no flags, no time */
}

static void refuses_what_would_not_shrink(void **state)
{
    (void)state;
    struct str untouched = STR("untouched");
    assert_false(gzip_compress(STR(""), &arena, &untouched));
    assert_false(gzip_compress(STR("a"), &arena, &untouched));
    assert_false(gzip_compress(STR("aaaaaaaaaaaaaaaaaaaa"), &arena, &untouched));
    assert_false(gzip_compress(noise(40000), &arena, &untouched));
    assert_str(untouched, "untouched");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(comes_back_as_it_was), TEST(same_bytes_each_time),
          TEST(refuses_what_would_not_shrink))
