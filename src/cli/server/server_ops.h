/* SPDX-License-Identifier: Apache-2.0 */
/* server_ops: `cloudseed reload` and `cloudseed backup`: what the server does to itself. */
#ifndef CLOUDSEED_CLI_SERVER_SERVER_OPS_H
#define CLOUDSEED_CLI_SERVER_SERVER_OPS_H

#include "cli/common/call.h"

int reload_run(struct call *c);
int backup_run(struct call *c);

#endif
