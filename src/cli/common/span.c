/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/span.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <time.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR ((uint64_t)365 * DAY)

static uint64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's': return 1;
    case 'm': return MINUTE;
    case 'h': return HOUR;
    case 'd': return DAY;
    default: return 0;
    }
}

bool span_read(const char *text, uint32_t *ret_seconds)
{
    struct str s = str_from(text);
    uint64_t n, unit = s.n ? unit_seconds(s.p[s.n - 1]) : 0;
    if (!unit || !str_to_u64((struct str){s.p, s.n - 1}, YEAR, &n) || n == 0 || n * unit > YEAR)
        return false;
    *ret_seconds = (uint32_t)(n * unit);
    return true;
}

const char *span_text(int64_t seconds, char text[static SPAN_TEXT_SIZE])
{
    uint32_t s = seconds < 0 ? 0 : seconds > (int64_t)YEAR ? (uint32_t)YEAR : (uint32_t)seconds;
    if (s < MINUTE)
        snprintf(text, SPAN_TEXT_SIZE, "%u s", s);
    else if (s < HOUR)
        snprintf(text, SPAN_TEXT_SIZE, "%u:%02u", s / MINUTE, s % MINUTE);
    else if (s < DAY)
        snprintf(text, SPAN_TEXT_SIZE, "%u:%02u:%02u", s / HOUR, s % HOUR / MINUTE, s % MINUTE);
    else
        snprintf(text, SPAN_TEXT_SIZE, "%u d", s / DAY);
    return text;
}

const char *span_when(int64_t wall_ms, char text[static SPAN_WHEN_SIZE])
{
    time_t t = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (!localtime_r(&t, &tm) || !strftime(text, SPAN_WHEN_SIZE, "%Y-%m-%d %H:%M:%S %Z", &tm))
        text[0] = '\0';
    return text;
}

const char *span_clock(int64_t wall_ms, char text[static SPAN_WHEN_SIZE])
{
    time_t t = (time_t)(wall_ms / 1000), now = (time_t)clock_wall_s();
    struct tm tm, today;
    bool known = localtime_r(&t, &tm) && localtime_r(&now, &today);
    bool same = known && tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year;
    if (!known || !strftime(text, SPAN_WHEN_SIZE, same ? "%H:%M" : "%m-%d %H:%M", &tm))
        text[0] = '\0';
    return text;
}
