/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram: UDP sockets that know to which of our addresses a datagram was sent.
 *
 * A client accepts an answer only from the address that it sent its request to. Addresses are the
 * kernel's, since link-local ones need the number of their interface.
 */
#ifndef CLOUDSEED_NET_DATAGRAM_H
#define CLOUDSEED_NET_DATAGRAM_H

#include "base/err.h"
#include "model/address.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct datagram {
    struct sockaddr_storage from, to; /* `to`: our address, without a port */
    struct str bytes;
    bool for_many; /* sent by broadcast or multicast */
};

/* A bound UDP socket that does not block and is not inherited; the caller closes it. An IPv6 socket
 * accepts only IPv6. */
int datagram_listen(struct endpoint at, struct err *e);
/* Prepares a bound UDP socket that another process opened. */
int datagram_adopt(int fd, struct err *e);
/* Whether it is a UDP socket, over IPv4 or IPv6. */
bool datagram_is(int fd);

/* The next datagram, cut off after `size` bytes; -EAGAIN: there is none. */
int datagram_receive(int fd, char *room, size_t size, struct datagram *ret);
/* Answers through the same socket, from the address that was asked. Errors are ignored. */
void datagram_reply(int fd, const struct datagram *to, struct str bytes);

/* A socket connected to the peer that sent `d`, bound to the address that it asked and to `port`, 0
 * for any. -EADDRINUSE where the port is taken. */
int datagram_connect(const struct datagram *d, uint16_t port);

#define DATAGRAM_BATCH_MAX 64
#define DATAGRAM_BATCH_BYTES 65000

/* Sends `n` datagrams of two parts each to the connected peer. All but the last have `size` bytes.
 * Where `*offload` is set and both limits above are kept, the kernel cuts them from one large send
 * (UDP_SEGMENT); `*offload` is cleared where that does not work on the way to this peer. Returns
 * how many were sent, at least 1; -EAGAIN where the socket is full, else -errno. */
int datagram_send(int fd, const struct iovec *parts, int n, size_t size, bool *offload);

#endif
