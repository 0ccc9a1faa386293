/* SPDX-License-Identifier: Apache-2.0 */
#include "net/datagram.h"

#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* Machines that are switched on together send their requests together. */
#define RECEIVE_BUFFER_BYTES (1 << 20)

static int family_of(int fd)
{
    int family = 0;
    socklen_t size = sizeof(family);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
    return family;
}

/* IPV6_RECVPKTINFO also covers IPv4 on the dual-stack sockets that systemd opens. */
static int ask_for_address(int fd)
{
    socket_set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    if (family_of(fd) == AF_INET6)
        return socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    return socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

int datagram_listen(struct endpoint at, struct err *e)
{
    char text[ENDPOINT_TEXT_SIZE];
    struct sockaddr_storage sa;
    socklen_t size = socket_address(at, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(e, -errno, "socket for %s", endpoint_text(at, text));
    if ((sa.ss_family != AF_INET6 || socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == 0) &&
        bind(fd, (struct sockaddr *)&sa, size) == 0 && ask_for_address(fd) == 0)
        return fd;
    int r = -errno;
    close(fd);
    return err_set(e, r, "cannot serve TFTP on %s: %s%s", endpoint_text(at, text), strerror(-r),
                   socket_advice(r));
}

bool datagram_is(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM &&
           socket_endpoint(fd).address.family;
}

int datagram_adopt(int fd, struct err *e)
{
    if (!datagram_is(fd) || !socket_endpoint(fd).port)
        return err_set(e, -EINVAL,
                       "file descriptor %d, which was passed to us, is not a bound UDP socket", fd);
    if (socket_set_flags(fd) < 0 || ask_for_address(fd) < 0)
        return err_errno(e, -errno, "file descriptor %d, which was passed to us", fd);
    return fd;
}

/* --- One datagram at a time, with our address ---------------------------------------------- */

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static void take_address4(const struct in_pktinfo *info, struct datagram *d)
{
    struct sockaddr_in *to = (struct sockaddr_in *)&d->to;
    to->sin_family = AF_INET;
    to->sin_addr = info->ipi_spec_dst;
    d->for_many = info->ipi_addr.s_addr != info->ipi_spec_dst.s_addr;
}

static void take_address6(const struct in6_pktinfo *info, struct datagram *d)
{
    struct sockaddr_in6 *to = (struct sockaddr_in6 *)&d->to;
    to->sin6_family = AF_INET6;
    to->sin6_addr = info->ipi6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
        to->sin6_scope_id = info->ipi6_ifindex;
    d->for_many = IN6_IS_ADDR_MULTICAST(&info->ipi6_addr);
}

static void take_address(struct msghdr *m, struct datagram *d)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
            d->from.ss_family == AF_INET)
            take_address4((const struct in_pktinfo *)CMSG_DATA(c), d);
        else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            take_address6((const struct in6_pktinfo *)CMSG_DATA(c), d);
    }
}

int datagram_receive(int fd, char *room, size_t size, struct datagram *ret)
{
    struct datagram d = {.bytes = {room, 0}};
    union control control;
    struct iovec part = {room, size};
    struct msghdr m = {
        .msg_name = &d.from,
        .msg_namelen = sizeof(d.from),
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n = recvmsg(fd, &m, 0);
    if (n < 0)
        return -errno;
    d.bytes.n = (size_t)n;
    take_address(&m, &d);
    *ret = d;
    return 0;
}

static void put_address(struct msghdr *m, int level, int type, const void *info, size_t size)
{
    struct cmsghdr *c = m->msg_control;
    m->msg_controllen = CMSG_SPACE(size);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), info, size);
}

void datagram_reply(int fd, const struct datagram *to, struct str bytes)
{
    struct sockaddr_storage peer = to->from;
    union control control = {0};
    struct iovec part = {(void *)(uintptr_t)bytes.p, bytes.n};
    struct msghdr m = {
        .msg_name = &peer,
        .msg_namelen = sizeof(peer),
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
    };
    if (to->to.ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&to->to;
        struct in_pktinfo info = {.ipi_spec_dst = four->sin_addr};
        put_address(&m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    } else if (to->to.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&to->to;
        struct in6_pktinfo info = {.ipi6_addr = six->sin6_addr, .ipi6_ifindex = six->sin6_scope_id};
        put_address(&m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
    sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* --- Many datagrams to one peer ------------------------------------------------------------ */

/* Blocks larger than the path's MTU are sent in fragments: the client asked for that size. */
static void allow_fragments(int fd)
{
    socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    socket_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

int datagram_connect(const struct datagram *d, uint16_t port)
{
    struct sockaddr_storage from = d->to, peer = d->from;
    socklen_t size =
        peer.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int fd = socket(peer.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    from.ss_family = peer.ss_family;
    if (peer.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&from)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&from)->sin_port = htons(port);
    if (bind(fd, (struct sockaddr *)&from, size) == 0 &&
        connect(fd, (struct sockaddr *)&peer, size) == 0) {
        allow_fragments(fd);
        return fd;
    }
    int r = -errno;
    close(fd);
    return r;
}

static int send_cut_by_kernel(int fd, const struct iovec *parts, int n, size_t size)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {0};
    uint16_t segment = (uint16_t)size;
    struct msghdr m = {
        .msg_iov = (struct iovec *)(uintptr_t)parts,
        .msg_iovlen = 2 * (size_t)n,
        .msg_control = &control,
    };
    put_address(&m, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
    return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : n;
}

static int send_one(int fd, const struct iovec *parts)
{
    const struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = 2};
    return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 1;
}

static int send_each(int fd, const struct iovec *parts, int n)
{
    struct mmsghdr m[DATAGRAM_BATCH_MAX];
    for (int i = 0; i < n; i++)
        m[i] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = (struct iovec *)(uintptr_t)&parts[2 * i], .msg_iovlen = 2}};
    int sent = sendmmsg(fd, m, (unsigned)n, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

/* The errors of UDP_SEGMENT on some devices and tunnels, and for segments larger than the MTU. */
static bool means_no_offload(int code)
{
    return code == -EIO || code == -EINVAL || code == -EMSGSIZE || code == -EOPNOTSUPP ||
           code == -ENOPROTOOPT;
}

int datagram_send(int fd, const struct iovec *parts, int n, size_t size, bool *offload)
{
    if (n > DATAGRAM_BATCH_MAX)
        n = DATAGRAM_BATCH_MAX;
    if (n > 1 && *offload && size * (size_t)n <= DATAGRAM_BATCH_BYTES) {
        int r = send_cut_by_kernel(fd, parts, n, size);
        if (!means_no_offload(r))
            return r;
        *offload = false;
    }
    return n == 1 ? send_one(fd, parts) : send_each(fd, parts, n);
}
