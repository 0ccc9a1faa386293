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
