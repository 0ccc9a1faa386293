/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netplan: checks version 2 of network-config, by tables of netplan's reference.
 *
 * An error is what `netplan generate` refuses, or what it passes on and systemd-networkd or the
 * kernel then drops. A warning is what other readers of cloud-init's version 2 dislike.
 */
#ifndef CLOUDSEED_RENDER_NETPLAN_H
#define CLOUDSEED_RENDER_NETPLAN_H

#include "render/inspect.h"

/* `root` is the mapping that has `version`. */
void netplan_check(struct inspect *in, const struct yaml_node *root);

#endif
