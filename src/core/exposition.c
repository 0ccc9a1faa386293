/* SPDX-License-Identifier: Apache-2.0 */
#include "core/exposition.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S UINT64_C(1000000000)

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help)
{
    e->name = name;
    buf_printf(e->to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_value(struct buf *b, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\\' || c == '"')
            buf_char(b, '\\');
        if (c == '\n')
            buf_str(b, STR("\\n"));
        else
            buf_char(b, c);
    }
}

/* "name_suffix{label="value",le="bound"} ", with what there is of it. */
static void put_series(struct exposition *e, const char *suffix,
                       const struct exposition_label *labels, const char *bound)
{
    struct buf *b = e->to;
    char before = '{';
    buf_printf(b, "%s%s", e->name, suffix);
    for (; labels && labels->name; labels++) {
        buf_printf(b, "%c%s=\"", before, labels->name);
        put_value(b, labels->value);
        buf_char(b, '"');
        before = ',';
    }
    if (bound)
        buf_printf(b, "%cle=\"%s\"", before, bound);
    buf_str(b, before == '{' && !bound ? STR(" ") : STR("} "));
}

void exposition_count(struct exposition *e, const struct exposition_label *labels, uint64_t n)
{
    put_series(e, "", labels, NULL);
    buf_printf(e->to, "%" PRIu64 "\n", n);
}

void exposition_ns(struct exposition *e, const struct exposition_label *labels, uint64_t ns)
{
    put_series(e, "", labels, NULL);
    buf_printf(e->to, "%" PRIu64 ".%09" PRIu64 "\n", ns / NS_PER_S, ns % NS_PER_S);
}

void exposition_ms(struct exposition *e, const struct exposition_label *labels, int64_t ms)
{
    int64_t left = ms < 0 ? -ms : ms;
    put_series(e, "", labels, NULL);
    buf_printf(e->to, "%s%" PRId64 ".%03" PRId64 "\n", ms < 0 ? "-" : "", left / 1000, left % 1000);
}

void exposition_histogram(struct exposition *e, const struct exposition_label *labels,
                          const struct histogram *h)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        char bound[32];
        n += h->count[i];
        snprintf(bound, sizeof(bound), "%g", (double)histogram_bounds_ns[i] / 1e9);
        put_series(e, "_bucket", labels, bound);
        buf_printf(e->to, "%" PRIu64 "\n", n);
    }
    n += h->count[HISTOGRAM_BOUNDS];
    put_series(e, "_bucket", labels, "+Inf");
    buf_printf(e->to, "%" PRIu64 "\n", n);
    put_series(e, "_sum", labels, NULL);
    buf_printf(e->to, "%" PRIu64 ".%09" PRIu64 "\n", h->sum_ns / NS_PER_S, h->sum_ns % NS_PER_S);
    put_series(e, "_count", labels, NULL);
    buf_printf(e->to, "%" PRIu64 "\n", n);
}
