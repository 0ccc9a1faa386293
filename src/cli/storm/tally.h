/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally: what a storm counts: how long each phase of a boot took, and what failed in it.
 *
 * It knows neither sockets nor the clock: the callers give it durations and words.
 */
#ifndef CLOUDSEED_CLI_STORM_TALLY_H
#define CLOUDSEED_CLI_STORM_TALLY_H

#include "base/str.h"

enum storm_phase {
    STORM_ARM,
    STORM_LOADER,
    STORM_SCRIPT,
    STORM_SEED,
    STORM_REPORT,
    STORM_PHONE_HOME,
    STORM_BOOTSTRAP,
    STORM_RESULT,
    STORM_PHASES
};

/* "arm", "loader", …, and NULL at the end. */
extern const char *const storm_phase_names[];

/* A duration is known to a 32nd of itself. */
#define LATENCY_STEPS 32
#define LATENCY_SLOTS 1024

/* All zero: nothing was added. */
struct latency {
    uint64_t count, max_us;
    uint64_t slots[LATENCY_SLOTS];
};

void latency_add(struct latency *l, uint64_t us);
/* The duration that so many per cent did not exceed, as the end of its step; 0 if there is none. */
uint64_t latency_percentile_us(const struct latency *l, unsigned percent);

#define TALLY_FAILURES_MAX 64
#define TALLY_TEXT_SIZE 200

/* The same thing that failed in the same phase. */
struct tally_failure {
    enum storm_phase phase;
    uint64_t count;
    char kind[64];
    char example[TALLY_TEXT_SIZE]; /* the first one: the node and what it was answered */
};

/* All zero: nothing was added. */
struct tally {
    struct latency phases[STORM_PHASES];
    struct latency whole; /* a node's boots, from its arming to its result */
    uint64_t requests;    /* that succeeded */
    struct tally_failure failures[TALLY_FAILURES_MAX];
    uint32_t failures_n;
};

/* A request, or a file by TFTP, that succeeded. */
void tally_add(struct tally *t, enum storm_phase phase, uint64_t us);
/* One that did not. Beyond TALLY_FAILURES_MAX different ones the kind is "other". */
void tally_fail(struct tally *t, enum storm_phase phase, const char *kind, struct str node,
                struct str detail);
uint64_t tally_failed(const struct tally *t, enum storm_phase phase);

#endif
