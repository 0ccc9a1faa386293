/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram: how often something took how long, in fixed steps.
 *
 * All histograms have the same bounds: from what an answer out of memory takes to the longest that
 * a disk or a reload may. Adding costs a few comparisons, and no memory.
 */
#ifndef CLOUDSEED_BASE_HISTOGRAM_H
#define CLOUDSEED_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 12

/* In ascending order: 100 µs to 60 s. */
extern const uint64_t histogram_bounds_ns[HISTOGRAM_BOUNDS];

/* All zero: nothing was added. */
struct histogram {
    uint64_t count[HISTOGRAM_BOUNDS + 1]; /* up to that bound, and above the one before */
    uint64_t sum_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);
/* Of all. */
uint64_t histogram_count(const struct histogram *h);

#endif
