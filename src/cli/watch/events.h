/* SPDX-License-Identifier: Apache-2.0 */
/* events: `cloudseed events`: what happened, from the server's journal. */
#ifndef CLOUDSEED_CLI_WATCH_EVENTS_H
#define CLOUDSEED_CLI_WATCH_EVENTS_H

#include "cli/common/cli.h"

int events_run(struct cli *c);

#endif
