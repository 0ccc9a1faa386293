/* SPDX-License-Identifier: Apache-2.0 */
/* event_text: events of the journal (docs/formats/api.md) in words. */
#ifndef CLOUDSEED_CLI_WATCH_EVENT_TEXT_H
#define CLOUDSEED_CLI_WATCH_EVENT_TEXT_H

#include "base/value.h"

#include <stdio.h>

/* What happened, without time, node and kind: not yet safe for a terminal. */
struct str event_text(struct value event, struct arena *a);

/* Whether it is to be seen: failures, alarms, reports of FAIL. */
bool event_is_bad(struct value event);

/* A line with all of it: time, number, node, kind and text, safe for a terminal. */
void event_print(FILE *f, struct value event, bool color);

#endif
