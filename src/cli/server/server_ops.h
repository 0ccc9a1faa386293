/* SPDX-License-Identifier: Apache-2.0 */
/* server_ops: `cloudseed reload` and `cloudseed backup`: what the server does to itself. */
#ifndef CLOUDSEED_CLI_SERVER_SERVER_OPS_H
#define CLOUDSEED_CLI_SERVER_SERVER_OPS_H

#include "cli/common/cli.h"

int reload_run(struct cli *c);
int backup_run(struct cli *c);

#endif
