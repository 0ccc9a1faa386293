/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodemetrics: what /metrics shows of the nodes: how many are in which state, and the names of some
 * that need somebody.
 */
#ifndef CLOUDSEED_CORE_NODEMETRICS_H
#define CLOUDSEED_CORE_NODEMETRICS_H

#include "core/exposition.h"

struct core;

/* So many series of nodes with a problem; others are only counted. */
#define NODEMETRICS_PROBLEMS_MAX 200
/* How long an alarm counts as a problem. */
#define NODEMETRICS_ALARM_MS ((int64_t)24 * 60 * 60 * 1000)

void nodemetrics_write(const struct core *c, struct exposition *e);

#endif
