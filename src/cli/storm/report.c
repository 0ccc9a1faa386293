/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storm/report.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/common/table.h"
#include "cli/common/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

static double took_s(const struct storm *s)
{
    uint64_t end_ns = s->ended_ns ? s->ended_ns : clock_boot_ns();
    return (double)(end_ns - s->began_ns) / 1e9;
}

static uint64_t failed_in_all(const struct storm *s)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < STORM_PHASES; i++)
        n += tally_failed(&s->tally, i);
    return n;
}

void report_progress(const struct storm *s)
{
    if (!term_is_capable(STDERR_FILENO))
        return;
    fprintf(stderr,
            CLEAR_LINE "%" PRIu64 " booted, %u booting, %" PRIu64 " lost; %" PRIu64
                       " requests, %" PRIu64 " failed; %.0f s",
            s->booted, s->running, s->lost, s->tally.requests, failed_in_all(s), took_s(s));
}

void report_progress_end(void)
{
    if (term_is_capable(STDERR_FILENO))
        fputs(CLEAR_LINE, stderr);
}

/* --- Text ----------------------------------------------------------------------------------- */

static struct str duration(uint64_t us, struct arena *a)
{
    if (us < 10000)
        return arena_printf(a, "%.2f ms", (double)us / 1e3);
    return us < 1000000 ? arena_printf(a, "%.0f ms", (double)us / 1e3)
                        : arena_printf(a, "%.2f s", (double)us / 1e6);
}

static void add_row(struct table *t, struct arena *a, const char *name, const struct latency *l,
                    uint64_t failed)
{
    table_add(t, str_from(name));
    table_add(t, arena_printf(a, "%" PRIu64, l->count));
    table_add(t, duration(latency_percentile_us(l, 50), a));
    table_add(t, duration(latency_percentile_us(l, 99), a));
    table_add(t, duration(l->max_us, a));
    table_add(t, arena_printf(a, "%" PRIu64, failed));
}

static bool was_used(const struct storm *s, unsigned phase)
{
    return s->tally.phases[phase].count || tally_failed(&s->tally, phase);
}

static void print_phases(struct cli *c, const struct storm *s)
{
    static const char *const plain[] = {"PHASE", "DONE", "P50", "P99", "MAX", "FAILED"};
    static const char *const more[] = {"PHASE", "DONE",   "P50",     "P99",
                                       "MAX",   "FAILED", "SECONDS", "SERVER CPU"};
    struct table t;
    table_init(&t, &c->arena, s->plan.by_phase ? 8 : 6);
    table_head(&t, s->plan.by_phase ? more : plain);
    for (unsigned i = 0; i < STORM_PHASES; i++) {
        if (!was_used(s, i))
            continue;
        add_row(&t, &c->arena, storm_phase_names[i], &s->tally.phases[i],
                tally_failed(&s->tally, i));
        if (s->plan.by_phase) {
            table_add(&t, arena_printf(&c->arena, "%.1f s", s->phase_s[i]));
            table_add(&t, arena_printf(&c->arena, "%.1f s", s->phase_cpu_s[i]));
        }
        if (tally_failed(&s->tally, i))
            table_redden(&t);
    }
    add_row(&t, &c->arena, "whole boot", &s->tally.whole, s->lost);
    if (s->plan.by_phase) {
        table_add(&t, arena_printf(&c->arena, "%.1f s", took_s(s)));
        table_add(&t, arena_printf(&c->arena, "%.1f s", s->at_end.cpu_s - s->at_start.cpu_s));
    }
    table_print(&t, stdout, c->color_out);
}

static void print_failures(const struct storm *s)
{
    for (uint32_t i = 0; i < s->tally.failures_n; i++) {
        const struct tally_failure *f = &s->tally.failures[i];
        cli_print_line("%s: %s: %" PRIu64 " times, first: %s", storm_phase_names[f->phase], f->kind,
                       f->count, f->example);
    }
}

static void print_server(const struct storm *s)
{
    const struct storm_server *before = &s->at_start, *after = &s->at_end;
    if (after->cpu_s < 0 || before->cpu_s < 0) {
        puts("server: it does not answer /metrics");
        return;
    }
    printf("server: %.1f s of CPU; %.1f MiB resident, %.1f before; %.0f descriptors, %.0f "
           "before\n",
           after->cpu_s - before->cpu_s, after->resident_bytes / 1048576,
           before->resident_bytes / 1048576, after->descriptors, before->descriptors);
}

void report_print(struct cli *c, const struct storm *s)
{
    print_phases(c, s);
    print_failures(s);
    printf("%" PRIu64 " boots of %u nodes in %.1f s, %" PRIu64 " lost; %.0f requests/s\n",
           s->booted, s->machines_n, took_s(s), s->lost, (double)s->tally.requests / took_s(s));
    if (s->late)
        printf("%" PRIu64 " boots were not started, as all nodes were booting: take more nodes "
               "for this rate\n",
               s->late);
    print_server(s);
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* Whole units: a number in JSON is read as it was written. */
static struct value ms(double seconds)
{
    return seconds < 0 ? value_none() : value_int((int64_t)(seconds * 1000));
}

/* Below 0: `took_s` or `cpu_s` is not known. */
static struct value latency_value(const char *name, const struct latency *l, uint64_t failed,
                                  double took_s, double cpu_s, struct arena *a)
{
    bool any = l->count;
    const struct value_pair pairs[] = {
        JSON_STR("phase", str_from(name)),
        JSON_INT("done", (int64_t)l->count),
        JSON_INT("failed", (int64_t)failed),
        JSON_VALUE("p50_us", any ? value_int((int64_t)latency_percentile_us(l, 50)) : value_none()),
        JSON_VALUE("p99_us", any ? value_int((int64_t)latency_percentile_us(l, 99)) : value_none()),
        JSON_VALUE("max_us", any ? value_int((int64_t)l->max_us) : value_none()),
        JSON_VALUE("took_ms", ms(took_s)),
        JSON_VALUE("server_cpu_ms", ms(cpu_s)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct value phases_value(const struct storm *s, struct arena *a)
{
    struct value *list = ARENA_ARRAY(a, struct value, STORM_PHASES);
    size_t n = 0;
    bool apart = s->plan.by_phase;
    for (unsigned i = 0; i < STORM_PHASES; i++) {
        if (was_used(s, i))
            list[n++] =
                latency_value(storm_phase_names[i], &s->tally.phases[i], tally_failed(&s->tally, i),
                              apart ? s->phase_s[i] : -1, apart ? s->phase_cpu_s[i] : -1, a);
    }
    return value_list(list, n);
}

static struct value failures_value(const struct storm *s, struct arena *a)
{
    struct value *list = ARENA_ARRAY(a, struct value, s->tally.failures_n);
    for (uint32_t i = 0; i < s->tally.failures_n; i++) {
        const struct tally_failure *f = &s->tally.failures[i];
        const struct value_pair pairs[] = {
            JSON_STR("phase", str_from(storm_phase_names[f->phase])),
            JSON_STR("kind", str_from(f->kind)),
            JSON_INT("count", (int64_t)f->count),
            JSON_STR("first", str_from(f->example)),
        };
        list[i] = value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
    }
    return value_list(list, s->tally.failures_n);
}

static struct value server_value(const struct storm *s, struct arena *a)
{
    const struct storm_server *before = &s->at_start, *after = &s->at_end;
    if (after->cpu_s < 0 || before->cpu_s < 0)
        return value_none();
    const struct value_pair pairs[] = {
        JSON_VALUE("cpu_ms", ms(after->cpu_s - before->cpu_s)),
        JSON_INT("resident_bytes", (int64_t)after->resident_bytes),
        JSON_INT("resident_bytes_before", (int64_t)before->resident_bytes),
        JSON_INT("descriptors", (int64_t)after->descriptors),
        JSON_INT("descriptors_before", (int64_t)before->descriptors),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

void report_print_json(struct cli *c, const struct storm *s)
{
    const double cpu_s =
        s->at_end.cpu_s < 0 || s->at_start.cpu_s < 0 ? -1 : s->at_end.cpu_s - s->at_start.cpu_s;
    const struct value_pair pairs[] = {
        JSON_INT("nodes", s->machines_n),
        JSON_INT("booted", (int64_t)s->booted),
        JSON_INT("lost", (int64_t)s->lost),
        JSON_INT("not_started", (int64_t)s->late),
        JSON_INT("requests", (int64_t)s->tally.requests),
        JSON_VALUE("phases", phases_value(s, &c->arena)),
        JSON_VALUE("whole", latency_value("whole boot", &s->tally.whole, s->lost, took_s(s), cpu_s,
                                          &c->arena)),
        JSON_VALUE("failures", failures_value(s, &c->arena)),
        JSON_VALUE("server", server_value(s, &c->arena)),
    };
    cli_print_json(value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}
