/* SPDX-License-Identifier: Apache-2.0 */
/* boot: a node's NoCloud files, as it fetches them while it boots. */
#ifndef CLOUDSEED_CORE_BOOT_H
#define CLOUDSEED_CORE_BOOT_H

#include "core/route.h"
#include "port/exchange.h"

/* Answers a ROUTE_SEED or ROUTE_EVIDENCE. */
void boot_answer(struct exchange *x, const struct route *r);

#endif
