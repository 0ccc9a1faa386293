/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp: `cloudseed dhcp`: the settings of the DHCP server of a site's networks. */
#ifndef CLOUDSEED_CLI_DHCP_DHCP_H
#define CLOUDSEED_CLI_DHCP_DHCP_H

#include "cli/common/cli.h"

int dhcp_run(struct cli *c);

#endif
