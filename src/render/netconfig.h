/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netconfig: checks network-config as cloud-init and netplan read it.
 *
 * Version 2 is checked in full, of version 1 only the outermost structure.
 */
#ifndef CLOUDSEED_RENDER_NETCONFIG_H
#define CLOUDSEED_RENDER_NETCONFIG_H

#include "render/inspect.h"

/* *ret is the parsed mapping; NULL if the text is empty or not YAML. */
void netconfig_check(struct inspect *in, struct str text, const struct yaml_node **ret);

#endif
