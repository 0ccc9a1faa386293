/* SPDX-License-Identifier: Apache-2.0 */
/* span: durations and moments as text: 90s, 20m, 2h; 2026-11-30 10:12:04 CET. */
#ifndef CLOUDSEED_CLI_COMMON_SPAN_H
#define CLOUDSEED_CLI_COMMON_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/* Reads a whole number followed by s, m, h or d; more than 0 and at most a year. */
bool span_read(const char *text, uint32_t *ret_seconds);

#define SPAN_TEXT_SIZE 16
/* "5 s", "12:04", "3:00:00", "4 d": returns `text`. */
const char *span_text(int64_t seconds, char text[static SPAN_TEXT_SIZE]);

#define SPAN_WHEN_SIZE 64
/* The moment in the local zone, with its name: "2026-11-30 10:12:04 CET". Returns `text`. */
const char *span_when(int64_t wall_ms, char text[static SPAN_WHEN_SIZE]);
/* "10:12"; with the day if that is another one than today: "11-29 10:12". Returns `text`. */
const char *span_clock(int64_t wall_ms, char text[static SPAN_WHEN_SIZE]);

#endif
