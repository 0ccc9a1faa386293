/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/common/span.h"

#include <stdlib.h>
#include <time.h>

static void is(const char *text, uint32_t want)
{
    uint32_t got = 0;
    assert_true(span_read(text, &got));
    assert_int_equal(got, want);
}

static void spans_are_read(void **state)
{
    (void)state;
    is("1s", 1);
    is("90s", 90);
    is("20m", 1200);
    is("2h", 7200);
    is("7d", 604800);
    is("365d", 31536000);
}

static void what_is_no_span_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "s",
                                      "5",
                                      "0m",
                                      "-1m",
                                      "1.5h",
                                      " 5m",
                                      "5 m",
                                      "5min",
                                      "366d",
                                      "99999999999999999999s",
                                      "18446744073709551615d"};
    uint32_t got = 7;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(span_read(bad[i], &got));
    assert_int_equal(got, 7);
}

static void says(int64_t seconds, const char *want)
{
    char text[SPAN_TEXT_SIZE];
    assert_string_equal(span_text(seconds, text), want);
}

static void spans_are_shown(void **state)
{
    (void)state;
    says(-5, "0 s");
    says(59, "59 s");
    says(60, "1:00");
    says(3599, "59:59");
    says(3600, "1:00:00");
    says(86399, "23:59:59");
    says(86400, "1 d");
    says(INT64_MAX, "365 d");
}

static void a_moment_has_its_zone(void **state)
{
    (void)state;
    char text[SPAN_WHEN_SIZE];
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    assert_string_equal(span_when(1764493924123, text), "2025-11-30 10:12:04 CET");
    assert_string_equal(span_when(1753949524000, text), "2025-07-31 10:12:04 CEST");
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_string_equal(span_when(1764493924123, text), "2025-11-30 09:12:04 UTC");
}

UNIT_MAIN(cmocka_unit_test(spans_are_read), cmocka_unit_test(what_is_no_span_is_refused),
          cmocka_unit_test(spans_are_shown), cmocka_unit_test(a_moment_has_its_zone))
