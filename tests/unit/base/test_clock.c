/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/clock.h"

#include <time.h>

static void clocks_never_go_back(void **state)
{
    (void)state;
    uint64_t boot = clock_boot_ms(), mono = clock_monotonic_us();
    for (int i = 0; i < 1000; i++) {
        uint64_t boot_now = clock_boot_ms(), mono_now = clock_monotonic_us();
        assert_true(boot_now >= boot && mono_now >= mono);
        boot = boot_now;
        mono = mono_now;
    }
}

static void monotonic_is_systemds(void **state)
{
    (void)state;
    struct timespec t;
    uint64_t before = clock_monotonic_us();
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    assert_in_range(now, before, clock_monotonic_us());
}

static void wall_clock_is_rfc_3339_in_utc(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE], rest;
    struct tm tm = {0};
    int ms = -1;
    time_t before = time(NULL);
    assert_ptr_equal(clock_wall_text(text), text);
    assert_int_equal(strlen(text), strlen("2026-11-22T07:38:35.123Z"));
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%c", &tm.tm_year, &tm.tm_mon,
                            &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &rest),
                     7);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    assert_in_range(timegm(&tm), before, time(NULL));
    assert_in_range(ms, 0, 999);
}

static void times_are_read_again(void **state)
{
    static const char *const bad[] = {"",
                                      "2026-11-22",
                                      "2026-11-22T11:40:00",
                                      "2026-11-22T11:40:00.5Z",
                                      "2026-11-22T11:40:00.123",
                                      "2026-11-22T11:40:00.123Z ",
                                      "2026-11-22 11:40:00Z",
                                      "2026-00-22T11:40:00Z",
                                      "x026-11-22T11:40:00Z"};
    char text[CLOCK_TEXT_SIZE];
    int64_t ms = 7;
    (void)state;
    assert_true(clock_read_text(STR("2026-11-22T11:40:00.123Z"), &ms));
    assert_int_equal(ms, INT64_C(1795347600123));
    assert_string_equal(clock_text(ms, text), "2026-11-22T11:40:00.123Z");
    assert_true(clock_read_text(STR("1970-01-01T00:00:00Z"), &ms));
    assert_int_equal(ms, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(clock_read_text(str_from(bad[i]), &ms));
    assert_int_equal(ms, 0);
}

static void dates_of_http(void **state)
{
    static const char *const bad[] = {"",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 nov 1994 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT"};
    int64_t ms = 7;
    (void)state;
    assert_true(clock_read_http(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &ms));
    assert_int_equal(ms, INT64_C(784111777000));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(clock_read_http(str_from(bad[i]), &ms));
    assert_false(clock_read_http((struct str){NULL, 0}, &ms));
    assert_int_equal(ms, INT64_C(784111777000));
}

UNIT_MAIN(cmocka_unit_test(clocks_never_go_back), cmocka_unit_test(monotonic_is_systemds),
          cmocka_unit_test(wall_clock_is_rfc_3339_in_utc), cmocka_unit_test(times_are_read_again),
          cmocka_unit_test(dates_of_http))
