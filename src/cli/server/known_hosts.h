/* SPDX-License-Identifier: Apache-2.0 */
/* known_hosts: `cloudseed known-hosts`: the nodes' host keys, for ssh. */
#ifndef CLOUDSEED_CLI_SERVER_KNOWN_HOSTS_H
#define CLOUDSEED_CLI_SERVER_KNOWN_HOSTS_H

#include "cli/common/cli.h"

int known_hosts_run(struct cli *c);

#endif
