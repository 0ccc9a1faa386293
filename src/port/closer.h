/* SPDX-License-Identifier: Apache-2.0 */
/* closer: closes files that lie on a share, where even that may wait for ever. */
#ifndef CLOUDSEED_PORT_CLOSER_H
#define CLOUDSEED_PORT_CLOSER_H

#include "port/work.h"

/* It is closed by another thread, in its own time. */
void closer_close(const struct work_port *work, int fd);

#endif
