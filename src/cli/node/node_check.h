/* SPDX-License-Identifier: Apache-2.0 */
/* node_check: whether nodes' documents check out, for the commands that show nodes. */
#ifndef CLOUDSEED_CLI_NODE_NODE_CHECK_H
#define CLOUDSEED_CLI_NODE_NODE_CHECK_H

#include "cli/common/cli.h"
#include "render/check.h"

/* Checks one node: "ok" or "faulty", and what is wrong, warnings too. */
const char *node_check(const struct tree *t, const struct node *n, struct faults *faults);

/* Checks all of them, with a sign of life: the verdicts by number, in the arena. */
const char *const *node_check_all(const struct tree *t, struct arena *a);

#endif
