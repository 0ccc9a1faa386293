/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refused: nodes whose documents were asked for outside of a build window, and refused.
 *
 * An admin who forgot to arm a node finds the reason in its notes. Only known nodes are noted, the
 * REFUSED_MAX that were asked for last, and only in memory.
 */
#ifndef CLOUDSEED_CORE_REFUSED_H
#define CLOUDSEED_CORE_REFUSED_H

#include "base/str.h"

#define REFUSED_MAX 512

struct refused;

struct refused_fetches {
    uint64_t times;
    int64_t first_wall_ms, last_wall_ms;
    const char *reason; /* static: "not armed" */
};

struct refused *refused_new(void);
/* Accepts NULL. */
void refused_free(struct refused *r);

/* `reason` is static. Another reason begins the count again. */
void refused_note(struct refused *r, struct str uid, const char *reason, int64_t wall_ms);
/* The node is served now: what was refused before is history. */
void refused_forget(struct refused *r, struct str uid);
/* False: nothing was refused. */
bool refused_find(const struct refused *r, struct str uid, struct refused_fetches *ret);

#endif
