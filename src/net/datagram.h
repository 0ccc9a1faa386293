/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram: UDP sockets that know which of our addresses was asked.
 *
 * A machine may have many addresses, and a client takes an answer from that one alone which it
 * asked. Addresses stay as the kernel has them: those of one link alone need its number.
 */
#ifndef CLOUDSEED_NET_DATAGRAM_H
#define CLOUDSEED_NET_DATAGRAM_H

#include "base/err.h"
#include "model/address.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct datagram {
    struct sockaddr_storage from, to; /* `to`: which of our addresses, without a port */
    struct str bytes;
    bool for_many; /* sent by broadcast or multicast */
};

/* A UDP socket that does not block and is not inherited; the caller closes it. An IPv6 one takes
 * IPv6 alone. */
int datagram_listen(struct endpoint at, struct err *e);
/* Makes a bound UDP socket that somebody else opened fit. */
int datagram_adopt(int fd, struct err *e);
bool datagram_is(int fd);

/* The next one, which is cut where it is longer than the room; -EAGAIN: there is none. */
int datagram_receive(int fd, char *room, size_t size, struct datagram *ret);
/* Answers from the very socket; what cannot be sent is lost, as datagrams are. */
void datagram_reply(int fd, const struct datagram *to, struct str bytes);

/* A socket for the one peer that sent `d`, from the address that it asked and our `port`, 0 for
 * any. -EADDRINUSE where that is taken. */
int datagram_connect(const struct datagram *d, uint16_t port);

#define DATAGRAM_BATCH_MAX 64
#define DATAGRAM_BATCH_BYTES 65000

/* Sends `n` datagrams of two parts each to the connected peer. All but the last have `size` bytes,
 * and where `*offload` is set and all is within the two limits above, the kernel cuts one large
 * send into them (UDP_SEGMENT); where it cannot on the way to this peer, `*offload` is cleared for
 * good. Returns how many were sent, at least 1; -EAGAIN where the socket is full, else -errno. */
int datagram_send(int fd, const struct iovec *parts, int n, size_t size, bool *offload);

#endif
