/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener: a socket that a server answers on, and what is served there.
 *
 * The daemon makes one of each listener in the configuration and of each socket that systemd
 * passed. Nothing below it derives the kind from the socket.
 */
#ifndef CLOUDSEED_NET_LISTENER_H
#define CLOUDSEED_NET_LISTENER_H

#include "port/exchange.h"

struct listener {
    int fd; /* listening, or for TFTP bound; the server that is given the listener closes it */
    enum exchange_listener kind;
    bool tls;
    const char *name; /* for messages; lives as long as the server */
};

#endif
