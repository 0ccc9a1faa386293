/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/tftp.h"

#include "wire/tftp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 3
#define ANSWER_MS 1500
#define PACKET_MAX_BYTES 2048

struct peer {
    struct sockaddr_storage address;
    socklen_t n;
};

static struct peer peer_of(struct endpoint at)
{
    struct peer p = {.n = at.address.family == 6 ? sizeof(struct sockaddr_in6)
                                                 : sizeof(struct sockaddr_in)};
    if (at.address.family == 6) {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(at.port)};
        memcpy(&in.sin6_addr, at.address.octet, 16);
        memcpy(&p.address, &in, sizeof(in));
    } else {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(at.port)};
        memcpy(&in.sin_addr, at.address.octet, 4);
        memcpy(&p.address, &in, sizeof(in));
    }
    return p;
}

static void send_packet(int fd, const struct peer *to, const struct tftp_packet *p)
{
    struct buf b;
    buf_init(&b, PACKET_MAX_BYTES);
    if (tftp_write(&b, p))
        (void)!sendto(fd, b.p, b.n, 0, (const struct sockaddr *)&to->address, to->n);
    buf_done(&b);
}

/* What the answer means; the server's transfer is ended, so that it does not repeat its packet. */
static int judge(int fd, const struct peer *from, struct str bytes, struct err *e)
{
    const struct tftp_packet end = {
        .opcode = TFTP_ERROR, .number = TFTP_OPTIONS, .rest = STR("only asked for the size")};
    struct tftp_packet p;
    if (!tftp_parse(bytes, &p))
        return err_set(e, -EPROTO, "the answer is not TFTP");
    if (p.opcode == TFTP_ERROR)
        return err_set(e, -ENOENT, "the server says '%.*s'", STR_ARG(str_head(p.rest, 100)));
    send_packet(fd, from, &end);
    return 0;
}

/* -EAGAIN: nothing came. */
static int await(int fd, struct err *e)
{
    char bytes[PACKET_MAX_BYTES];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct peer from = {.n = sizeof(from.address)};
    if (poll(&ready, 1, ANSWER_MS) <= 0)
        return -EAGAIN;
    ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from.address, &from.n);
    return n < 0 ? -EAGAIN : judge(fd, &from, (struct str){bytes, (size_t)n}, e);
}

int tftp_probe(struct endpoint server, struct str file, struct err *e)
{
    const struct tftp_packet ask = {
        .opcode = TFTP_RRQ,
        .file = file,
        .mode = TFTP_OCTET,
        .options = {.has = TFTP_HAS_TSIZE},
    };
    struct peer to = peer_of(server);
    int r = -EAGAIN;
    int fd = socket(server.address.family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(e, -errno, "a UDP socket");
    for (int i = 0; r == -EAGAIN && i < TRIES; i++) {
        send_packet(fd, &to, &ask);
        r = await(fd, e);
    }
    close(fd);
    return r == -EAGAIN ? err_set(e, -ETIMEDOUT, "no answer at UDP port %u", server.port) : r;
}
