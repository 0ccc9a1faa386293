/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exposition: Prometheus' text format, version 0.0.4.
 *
 * A metric's family is begun once, with its type and help, and then its samples follow. What the
 * numbers mean is not known here.
 */
#ifndef CLOUDSEED_CORE_EXPOSITION_H
#define CLOUDSEED_CORE_EXPOSITION_H

#include "base/buf.h"
#include "base/histogram.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition {
    struct buf *to;
    const char *name; /* of the current family */
};

struct exposition_label {
    const char *name;
    struct str value;
};
#define EXPOSITION_LABELS_MAX 6

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help);

/* A sample of the current family. The labels of a sample end with one that has no name; NULL: it
 * has none. EXPOSITION_LABELS makes such a list. */
#define EXPOSITION_LABELS(...)        \
    (const struct exposition_label[]) \
    {                                 \
        __VA_ARGS__,                  \
        {                             \
            NULL,                     \
            {                         \
                NULL, 0               \
            }                         \
        }                             \
    }
void exposition_count(struct exposition *e, const struct exposition_label *labels, uint64_t n);
/* Times as seconds, as Prometheus has all of them. */
void exposition_ns(struct exposition *e, const struct exposition_label *labels, uint64_t ns);
void exposition_ms(struct exposition *e, const struct exposition_label *labels, int64_t ms);
void exposition_histogram(struct exposition *e, const struct exposition_label *labels,
                          const struct histogram *h);

#endif
