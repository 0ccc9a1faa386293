/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: the two clocks.
 *
 * Deadlines use the boot-time clock, which keeps running while the machine sleeps and never jumps.
 * The wall clock is for people: it may jump, or start at 1970.
 */
#ifndef CLOUDSEED_BASE_CLOCK_H
#define CLOUDSEED_BASE_CLOCK_H

#include "base/str.h"

uint64_t clock_boot_ms(void);
/* The same in nanoseconds, for durations. */
uint64_t clock_boot_ns(void);
/* Microseconds of CLOCK_MONOTONIC, for sd_notify's MONOTONIC_USEC. */
uint64_t clock_monotonic_us(void);

/* Seconds of the wall clock since 1970. */
int64_t clock_wall_s(void);
/* The same in milliseconds. */
int64_t clock_wall_ms(void);

#define CLOCK_TEXT_SIZE 32
/* A time of the wall clock in UTC as RFC 3339 with milliseconds. Returns `text`. */
const char *clock_text(int64_t wall_ms, char text[static CLOCK_TEXT_SIZE]);
/* The wall clock in UTC as RFC 3339 with milliseconds: 2026-11-22T07:38:35.123Z. Returns `text`. */
const char *clock_wall_text(char text[static CLOCK_TEXT_SIZE]);
/* Reads what clock_text writes, with or without the fraction: milliseconds since 1970. */
bool clock_read_text(struct str s, int64_t *ret_ms);
/* Reads HTTP's form (RFC 9110, section 5.6.7, IMF-fixdate): Sun, 22 Nov 2026 07:38:35 GMT. */
bool clock_read_http(struct str s, int64_t *ret_ms);

#endif
