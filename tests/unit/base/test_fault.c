/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/fault.h"

static int start(void **state)
{
    static struct faults fs;
    faults_init(&fs);
    *state = &fs;
    return 0;
}

static int stop(void **state)
{
    faults_done(*state);
    return 0;
}

static void everything_is_copied(void **state)
{
    struct faults *fs = *state;
    char file[] = "roles/worker.yaml", excerpt[] = "  rol: x\n  ^";
    fault_add_excerpt(fs, (struct place){file, 3, 7}, excerpt, "unknown field '%s'", "rol");
    file[0] = excerpt[0] = 'X';
    assert_int_equal(fs->kept, 1);
    assert_string_equal(fs->list[0].at.file, "roles/worker.yaml");
    assert_int_equal(fs->list[0].at.line, 3);
    assert_int_equal(fs->list[0].at.column, 7);
    assert_string_equal(fs->list[0].msg, "unknown field 'rol'");
    assert_string_equal(fs->list[0].excerpt, "  rol: x\n  ^");
    assert_false(fs->list[0].warning);
}

static void errors_and_warnings_are_counted_apart(void **state)
{
    struct faults *fs = *state;
    fault_warn(fs, (struct place){0}, "w");
    fault_add(fs, (struct place){0}, "e");
    fault_add(fs, (struct place){0}, "e");
    assert_int_equal(fs->errors, 2);
    assert_int_equal(fs->warnings, 1);
    assert_null(fs->list[0].at.file);
    assert_null(fs->list[0].excerpt);
    assert_true(fs->list[0].warning);
}

static void sorted_by_place_and_stable(void **state)
{
    struct faults *fs = *state;
    static const struct {
        struct place at;
        const char *msg;
    } given[] = {{{"b", 1, 1}, "6"}, {{"a", 10, 2}, "4"}, {{"a", 2, 9}, "2"}, {{"a", 10, 2}, "5"},
                 {{"a", 2, 1}, "1"}, {{NULL, 0, 0}, "0"}, {{"a", 10, 1}, "3"}};
    for (size_t i = 0; i < 7; i++)
        fault_add(fs, given[i].at, "%s", given[i].msg);
    faults_sort(fs);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(fs->list[i].msg[0] - '0', i);
}

static void a_flood_is_counted_but_not_kept(void **state)
{
    struct faults *fs = *state;
    for (uint32_t i = 0; i < FAULTS_KEPT_MAX + 500; i++)
        fault_add(fs, (struct place){"f", i, 1}, "number %u", i);
    assert_int_equal(fs->kept, FAULTS_KEPT_MAX);
    assert_int_equal(fs->errors, FAULTS_KEPT_MAX + 500);
    assert_string_equal(fs->list[FAULTS_KEPT_MAX - 1].msg, "number 999");
}

static void warnings_give_way_to_errors(void **state)
{
    struct faults *fs = *state;
    for (uint32_t i = 0; i < FAULTS_KEPT_MAX; i++)
        fault_warn(fs, (struct place){"f", i, 1}, "warning");
    fault_add(fs, (struct place){"f", 1, 1}, "the one that counts");
    fault_warn(fs, (struct place){"f", 1, 1}, "one more");
    assert_int_equal(fs->kept, FAULTS_KEPT_MAX);
    assert_string_equal(fs->list[FAULTS_KEPT_MAX - 1].msg, "the one that counts");
    assert_int_equal(fs->warnings, FAULTS_KEPT_MAX + 1);
}

static void long_message_is_cut_between_characters(void **state)
{
    struct faults *fs = *state;
    char text[3001];
    size_t bad;
    for (size_t i = 0; i < 3000; i += 3)
        memcpy(text + i, "€", 4);
    for (int shift = 0; shift < 3; shift++) {
        fault_add(fs, (struct place){0}, "%.*s%s", shift, "ab", text);
        struct str msg = str_from(fs->list[shift].msg);
        assert_true(str_is_utf8(msg, &bad));
        assert_true(str_ends(msg, STR("€…")));
        assert_in_range(msg.n, 1000, 1023);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
UNIT_MAIN(TEST(everything_is_copied), TEST(errors_and_warnings_are_counted_apart),
          TEST(sorted_by_place_and_stable), TEST(a_flood_is_counted_but_not_kept),
          TEST(warnings_give_way_to_errors), TEST(long_message_is_cut_between_characters))
