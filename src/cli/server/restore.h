/* SPDX-License-Identifier: Apache-2.0 */
/* restore: `cloudseed restore`, which hands over to cloudseedd: it alone knows what a backup holds.
 */
#ifndef CLOUDSEED_CLI_SERVER_RESTORE_H
#define CLOUDSEED_CLI_SERVER_RESTORE_H

#include "cli/common/cli.h"

int restore_command_run(struct cli *c);

#endif
