/* SPDX-License-Identifier: Apache-2.0 */
/* limits: the table of the configuration's limits. */
#ifndef CLOUDSEED_CONFIG_LIMITS_H
#define CLOUDSEED_CONFIG_LIMITS_H

#include "tree/schema.h"

extern const struct schema config_limits_schema;

#endif
