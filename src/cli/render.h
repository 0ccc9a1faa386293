/* SPDX-License-Identifier: Apache-2.0 */
/* render: `cloudseed render`: a node's files as cloud-init gets them. */
#ifndef CLOUDSEED_CLI_RENDER_H
#define CLOUDSEED_CLI_RENDER_H

#include "cli/call.h"

int render_run(struct call *c);

#endif
