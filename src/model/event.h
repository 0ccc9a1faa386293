/* SPDX-License-Identifier: Apache-2.0 */
/* event: the kinds of events that the journal has (docs/formats/api.md). */
#ifndef CLOUDSEED_MODEL_EVENT_H
#define CLOUDSEED_MODEL_EVENT_H

#include "base/str.h"

#include <stdbool.h>

/* Their names, then NULL. */
extern const char *const event_kinds[];

bool event_kind_valid(struct str kind);

#endif
