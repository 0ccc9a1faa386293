/* SPDX-License-Identifier: Apache-2.0 */
/* define: `cloudseed node add`, `node adopt` and `node set`: nodes that the server registers.
 */
#ifndef CLOUDSEED_CLI_NODE_DEFINE_H
#define CLOUDSEED_CLI_NODE_DEFINE_H

#include "cli/common/cli.h"

int node_add_run(struct cli *c);
int node_adopt_run(struct cli *c);
int node_set_run(struct cli *c);

#endif
