/* SPDX-License-Identifier: Apache-2.0 */
/* socket: listening sockets, and addresses as the kernel has them. */
#ifndef CLOUDSEED_NET_SOCKET_H
#define CLOUDSEED_NET_SOCKET_H

#include "base/err.h"
#include "model/address.h"

#include <sys/socket.h>
#include <sys/types.h>

/* A listening TCP socket that does not block and is not inherited; the caller closes it. An IPv6
 * socket accepts only IPv6, so that each address in the configuration means only itself. */
int socket_listen(struct endpoint at, struct err *e);
/* The same at a path; `mode` decides which users may connect. A socket at which no process answers
 * is replaced; anything else at the path is an error. */
int socket_listen_unix(const char *path, mode_t mode, struct err *e);
/* Prepares a socket that another process opened: a listening one, TCP or at a path. */
int socket_adopt(int fd, struct err *e);
/* Whether it is a unix socket with a path. One without has no mode: any user may connect to it. */
bool socket_is_unix(int fd);

/* Converts an address for the kernel; returns its size. */
socklen_t socket_address(struct endpoint at, struct sockaddr_storage *ret);
/* The address that a socket is bound to, with the port that the kernel chose for port 0. */
struct endpoint socket_endpoint(int fd);
/* Family 0 where it is neither IPv4 nor IPv6. A mapped address, as dual-stack sockets from systemd
 * have them, is an IPv4 address. */
struct endpoint socket_peer(const struct sockaddr_storage *from);
/* The user of the process at the other end of a unix socket. */
uint32_t socket_peer_uid(int fd);
/* setsockopt with a number. */
int socket_set(int fd, int level, int option, int value);
/* Makes a socket non-blocking and close-on-exec; -1 with errno set. */
int socket_set_flags(int fd);
/* What to do about the error of a bind, in words to append; "" where that is not known. */
const char *socket_advice(int code);

/* Bytes that the peer of a TCP connection has acknowledged; 0 on other sockets. */
uint64_t socket_tcp_acked(int fd);

#endif
