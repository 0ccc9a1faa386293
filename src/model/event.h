/* SPDX-License-Identifier: Apache-2.0 */
/* event: the kinds of events that the journal has (docs/reference/events.md). */
#ifndef CLOUDSEED_MODEL_EVENT_H
#define CLOUDSEED_MODEL_EVENT_H

#include "base/str.h"

#include <stdbool.h>

struct event_kind {
    const char *name;
    const char *keys;    /* of its data, with spaces between; some may be left out */
    const char *meaning; /* for the reference */
    const char *advice;  /* what an admin does; NULL: nothing */
};

/* NULL after the last one. */
const struct event_kind *event_kind_at(size_t i);
/* NULL: there is no such kind. */
const struct event_kind *event_kind_find(struct str name);
/* Whether its data may have this key. */
bool event_kind_has(const struct event_kind *k, struct str key);

#endif
