/* SPDX-License-Identifier: Apache-2.0 */
/* check: `cloudseed check`: everything that is wrong in the seed tree. */
#ifndef CLOUDSEED_CLI_TREE_CHECK_H
#define CLOUDSEED_CLI_TREE_CHECK_H

#include "cli/common/cli.h"

int check_run(struct cli *c);

#endif
