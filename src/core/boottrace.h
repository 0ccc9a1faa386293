/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boottrace: one boot of a node, as OpenTelemetry knows it: a trace of spans.
 *
 * It is made of the journal's events and of nothing else, so that it can be made again: the same
 * events give the same trace, with the same ids, and a collector that gets it twice has it once.
 * All times are those at which this server has received something, since clocks of machines that
 * boot are wrong. The format is OTLP's JSON (opentelemetry-proto, ExportTraceServiceRequest): ids
 * are hexadecimal, 64-bit numbers are strings.
 */
#ifndef CLOUDSEED_CORE_BOOTTRACE_H
#define CLOUDSEED_CORE_BOOTTRACE_H

#include "base/arena.h"
#include "base/buf.h"
#include "port/journal.h"

struct boottrace {
    struct str node, uid, role, cluster; /* role and cluster may be empty: not known any more */
    /* The node's events, the newest first, as the journal gives them. The first is the one that
     * ends the boot (boottrace_ends); those before the window was opened are not looked at. */
    const struct store_entry *events;
    size_t n;
};

/* Whether an event of this kind ends a boot: the node is ready, or has failed. */
bool boottrace_ends(struct str kind);

/* Appends the request's body. False: these are not the events of a boot. */
bool boottrace_write(const struct boottrace *t, struct arena *a, struct buf *out);

#endif
