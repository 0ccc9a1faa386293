/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/hash.h"
#include "base/map.h"

static struct str name_of(const void *things, uint32_t item)
{
    return ((const struct str *)things)[item];
}

static void empty_map_finds_nothing(void **state)
{
    (void)state;
    struct map m = {0};
    assert_int_equal(map_find(&m, name_of, NULL, STR("a")), MAP_NONE);
    map_reserve(&m, 0);
    assert_int_equal(map_find(&m, name_of, NULL, STR("a")), MAP_NONE);
    map_done(&m);
    map_done(&m);
}

static void second_holder_of_a_key_is_refused(void **state)
{
    (void)state;
    const struct str names[] = {STR("a"), STR("b"), STR("a"), STR("")};
    struct map m = {0};
    assert_int_equal(map_put(&m, name_of, names, 0), MAP_NONE);
    assert_int_equal(map_put(&m, name_of, names, 1), MAP_NONE);
    assert_int_equal(map_put(&m, name_of, names, 2), 0);
    assert_int_equal(map_put(&m, name_of, names, 3), MAP_NONE);
    assert_int_equal(m.count, 3);
    assert_int_equal(map_find(&m, name_of, names, STR("b")), 1);
    assert_int_equal(map_find(&m, name_of, names, STR("")), 3);
    assert_int_equal(map_find(&m, name_of, names, STR("c")), MAP_NONE);
    map_done(&m);
}

#define MANY 20000

static void many_are_found_after_growing(void **state)
{
    (void)state;
    static char text[MANY][16];
    static struct str names[MANY];
    struct map m = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof(text[i]), "node-%u", i);
        names[i] = str_from(text[i]);
        assert_int_equal(map_put(&m, name_of, names, i), MAP_NONE);
        assert_true(m.count * 4ULL <= (m.mask + 1ULL) * 3);
    }
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(map_find(&m, name_of, names, names[i]), i);
    assert_int_equal(map_find(&m, name_of, names, STR("node-20000")), MAP_NONE);
    map_done(&m);
}

static void reserved_room_is_not_grown(void **state)
{
    (void)state;
    static const struct str names[] = {STR("a"), STR("b"), STR("c")};
    struct map m = {0};
    map_reserve(&m, 1000);
    uint32_t mask = m.mask;
    struct map_slot *slots = m.slots;
    for (uint32_t i = 0; i < 3; i++)
        map_put(&m, name_of, names, i);
    map_reserve(&m, 500);
    assert_int_equal(m.mask, mask);
    assert_ptr_equal(m.slots, slots);
    map_done(&m);
}

/* Two names whose hashes are the same in the part that the map keeps: a birthday search. */
static void same_hash_other_key(void **state)
{
    (void)state;
    struct map seen = {0};
    static char text[2][16];
    static struct str pair[2];
    static uint32_t table[1 << 20];
    uint32_t i = 1;
    for (;; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        uint32_t low = (uint32_t)hash64(str_from(name));
        uint32_t other = table[low >> 12];
        snprintf(text[0], sizeof(text[0]), "n%u", other);
        if (other && (uint32_t)hash64(str_from(text[0])) == low) {
            memcpy(text[1], name, sizeof(name));
            break;
        }
        table[low >> 12] = i;
    }
    pair[0] = str_from(text[0]);
    pair[1] = str_from(text[1]);
    assert_int_equal(map_put(&seen, name_of, pair, 0), MAP_NONE);
    assert_int_equal(map_find(&seen, name_of, pair, pair[1]), MAP_NONE);
    assert_int_equal(map_put(&seen, name_of, pair, 1), MAP_NONE);
    assert_int_equal(map_find(&seen, name_of, pair, pair[0]), 0);
    assert_int_equal(map_find(&seen, name_of, pair, pair[1]), 1);
    map_done(&seen);
}

UNIT_MAIN(cmocka_unit_test(empty_map_finds_nothing),
          cmocka_unit_test(second_holder_of_a_key_is_refused),
          cmocka_unit_test(many_are_found_after_growing),
          cmocka_unit_test(reserved_room_is_not_grown), cmocka_unit_test(same_hash_other_key))
