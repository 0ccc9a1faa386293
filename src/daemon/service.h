/* SPDX-License-Identifier: Apache-2.0 */
/* service: the running daemon: its loop, servers, signals and orderly end. */
#ifndef CLOUDSEED_DAEMON_SERVICE_H
#define CLOUDSEED_DAEMON_SERVICE_H

#include "config/config.h"
#include "core/core.h"
#include "daemon/listeners.h"
#include "daemon/state.h"

/* Serves on the listeners until a signal ends it, and takes them and the snapshot over. The state,
 * which is open, is stopped. -errno if it could not begin. */
int service_run(const struct config *c, struct snapshot *first, struct state *state,
                const struct listeners *listeners, struct err *e);

#endif
