/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netconfig: network-config held against what cloud-init and netplan take.
 *
 * Version 2 is looked at in full; version 1 passes when its outermost shape is right.
 */
#ifndef CLOUDSEED_RENDER_NETCONFIG_H
#define CLOUDSEED_RENDER_NETCONFIG_H

#include "render/inspect.h"

/* *ret is the parsed mapping; NULL where the text is empty or no YAML. */
void netconfig_check(struct inspect *in, struct str text, const struct yaml_node **ret);

#endif
