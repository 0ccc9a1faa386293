/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn: how far a boot is, by how long earlier ones of the same role took.
 *
 * Each stage that begins or ends is a mark; for each is known how long after the boot's beginning
 * it came, on the average of the latest boots. Pure: it knows no clock.
 */
#ifndef CLOUDSEED_CLI_WATCH_LEARN_H
#define CLOUDSEED_CLI_WATCH_LEARN_H

#include "base/str.h"

struct learn {
    struct learn_role *roles;
    uint32_t n, room;
};

void learn_done(struct learn *l);

/* A boot of that role came to the mark, or to its end, so long after its beginning. */
void learn_mark(struct learn *l, const char *role, const char *stage, bool ended, int64_t after_ms);
void learn_end(struct learn *l, const char *role, int64_t after_ms);

/* How much of a boot is done that runs for so long and came to that mark last: 0 to 1; below 0
 * where no boot of that role came to its end. */
double learn_fraction(const struct learn *l, const char *role, const char *stage, bool ended,
                      int64_t running_ms);

#endif
