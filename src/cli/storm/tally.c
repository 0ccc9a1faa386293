/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storm/tally.h"

#include <stdio.h>

const char *const storm_phase_names[] = {"arm",        "loader",    "script", "seed", "report",
                                         "phone-home", "bootstrap", "result", NULL};

/* --- Latencies ------------------------------------------------------------------------------ */

/* Each power of two has LATENCY_STEPS slots; below that a slot is a microsecond. */
static unsigned slot_of(uint64_t us)
{
    if (us < LATENCY_STEPS)
        return (unsigned)us;
    unsigned power = 63 - (unsigned)__builtin_clzll(us) - 5;
    unsigned slot = (power + 1) * LATENCY_STEPS + (unsigned)((us >> power) % LATENCY_STEPS);
    return slot < LATENCY_SLOTS ? slot : LATENCY_SLOTS - 1;
}

static uint64_t end_of_slot(unsigned slot)
{
    if (slot < LATENCY_STEPS)
        return slot;
    unsigned power = slot / LATENCY_STEPS - 1;
    return ((uint64_t)(LATENCY_STEPS + slot % LATENCY_STEPS + 1) << power) - 1;
}

void latency_add(struct latency *l, uint64_t us)
{
    l->slots[slot_of(us)]++;
    l->count++;
    if (us > l->max_us)
        l->max_us = us;
}

uint64_t latency_percentile_us(const struct latency *l, unsigned percent)
{
    uint64_t wanted = (l->count * percent + 99) / 100, seen = 0;
    for (unsigned i = 0; i < LATENCY_SLOTS; i++) {
        seen += l->slots[i];
        if (seen && seen >= wanted)
            return end_of_slot(i) < l->max_us ? end_of_slot(i) : l->max_us;
    }
    return 0;
}

/* --- The tally ------------------------------------------------------------------------------ */

void tally_add(struct tally *t, enum storm_phase phase, uint64_t us)
{
    t->requests++;
    latency_add(&t->phases[phase], us);
}

static struct tally_failure *find(struct tally *t, enum storm_phase phase, const char *kind)
{
    for (uint32_t i = 0; i < t->failures_n; i++) {
        struct tally_failure *f = &t->failures[i];
        if (f->phase == phase && strcmp(f->kind, kind) == 0)
            return f;
    }
    return NULL;
}

static struct tally_failure *add(struct tally *t, enum storm_phase phase, const char *kind,
                                 struct str node, struct str detail)
{
    bool full = t->failures_n == TALLY_FAILURES_MAX;
    struct tally_failure *f = &t->failures[full ? TALLY_FAILURES_MAX - 1 : t->failures_n++];
    if (full) {
        snprintf(f->kind, sizeof(f->kind), "other");
        return f;
    }
    f->phase = phase;
    snprintf(f->kind, sizeof(f->kind), "%s", kind);
    snprintf(f->example, sizeof(f->example), "%.*s%s%.*s", STR_ARG(node), detail.n ? ": " : "",
             STR_ARG(str_head(detail, sizeof(f->example) - 80)));
    return f;
}

void tally_fail(struct tally *t, enum storm_phase phase, const char *kind, struct str node,
                struct str detail)
{
    struct tally_failure *f = find(t, phase, kind);
    if (!f)
        f = add(t, phase, kind, node, detail);
    f->count++;
}

uint64_t tally_failed(const struct tally *t, enum storm_phase phase)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < t->failures_n; i++)
        n += t->failures[i].phase == phase ? t->failures[i].count : 0;
    return n;
}
