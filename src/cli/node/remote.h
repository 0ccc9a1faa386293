/* SPDX-License-Identifier: Apache-2.0 */
/* remote: what the server tells of nodes, for `node list` and `node show`. */
#ifndef CLOUDSEED_CLI_NODE_REMOTE_H
#define CLOUDSEED_CLI_NODE_REMOTE_H

#include "cli/common/api.h"

#define NODE_REMOTE_NONE (-1)

/* Whether a server is to be asked: where one was named; and where its socket answers, for what
 * people read. Not where a tree was named, or it is to be checked. CLI_OK: `ret` is open;
 * NODE_REMOTE_NONE: the tree alone, after a note where a server was to be expected; else why it
 * cannot be asked was said. `ret` is to be closed in any case. */
int node_remote_open(struct cli *c, struct api *ret);

/* The list, as --json, --names or a table. */
int node_remote_list(struct api *api);

/* A node that only the server knows, and the life of one that the tree has shown already. */
void node_remote_print(struct cli *c, struct value node);
void node_remote_print_life(struct cli *c, struct value node);

#endif
