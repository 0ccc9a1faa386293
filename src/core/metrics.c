/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* Who asked by what method, and what was answered, in one number; there are only so many of them,
 * as core chooses the status. */
#define STATUS_BITS 10
#define METHOD_BITS 3

struct tally {
    uint32_t what;
    uint64_t n;
};

/* Of one row. */
struct row {
    struct tally *tallies; /* a few: the most frequent one is found first, as it came first */
    uint32_t n, room;
    struct histogram seconds;
};

struct metrics {
    struct row *rows; /* as route_at numbers them; one more: without a row */
    size_t rows_n;
    uint64_t abandoned;
};

struct metrics *metrics_new(void)
{
    struct metrics *m = MEM_NEW(struct metrics);
    while (route_at(m->rows_n))
        m->rows_n++;
    m->rows = mem_zalloc(m->rows_n + 1, sizeof(*m->rows));
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i <= m->rows_n; i++)
        free(m->rows[i].tallies);
    free(m->rows);
    free(m);
}

static uint32_t what_of(const struct exchange *x)
{
    return ((uint32_t)x->in.listener << METHOD_BITS | (uint32_t)x->in.method) << STATUS_BITS |
           (uint32_t)x->out.status;
}

static void count(struct row *row, uint32_t what)
{
    for (uint32_t i = 0; i < row->n; i++) {
        if (row->tallies[i].what == what) {
            row->tallies[i].n++;
            return;
        }
    }
    row->tallies = mem_grow(row->tallies, row->n, &row->room, sizeof(*row->tallies));
    row->tallies[row->n++] = (struct tally){what, 1};
}

/* A stream has no end to wait for. */
void metrics_note(struct metrics *m, const struct exchange *x, const struct route *r)
{
    struct row *row = &m->rows[r ? (size_t)(r - route_at(0)) : m->rows_n];
    if (!x->out.status) {
        m->abandoned++;
        return;
    }
    count(row, what_of(x));
    if (!x->out.stream)
        histogram_add(&row->seconds, x->spent_ns);
}

/* --- Showing --------------------------------------------------------------------------------- */

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"};

static struct str pattern_of(const struct metrics *m, size_t i)
{
    return i < m->rows_n ? str_from(route_at(i)->pattern) : STR("none");
}

static void write_tally(struct exposition *e, struct str route, const struct tally *t)
{
    char code[8];
    uint32_t who = t->what >> STATUS_BITS;
    snprintf(code, sizeof(code), "%u", t->what & ((1U << STATUS_BITS) - 1));
    exposition_count(
        e,
        EXPOSITION_LABELS({"route", route},
                          {"method", str_from(methods[who & ((1U << METHOD_BITS) - 1)])},
                          {"code", str_from(code)},
                          {"listener", str_from(exchange_listener_names[who >> METHOD_BITS])}),
        t->n);
}

static struct str first_method(unsigned set)
{
    unsigned i = 0;
    while (!(set & 1U << i))
        i++;
    return str_from(methods[i]);
}

void metrics_write(const struct metrics *m, struct exposition *e)
{
    exposition_family(e, "cloudseed_requests_total", "counter",
                      "Requests that were answered, by the row of the table of routes.");
    for (size_t i = 0; i <= m->rows_n; i++) {
        for (uint32_t k = 0; k < m->rows[i].n; k++)
            write_tally(e, pattern_of(m, i), &m->rows[i].tallies[k]);
    }
    exposition_family(e, "cloudseed_requests_abandoned_total", "counter",
                      "Requests whose peer left before they were answered.");
    exposition_count(e, NULL, m->abandoned);
    exposition_family(e, "cloudseed_request_duration_seconds", "histogram",
                      "From a whole request to its answer, without what it waited for others.");
    for (size_t i = 0; i <= m->rows_n; i++) {
        if (!histogram_count(&m->rows[i].seconds))
            continue;
        exposition_histogram(
            e,
            EXPOSITION_LABELS(
                {"route", pattern_of(m, i)},
                {"method", i < m->rows_n ? first_method(route_at(i)->methods) : STR("any")}),
            &m->rows[i].seconds);
    }
}
