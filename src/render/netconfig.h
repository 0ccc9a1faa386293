/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netconfig: checks network-config as cloud-init reads it: version 1 here, version 2 in netplan.h.
 */
#ifndef CLOUDSEED_RENDER_NETCONFIG_H
#define CLOUDSEED_RENDER_NETCONFIG_H

#include "render/inspect.h"

/* *ret is the parsed mapping; NULL if the text is empty or not YAML. */
void netconfig_check(struct inspect *in, struct str text, const struct yaml_node **ret);

#endif
