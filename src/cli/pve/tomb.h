/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tomb: VMs that were given up with their hosts. They have the MAC and the disks of a node that
 * runs elsewhere by now, and Proxmox starts them when their host returns: nothing else comes before
 * unplugging them.
 */
#ifndef CLOUDSEED_CLI_PVE_TOMB_H
#define CLOUDSEED_CLI_PVE_TOMB_H

#include "cli/pve/session.h"

/* As the cluster sees it. -ENOENT: it has no such host. */
int tomb_host_is_up(struct pve_session *s, struct str host, bool *ret, struct err *e);

/* Disarms those of a node whose hosts are there, and has our server forget those that are removed.
 * `node` is our server's answer. Failures are noted, and are none of the command's own. */
void tomb_disarm(struct pve_session *s, struct value node);

#endif
