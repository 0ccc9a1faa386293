/* SPDX-License-Identifier: Apache-2.0 */
/* closer: closes files on a network share, where even close() may block for ever. */
#ifndef CLOUDSEED_PORT_CLOSER_H
#define CLOUDSEED_PORT_CLOSER_H

#include "port/work.h"

/* Closes `fd` on another thread. */
void closer_close(const struct work_port *work, int fd);

#endif
