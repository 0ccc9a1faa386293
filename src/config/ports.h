/* SPDX-License-Identifier: Apache-2.0 */
/* ports: a range of ports in the configuration, such as 6900-6999. */
#ifndef CLOUDSEED_CONFIG_PORTS_H
#define CLOUDSEED_CONFIG_PORTS_H

#include "tree/schema.h"

/* Of a struct config_ports. */
extern const struct schema_type config_ports_type;

#endif
