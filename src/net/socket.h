/* SPDX-License-Identifier: Apache-2.0 */
/* socket: listening sockets, and addresses as the kernel has them. */
#ifndef CLOUDSEED_NET_SOCKET_H
#define CLOUDSEED_NET_SOCKET_H

#include "base/err.h"
#include "model/address.h"

#include <sys/socket.h>
#include <sys/types.h>

/* A TCP socket that listens, does not block and is not inherited; the caller closes it. An IPv6
 * one takes IPv6 alone, so that each address in the configuration means itself. */
int socket_listen(struct endpoint at, struct err *e);
/* The same at a path, for whoever the file's mode lets in. A socket that nobody answers at is a
 * leftover and replaced; anything else at the path is left alone, and refused. */
int socket_listen_unix(const char *path, mode_t mode, struct err *e);
/* Makes a socket that somebody else opened fit: checks that it listens, for TCP or at a path. */
int socket_adopt(int fd, struct err *e);
/* Of a path, that is: a socket without one has no mode, and lets everybody in. */
bool socket_is_unix(int fd);

/* `at` as the kernel has it; returns its size. */
socklen_t socket_address(struct endpoint at, struct sockaddr_storage *ret);
/* What it is bound to: with port 0, the one that the kernel chose. */
struct endpoint socket_endpoint(int fd);
/* Family 0 for what is neither IPv4 nor IPv6. An IPv4 peer of a dual-stack socket, as systemd opens
 * them, is an IPv4 peer. */
struct endpoint socket_peer(const struct sockaddr_storage *from);
/* Whose process is at the other end of a unix socket. */
uint32_t socket_peer_uid(int fd);
/* Bytes that the peer of a TCP connection has acknowledged; 0 on other sockets. */
uint64_t socket_tcp_acked(int fd);

#endif
