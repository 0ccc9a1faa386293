/* SPDX-License-Identifier: Apache-2.0 */
/* identify: which node a request speaks for. */
#ifndef CLOUDSEED_CORE_IDENTIFY_H
#define CLOUDSEED_CORE_IDENTIFY_H

#include "core/route.h"
#include "core/snapshot.h"

/* Where no node answers: NULL, with HTTP's status and one line that says why. The line tells the
 * one who asks no more than he knew: not whether such a machine exists. */
const struct node *identify(const struct snapshot *s, const struct route *r, int *ret_status,
                            const char **ret_reason);

#endif
