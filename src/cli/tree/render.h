/* SPDX-License-Identifier: Apache-2.0 */
/* render: `cloudseed render`: a node's documents as it gets them. */
#ifndef CLOUDSEED_CLI_TREE_RENDER_H
#define CLOUDSEED_CLI_TREE_RENDER_H

#include "cli/tree/rendition.h"

int render_run(struct cli *c);

/* `render --all DIR`: every document of every node, as DIR/NODE/DOCUMENT. */
int render_all(struct cli *c, const struct rendition *r, const char *target);

#endif
