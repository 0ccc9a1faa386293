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

/* --- Pieces ---------------------------------------------------------------------------------- */

static struct buf out;
static struct buf plain;
static struct gzip writer;

static int begin_answer(void **state)
{
    start(state);
    buf_init(&out, 16 << 20);
    buf_init(&plain, 16 << 20);
    gzip_begin(&writer, &out);
    return 0;
}

static int end_answer(void **state)
{
    buf_done(&out);
    buf_done(&plain);
    return end(state);
}

static void add_text(struct str text)
{
    gzip_text_begin(&writer);
    buf_str(&out, text);
    gzip_text_end(&writer);
    buf_str(&plain, text);
}

static void add_piece(struct str text)
{
    struct gzip_piece piece;
    assert_true(gzip_piece_make(text, &arena, &piece));
    assert_true(piece.block.n < text.n);
    gzip_add_piece(&writer, &piece);
    buf_str(&plain, text);
}

/* inflate checks CRC and length too. */
static void assert_whole(void)
{
    gzip_end(&writer);
    assert_str_equal(expanded(buf_view(&out), plain.n), buf_view(&plain));
}

static void assert_text_of(size_t n, bool is_noise)
{
    arena_reset(&arena);
    buf_clear(&out);
    buf_clear(&plain);
    gzip_begin(&writer, &out);
    add_text(is_noise ? noise(n) : document(n));
    assert_whole();
    assert_memory_equal(out.p, "\x1f\x8b\x08\0\0\0\0\0", 8); /* no flags, no time */
}

static void texts_of_every_length(void **state)
{
    static const size_t edges[] = {8191,  8192,  8193,  16384,  65534,  65535,
                                   65536, 65537, 70000, 131070, 131071, 200000};
    (void)state;
    for (size_t n = 0; n < 600; n++)
        assert_text_of(n, n & 1);
    for (size_t n = 600; n < 70000; n += 977)
        assert_text_of(n, n & 1);
    for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
        assert_text_of(edges[i], false);
        assert_text_of(edges[i], true);
    }
}

static void short_texts_are_stored(void **state)
{
    (void)state;
    add_text(document(300));
    assert_int_equal(out.n, 10 + 5 + 300);
    assert_whole();
    assert_int_equal(out.n, 10 + 5 + 300 + 2 + 8);
}

static void long_texts_are_compressed(void **state)
{
    (void)state;
    add_text(document(20000));
    assert_true(out.n < 2000);
    assert_whole();
}

static void pieces_and_texts_join(void **state)
{
    (void)state;
    add_text(STR(""));
    add_piece(document(64));
    add_text(STR("10.0.20.12"));
    add_piece(document(50000));
    add_piece(document(50000));
    add_text(noise(70000));
    add_text(STR("a"));
    add_text(STR(""));
    add_piece(document(1 << 20));
    assert_whole();
}

static void an_answer_may_end_with_anything(void **state)
{
    (void)state;
    assert_whole();
    buf_clear(&out);
    gzip_begin(&writer, &out);
    add_piece(document(1000));
    assert_whole();
}

/* Nothing refers to what stands before: any order will do. */
static void pieces_stand_anywhere(void **state)
{
    (void)state;
    struct gzip_piece pieces[40];
    struct str texts[40];
    for (unsigned i = 0; i < 40; i++) {
        texts[i] = document(100 + 37 * i);
        assert_true(gzip_piece_make(texts[i], &arena, &pieces[i]));
    }
    for (unsigned i = 0; i < 2000; i++) {
        unsigned which = i * 7919 % 40;
        gzip_add_piece(&writer, &pieces[which]);
        buf_str(&plain, texts[which]);
        if (i % 3 == 0)
            add_text(noise(i % 50));
    }
    assert_whole();
}

static void the_same_piece_each_time(void **state)
{
    (void)state;
    struct gzip_piece one, other;
    assert_true(gzip_piece_make(document(20000), &arena, &one));
    assert_true(gzip_piece_make(document(20000), &arena, &other));
    assert_str_equal(one.block, other.block);
    assert_int_equal(one.crc, other.crc);
}

static void no_piece_of_what_would_not_shrink(void **state)
{
    (void)state;
    struct gzip_piece untouched = {.block = STR("untouched")};
    assert_false(gzip_piece_make(STR(""), &arena, &untouched));
    assert_false(gzip_piece_make(STR("a"), &arena, &untouched));
    assert_false(gzip_piece_make(STR("abcdefghijklmnopqrst"), &arena, &untouched));
    assert_false(gzip_piece_make(noise(40000), &arena, &untouched));
    assert_str(untouched.block, "untouched");
}

static void a_full_buffer_is_seen(void **state)
{
    (void)state;
    buf_done(&out);
    buf_init(&out, 1000);
    gzip_begin(&writer, &out);
    gzip_text_begin(&writer);
    buf_str(&out, noise(2000));
    gzip_text_end(&writer);
    gzip_end(&writer);
    assert_true(out.full);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
#define ANSWER(f) cmocka_unit_test_setup_teardown(f, begin_answer, end_answer)

UNIT_MAIN(TEST(comes_back_as_it_was), TEST(same_bytes_each_time),
          TEST(refuses_what_would_not_shrink), ANSWER(texts_of_every_length),
          ANSWER(short_texts_are_stored), ANSWER(long_texts_are_compressed),
          ANSWER(pieces_and_texts_join), ANSWER(an_answer_may_end_with_anything),
          ANSWER(pieces_stand_anywhere), ANSWER(the_same_piece_each_time),
          ANSWER(no_piece_of_what_would_not_shrink), ANSWER(a_full_buffer_is_seen))
