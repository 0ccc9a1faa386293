/* SPDX-License-Identifier: Apache-2.0 */
/* process: what the kernel says of this process. */
#ifndef CLOUDSEED_DAEMON_PROCESS_H
#define CLOUDSEED_DAEMON_PROCESS_H

#include "core/core.h"

/* `folder`: the state's. What cannot be read is 0. */
void process_look(const char *folder, struct core_process *ret);

#endif
