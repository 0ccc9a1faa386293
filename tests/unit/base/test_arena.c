/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"
#include "lib/wiped.h"

#include "base/arena.c"

static void everything_is_aligned_beside_text(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024);
    for (size_t i = 1; i < 40; i++) {
        arena_str(&a, (struct str){"0123456789012345678901234567890123456789", i});
        uintptr_t p = (uintptr_t)memset(arena_alloc(&a, i), 0xA5, i);
        assert_int_equal(p % _Alignof(max_align_t), 0);
    }
    arena_done(&a);
}

/* Text grows down from a chunk's end and the rest up from its beginning: they must not meet. */
static void text_and_data_never_overlap(void **state)
{
    (void)state;
    struct arena a;
    struct str texts[200];
    unsigned char *blocks[200];
    arena_init(&a, 256);
    for (size_t i = 0; i < 200; i++) {
        texts[i] = arena_printf(&a, "text %zu", i);
        blocks[i] = memset(arena_alloc(&a, 24), (int)i, 24);
    }
    for (size_t i = 0; i < 200; i++) {
        char want[16];
        snprintf(want, sizeof(want), "text %zu", i);
        assert_string_equal(texts[i].p, want);
        assert_int_equal(texts[i].n, strlen(want));
        for (size_t j = 0; j < 24; j++)
            assert_int_equal(blocks[i][j], i);
    }
    arena_done(&a);
}

static void zeroed_memory_is_zero_after_reuse(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    memset(arena_alloc(&a, 1000), 0xFF, 1000);
    arena_reset(&a);
    unsigned char *p = arena_zalloc(&a, 10, 100);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    arena_done(&a);
}

static void reset_keeps_one_chunk_of_usual_size(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024);
    void *first = arena_alloc(&a, 8);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 8), first);
    arena_alloc(&a, 100000); /* a large guest */
    assert_true(a.used_bytes >= 100008);
    arena_reset(&a);
    assert_null(a.chunk);
    assert_int_equal(a.used_bytes, 0);
    assert_str(arena_str(&a, STR("still works")), "still works");
    arena_done(&a);
}

static void large_guests_fit(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    memset(arena_alloc(&a, 1 << 20), 1, 1 << 20);
    char text[500];
    memset(text, 'x', sizeof(text));
    assert_str_equal(arena_str(&a, (struct str){text, sizeof(text)}),
                     ((struct str){text, sizeof(text)}));
    arena_done(&a);
}

static void text_is_copied_with_a_nul(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024);
    char original[] = "abc";
    struct str copy = arena_str(&a, (struct str){original, 2});
    original[0] = 'X';
    assert_string_equal(copy.p, "ab");
    assert_string_equal(arena_str(&a, (struct str){NULL, 0}).p, "");
    assert_str(arena_str(&a, STR("a\0b")), "a\0b");
    assert_str(arena_printf(&a, "%s-%d", "node", 3), "node-3");
    arena_done(&a);
}

static void lists_grow(void **state)
{
    (void)state;
    struct arena a;
    uint32_t *list = NULL, room = 0;
    arena_init(&a, 1024);
    for (uint32_t n = 0; n < 1000; n++) {
        list = arena_grow(&a, list, n, &room, sizeof(*list));
        list[n] = n;
        assert_true(room > n && room <= 2 * n + 4);
    }
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(list[n], n);
    arena_done(&a);
}

static void done_twice_is_fine(void **state)
{
    (void)state;
    struct arena a = {0};
    arena_done(&a);
    arena_init(&a, 1024);
    arena_done(&a);
    arena_alloc(&a, 1);
    arena_done(&a);
    arena_done(&a);
    assert_null(a.chunk);
}

static void secrets_are_overwritten(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 256);
    a.secret = true;
    arena_str(&a, STR("a key, in the first chunk"));
    arena_str(&a, STR("at its end"));
    memset(arena_alloc(&a, 1000), 'k', 1000);
    memset(arena_alloc(&a, 150), 'k', 150);
    size_t all = 0;
    for (const struct arena_chunk *c = a.chunk; c; c = c->older)
        all += c->size;
    wiped_bytes = 0;
    arena_reset(&a);
    assert_int_equal(wiped_bytes, all);
    for (size_t i = 0; i < a.chunk->size; i++)
        assert_int_equal(a.chunk->data[i], 0);
    wiped_bytes = 0;
    arena_str(&a, STR("another"));
    all = a.chunk->size;
    arena_done(&a);
    assert_int_equal(wiped_bytes, all);
    assert_true(a.secret);
    a.secret = false;
    arena_str(&a, STR("public"));
    arena_reset(&a);
    arena_done(&a);
    assert_int_equal(wiped_bytes, all);
}

UNIT_MAIN(cmocka_unit_test(everything_is_aligned_beside_text),
          cmocka_unit_test(text_and_data_never_overlap),
          cmocka_unit_test(zeroed_memory_is_zero_after_reuse),
          cmocka_unit_test(reset_keeps_one_chunk_of_usual_size), cmocka_unit_test(large_guests_fit),
          cmocka_unit_test(text_is_copied_with_a_nul), cmocka_unit_test(lists_grow),
          cmocka_unit_test(done_twice_is_fine), cmocka_unit_test(secrets_are_overwritten))
