/* SPDX-License-Identifier: Apache-2.0 */
/* watch: `cloudseed watch` and `cloudseed wait`: nodes as they come up. */
#ifndef CLOUDSEED_CLI_WATCH_WATCH_H
#define CLOUDSEED_CLI_WATCH_WATCH_H

#include "cli/common/cli.h"

int watch_run(struct cli *c);
int wait_run(struct cli *c);

#endif
