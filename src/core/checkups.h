/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkups: looks at the API server of every cluster that stands, each hour.
 *
 * A certificate that ends in less than 30 days, and a clock that is not ours, are events: once, as
 * the cluster's record has which were reported. What was seen last is kept in memory.
 */
#ifndef CLOUDSEED_CORE_CHECKUPS_H
#define CLOUDSEED_CORE_CHECKUPS_H

#include "base/str.h"

#include <stdint.h>

struct core;
struct checkups;

/* Looks at none where the core's host has no port for it. */
struct checkups *checkups_new(struct core *c);
/* NULL is fine. */
void checkups_free(struct checkups *all);

/* When the certificate ends that the cluster's API server has shown last; 0: not known. */
int64_t checkups_certificate_end_ms(const struct checkups *all, struct str cluster);
/* By how much its clock was ahead of ours then; 0: it agreed, or is not known. */
int64_t checkups_ahead_ms(const struct checkups *all, struct str cluster);

#endif
