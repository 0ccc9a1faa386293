/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: the running daemon: its loop, listeners, signals and orderly end.
 */
#ifndef CLOUDSEED_DAEMON_SERVICE_H
#define CLOUDSEED_DAEMON_SERVICE_H

#include "config/config.h"
#include "core/core.h"
#include "daemon/state.h"

#define SERVICE_SOCKETS_MAX 64

struct service_sockets {
    int fd[SERVICE_SOCKETS_MAX];
    unsigned n;
    const char *path; /* of the admins' socket that we made, to be removed at the end; NULL: none */
};

/* Serves on the sockets until a signal ends it. Takes snapshot and sockets over; the state, which
 * is open, is stopped. -errno where it could not begin. */
int service_run(const struct config *c, struct snapshot *first, struct state *state,
                struct service_sockets *sockets, struct err *e);

#endif
