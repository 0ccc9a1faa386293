/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <stddef.h>

#define US 1000ULL
#define MS (1000 * US)
#define S (1000 * MS)

const uint64_t histogram_bounds_ns[HISTOGRAM_BOUNDS] = {
    100 * US, 250 * US, MS, 5 * MS / 2, 10 * MS, 25 * MS,
    100 * MS, 250 * MS, S,  5 * S / 2,  10 * S,  60 * S,
};

void histogram_add(struct histogram *h, uint64_t ns)
{
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[i])
        i++;
    h->count[i]++;
    h->sum_ns += ns;
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        n += h->count[i];
    return n;
}
