/* SPDX-License-Identifier: Apache-2.0 */
/* socket: listening sockets, and addresses as the kernel has them. */
#ifndef CLOUDSEED_NET_SOCKET_H
#define CLOUDSEED_NET_SOCKET_H

#include "base/err.h"
#include "model/address.h"

#include <sys/socket.h>

/* A TCP socket that listens, does not block and is not inherited; the caller closes it. An IPv6
 * one takes IPv6 alone, so that each address in the configuration means itself. */
int socket_listen(struct endpoint at, struct err *e);
/* Makes a socket that somebody else opened fit: checks that it is a listening TCP socket. */
int socket_adopt(int fd, struct err *e);

/* What it is bound to: with port 0, the one that the kernel chose. */
struct endpoint socket_endpoint(int fd);
/* Family 0 for what is neither IPv4 nor IPv6. An IPv4 peer of a dual-stack socket, as systemd opens
 * them, is an IPv4 peer. */
struct endpoint socket_peer(const struct sockaddr_storage *from);

#endif
