/* SPDX-License-Identifier: Apache-2.0 */
/* zones: the names of time zones. */
#ifndef CLOUDSEED_RENDER_ZONES_H
#define CLOUDSEED_RENDER_ZONES_H

#include "render/fields.h"

/* For a row of a table: warns of a name that tzdata does not have. */
void zones_check(const struct field_at *at);

#endif
