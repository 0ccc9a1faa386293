/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracing: sends each boot that has ended to a collector of OpenTelemetry, where one is configured.
 *
 * It follows the journal's events and reads those of the boot from the journal (boottrace.h). A
 * boot is never waited for: what cannot be sent is tried again for some minutes, and then given up
 * and counted. What waits when the server ends is not sent.
 */
#ifndef CLOUDSEED_CORE_TRACING_H
#define CLOUDSEED_CORE_TRACING_H

#include <stdint.h>

struct core;
struct tracing;

/* Sends none where the core's host names no collector, and returns NULL, which is fine below. */
struct tracing *tracing_new(struct core *c);
void tracing_free(struct tracing *t);

struct tracing_stats {
    uint64_t sent, lost; /* boots */
    uint32_t waiting;
    const char *trouble; /* why the last one could not be sent; NULL: it was */
};
void tracing_stats(const struct tracing *t, struct tracing_stats *ret);

#endif
