/* SPDX-License-Identifier: Apache-2.0 */
/* deadline: whose time is up next. */
#ifndef CLOUDSEED_FLEET_DEADLINE_H
#define CLOUDSEED_FLEET_DEADLINE_H

#include "fleet/fleet.h"

struct member;

/* UINT64_MAX: it has none. */
void deadline_set(struct fleet *f, struct member *m, uint64_t due_boot_ms);
struct member *deadline_first(const struct fleet *f);

#endif
