/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listeners: opens the configured sockets, or takes those that a supervisor passed, and describes
 * what is served on each.
 *
 * A passed socket is described by its name (systemd's FileDescriptorName=) and its type:
 *
 *                          TCP     UDP     unix
 *   http, another, none    boot    tftp    socket
 *   boot                   boot    tftp    refused
 *   tftp                   refused tftp    refused
 *   admin                  admin   refused socket
 *   node                   node    refused refused
 *
 * One name stands for all sockets of a unit. The socket unit that we install is named http, and
 * drop-ins add UDP and unix sockets to it: there the type decides, as it does for systemd's default
 * name (the unit's) and for a supervisor that passes no names.
 */
#ifndef CLOUDSEED_DAEMON_LISTENERS_H
#define CLOUDSEED_DAEMON_LISTENERS_H

#include "base/err.h"
#include "config/config.h"
#include "net/listener.h"

#define LISTENERS_MAX 64

struct listeners {
    struct listener list[LISTENERS_MAX];
    unsigned n;
    const char *path; /* of the admin socket that we made, to be removed at the end; NULL: none */
    char *names;      /* what the passed ones' names point to */
};

/* Passed sockets replace the configured HTTP addresses. They replace the HTTPS and TFTP addresses
 * and the admin socket only if one of that kind was passed. May need root. */
int listeners_open(const struct config *c, struct listeners *ret, struct err *e);

/* Describes one passed socket and makes it usable; `name` may be NULL or empty. */
int listeners_adopt(int fd, const char *name, struct listener *ret, struct err *e);

#endif
