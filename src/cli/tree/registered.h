/* SPDX-License-Identifier: Apache-2.0 */
/* registered: whether a tree can be in force beside the nodes that are registered with the server.
 */
#ifndef CLOUDSEED_CLI_TREE_REGISTERED_H
#define CLOUDSEED_CLI_TREE_REGISTERED_H

#include "cli/common/cli.h"
#include "config/config.h"

/* Reports each conflict. Only where the server answers, and the tree is the one that it is
 * configured with, or the server was named. */
void registered_check(struct cli *c, const struct config *config, const struct tree *t,
                      struct faults *faults);

#endif
