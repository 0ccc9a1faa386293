/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tftp: many TFTP clients in one process, to measure servers with.
 *
 *   bench/tftp ADDRESS PORT FILE CLIENTS BLKSIZE WINDOWSIZE SECONDS
 *
 * Each client fetches FILE from there again and again. Printed is what arrived: bytes, seconds,
 * whole files, and how often a client had to ask again. Windowsize 1 is not asked for.
 */
#include "wire/tftp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 32
#define PATIENCE_NS 500000000ULL

struct client {
    int fd;
    bool connected;
    uint64_t block; /* the last one in its order */
    uint32_t run;   /* since the last acknowledgement */
    uint32_t blksize, windowsize;
    uint64_t heard_ns;
    bool gap;
};

static struct {
    struct sockaddr_in server;
    struct str request;
    uint64_t bytes, files, retries;
    int epoll;
} bench;

static char rooms[MESSAGES][65536];

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void give_up(const char *what)
{
    fprintf(stderr, "bench/tftp: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void begin(struct client *c, uint64_t now)
{
    int size = 4 << 20;
    if (c->fd >= 0)
        close(c->fd);
    *c = (struct client){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0),
                         .blksize = TFTP_BLKSIZE_DEFAULT,
                         .windowsize = 1,
                         .heard_ns = now};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (c->fd < 0 || epoll_ctl(bench.epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
        give_up("socket");
    setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    sendto(c->fd, bench.request.p, bench.request.n, 0, (struct sockaddr *)&bench.server,
           sizeof(bench.server));
}

static void acknowledge(struct client *c)
{
    char packet[4] = {0, TFTP_ACK, (char)(c->block >> 8), (char)c->block};
    send(c->fd, packet, sizeof(packet), MSG_NOSIGNAL);
    c->run = 0;
}

static void on_options(struct client *c, const struct tftp_options *o)
{
    if (o->has & TFTP_HAS_BLKSIZE)
        c->blksize = o->blksize;
    if (o->has & TFTP_HAS_WINDOWSIZE)
        c->windowsize = o->windowsize;
    if (c->block == 0)
        acknowledge(c);
}

/* True at the file's end. */
static bool on_data(struct client *c, const struct tftp_packet *p)
{
    if (p->number != (uint16_t)(c->block + 1)) {
        if (!c->gap)
            acknowledge(c);
        c->gap = true;
        return false;
    }
    bool last = p->rest.n < c->blksize;
    c->block++;
    c->gap = false;
    bench.bytes += p->rest.n;
    if (++c->run == c->windowsize || last)
        acknowledge(c);
    return last;
}

/* The first answer says whom to talk to from then on. */
static void meet(struct client *c, struct sockaddr_in *from)
{
    if (!c->connected && connect(c->fd, (struct sockaddr *)from, sizeof(*from)) < 0)
        give_up("connect");
    c->connected = true;
}

static bool take(struct client *c, struct str bytes, struct sockaddr_in *from)
{
    struct tftp_packet p;
    if (!tftp_parse(bytes, &p))
        return false;
    meet(c, from);
    if (p.opcode == TFTP_OACK)
        on_options(c, &p.options);
    if (p.opcode == TFTP_ERROR) {
        fprintf(stderr, "bench/tftp: refused: %.*s\n", STR_ARG(p.rest));
        exit(1);
    }
    return p.opcode == TFTP_DATA && on_data(c, &p);
}

static void on_readable(struct client *c, uint64_t now)
{
    struct mmsghdr m[MESSAGES];
    struct iovec parts[MESSAGES];
    struct sockaddr_in from[MESSAGES];
    for (int i = 0; i < MESSAGES; i++) {
        parts[i] = (struct iovec){rooms[i], sizeof(rooms[i])};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i],
                                            .msg_iovlen = 1,
                                            .msg_name = &from[i],
                                            .msg_namelen = sizeof(from[i])}};
    }
    int n = recvmmsg(c->fd, m, MESSAGES, 0, NULL);
    if (n > 0)
        c->heard_ns = now;
    for (int i = 0; i < n; i++) {
        if (take(c, (struct str){rooms[i], m[i].msg_len}, &from[i])) {
            bench.files++;
            begin(c, now);
            return;
        }
    }
}

static void nudge(struct client *c, uint64_t now)
{
    if (now - c->heard_ns < PATIENCE_NS)
        return;
    bench.retries++;
    c->heard_ns = now;
    if (c->connected)
        acknowledge(c);
    else
        begin(c, now);
}

static void run(struct client *clients, int n, uint64_t until)
{
    struct epoll_event events[64];
    uint64_t now = now_ns(), nudged = now;
    while (now < until) {
        int ready = epoll_wait(bench.epoll, events, 64, 100);
        now = now_ns();
        for (int i = 0; i < ready; i++)
            on_readable(events[i].data.ptr, now);
        if (now - nudged < PATIENCE_NS / 5)
            continue;
        nudged = now;
        for (int i = 0; i < n; i++)
            nudge(&clients[i], now);
    }
}

static uint64_t number(const char *text, uint64_t max)
{
    uint64_t v;
    if (!str_to_u64(str_from(text), max, &v)) {
        fprintf(stderr, "bench/tftp: '%s' is no number up to %llu\n", text,
                (unsigned long long)max);
        exit(2);
    }
    return v;
}

static void make_request(char **argv, struct buf *b)
{
    struct tftp_packet p = {.opcode = TFTP_RRQ, .file = str_from(argv[3])};
    p.options = (struct tftp_options){.has = TFTP_HAS_BLKSIZE,
                                      .blksize = (uint32_t)number(argv[5], TFTP_BLKSIZE_MAX),
                                      .windowsize = (uint32_t)number(argv[6], 64)};
    if (p.options.windowsize > 1)
        p.options.has |= TFTP_HAS_WINDOWSIZE;
    buf_init(b, 1024);
    if (!tftp_write(b, &p))
        abort();
    bench.request = buf_view(b);
}

int main(int argc, char **argv)
{
    struct buf request;
    if (argc != 8) {
        fputs("bench/tftp ADDRESS PORT FILE CLIENTS BLKSIZE WINDOWSIZE SECONDS\n", stderr);
        return 2;
    }
    int n = (int)number(argv[4], 10000);
    make_request(argv, &request);
    bench.server = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)number(argv[2], UINT16_MAX))};
    if (inet_pton(AF_INET, argv[1], &bench.server.sin_addr) != 1) {
        fprintf(stderr, "bench/tftp: '%s' is no IPv4 address\n", argv[1]);
        return 2;
    }
    bench.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct client *clients = calloc((size_t)n, sizeof(*clients));
    if (!clients)
        abort();
    uint64_t begun = now_ns();
    for (int i = 0; i < n; i++) {
        clients[i].fd = -1;
        begin(&clients[i], begun);
    }
    run(clients, n, begun + number(argv[7], 3600) * 1000000000ULL);
    printf("%llu %.3f %llu %llu\n", (unsigned long long)bench.bytes,
           (double)(now_ns() - begun) / 1e9, (unsigned long long)bench.files,
           (unsigned long long)bench.retries);
    free(clients);
    buf_done(&request);
    return 0;
}
