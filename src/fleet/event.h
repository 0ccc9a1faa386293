/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: what the journal says of a change to a node.
 *
 * The data of each kind of event, as docs/reference/events.md lists it; model/event.h has the
 * kinds. What is absent is left out. Values point into their arguments, and live as long as these
 * and the arena.
 */
#ifndef CLOUDSEED_FLEET_EVENT_H
#define CLOUDSEED_FLEET_EVENT_H

#include "fleet/state.h"

struct value event_reason(struct str reason, struct arena *a);
struct value event_alarm(struct str what, struct str detail, struct arena *a);
struct value event_armed(uint64_t length_ms, uint32_t generation, struct arena *a);
struct value event_generation(uint32_t generation, struct arena *a);
struct value event_fetch(const struct change *c, struct arena *a);
/* `reboot`: this is not the first boot of its build. */
struct value event_progress(const struct report *p, bool reboot, struct arena *a);
struct value event_finished(const struct report *p, uint32_t warnings, struct arena *a);
struct value event_failed(struct str stage, struct str reason, struct str log, struct arena *a);
struct value event_identity(const struct record *r, struct arena *a);
struct value event_vm(const struct vm *v, struct arena *a);
struct value event_approved(bool serving, struct arena *a);
/* The data, with the state that the node was in before. */
struct value event_with_from(struct value data, enum node_state from, struct arena *a);

/* An event as the journal keeps it: the node's name, what caused it, from where, and its data;
 * docs/formats/fleet.md lists them all. */
struct value event_value(const struct event *e, struct str name, const struct change *c,
                         struct arena *a);

#endif
