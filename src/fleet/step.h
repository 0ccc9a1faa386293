/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step: one change at work on a record, and what the changes have in common.
 *
 * Events, refusals, alarms, and how a record enters a state or leaves its window. Which change
 * leads where is in state.c and build.c.
 */
#ifndef CLOUDSEED_FLEET_STEP_H
#define CLOUDSEED_FLEET_STEP_H

#include "fleet/state.h"

struct step {
    struct record *r;
    const struct change *c;
    struct arena *arena;
    struct outcome *out;
    bool window_open;
};

void step_event(struct step *s, const char *kind, struct value data);
void step_refuse(struct step *s, int status, const char *reason);
void step_alarm(struct step *s, const char *what, struct str detail);

/* The event has the state's name. */
void step_enter(struct step *s, enum node_state to, struct value data);
/* `log`: several lines; empty: none. */
void step_fail(struct step *s, struct str stage, struct str reason, struct str log);

/* Whether a boot has begun, and its end was not reported. */
bool step_is_booting(const struct step *s);
/* A boot that knows only the window's key goes on reporting with it for OLD_KEY_MS: each refused
 * report would delay it by seconds. */
void step_close_window(struct step *s);
void step_drop_old_key(struct step *s);

#endif
