/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_boot_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_boot_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int64_t clock_wall_s(void)
{
    return time(NULL);
}

int64_t clock_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *clock_text(int64_t wall_ms, char text[static CLOCK_TEXT_SIZE])
{
    int64_t ms = (wall_ms % 1000 + 1000) % 1000;
    time_t s = (time_t)((wall_ms - ms) / 1000);
    struct tm utc;
    gmtime_r(&s, &utc);
    size_t n = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + n, CLOCK_TEXT_SIZE - n, ".%03dZ", (int)ms);
    return text;
}

const char *clock_wall_text(char text[static CLOCK_TEXT_SIZE])
{
    return clock_text(clock_wall_ms(), text);
}

/* Cuts `n` digits and one of the characters in `behind` off *s; -1 where they are not there. */
static int take(struct str *s, size_t n, const char *behind)
{
    int v = 0;
    if (s->n < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return -1;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_skip(*s, n);
    if (!s->n || !strchr(behind, s->p[0]))
        return -1;
    *s = str_skip(*s, 1);
    return v;
}

/* False where a field is negative, which take() says of one that is not there. */
static bool to_ms(struct tm utc, int64_t *ret_ms)
{
    if (utc.tm_year < -1900 || utc.tm_mon < 0 || utc.tm_mday < 1 || utc.tm_hour < 0 ||
        utc.tm_min < 0 || utc.tm_sec < 0)
        return false;
    *ret_ms = (int64_t)timegm(&utc) * 1000;
    return true;
}

bool clock_read_text(struct str s, int64_t *ret_ms)
{
    int year = take(&s, 4, "-"), month = take(&s, 2, "-"), day = take(&s, 2, "T");
    int hour = take(&s, 2, ":"), minute = take(&s, 2, ":"), second = take(&s, 2, ".Z");
    int ms = s.n ? take(&s, 3, "Z") : 0;
    struct tm utc = {.tm_year = year - 1900,
                     .tm_mon = month - 1,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute,
                     .tm_sec = second};
    int64_t whole_ms;
    if (ms < 0 || s.n || !to_ms(utc, &whole_ms))
        return false;
    *ret_ms = whole_ms + ms;
    return true;
}

/* Cuts the name of a month and a space off *s; its number from 0, or -1. */
static int take_month(struct str *s)
{
    static const char names[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
    for (int i = 0; i < 12; i++) {
        if (!str_starts(*s, (struct str){names + 4 * i, 4}))
            continue;
        *s = str_skip(*s, 4);
        return i;
    }
    return -1;
}

bool clock_read_http(struct str s, int64_t *ret_ms)
{
    struct str rest = str_skip(s, STR("Sun, ").n);
    int day = take(&rest, 2, " "), month = take_month(&rest), year = take(&rest, 4, " ");
    int hour = take(&rest, 2, ":"), minute = take(&rest, 2, ":"), second = take(&rest, 2, " ");
    struct tm utc = {.tm_year = year - 1900,
                     .tm_mon = month,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute,
                     .tm_sec = second};
    return str_is(rest, "GMT") && to_ms(utc, ret_ms);
}
