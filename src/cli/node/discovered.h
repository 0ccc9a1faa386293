/* SPDX-License-Identifier: Apache-2.0 */
/* discovered: `cloudseed node discovered`: machines that asked the server and are no node's.
 */
#ifndef CLOUDSEED_CLI_NODE_DISCOVERED_H
#define CLOUDSEED_CLI_NODE_DISCOVERED_H

#include "cli/common/api.h"
#include "model/mac.h"

int node_discovered_run(struct cli *c);

/* The one with this MAC; CLI_FAILED after saying that there is none, and which may be meant. */
int node_discovered_find(struct api *api, struct mac mac, struct value *ret);

#endif
