/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: what the journal says of a change, beside its time, its node and its kind.
 *
 * Each function makes the members of one kind; docs/formats/fleet.md lists them all.
 */
#ifndef CLOUDSEED_FLEET_EVENT_H
#define CLOUDSEED_FLEET_EVENT_H

#include "fleet/state.h"

struct value event_reason(struct str reason, struct arena *a);
struct value event_alarm(struct str what, struct str detail, struct arena *a);
struct value event_armed(uint64_t length_ms, uint32_t generation, struct arena *a);
struct value event_generation(uint32_t generation, struct arena *a);
struct value event_fetch(struct str file, struct str evidence, struct arena *a);
struct value event_progress(const struct report *p, bool reboot, struct arena *a);
struct value event_finished(const struct report *p, uint32_t warnings, struct arena *a);
struct value event_failed(struct str stage, struct str reason, struct arena *a);
struct value event_identity(const struct record *r, struct arena *a);

/* `data` with the state that was left. */
struct value event_with_from(struct value data, enum node_state from, struct arena *a);

/* The whole as the journal keeps it: the node's name, who caused it, from where, and its data. */
struct value event_value(const struct event *e, struct str name, const struct change *c,
                         struct arena *a);

#endif
