/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/access/relay.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/common/cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FLOW_BYTES ((size_t)16 * 1024)
#define STUCK_MS ((uint64_t)120 * 1000) /* a stream has a sign of life every 15 s */
#define ANSWER_S 5                      /* the server's, when a connection gives up its rights */
#define LOOK_MS 1000

/* What one side has sent and the other has not taken yet. */
struct flow {
    char bytes[FLOW_BYTES];
    size_t at, n;
    bool is_over; /* the sender sends no more */
    bool is_told; /* … and the receiver knows */
};

enum { BROWSER, SERVER, SIDES };

struct pair {
    int fds[SIDES];
    struct flow from[SIDES];
    uint64_t moved_ms; /* when the last bytes were */
};

struct relay {
    const char *socket;
    int fd;
    struct pair *pairs[RELAY_MAX];
    size_t n;
};

/* --- The server's side ----------------------------------------------------------------------- */

static int connect_socket(const char *path, struct err *e)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = ANSWER_S};
    struct str name = str_from(path);
    if (name.n >= sizeof(to.sun_path))
        return err_set(e, -ENAMETOOLONG, "%s: this is too long for a socket's path", path);
    memcpy(to.sun_path, name.p, name.n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(e, -errno, "%s", path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
        int code = -errno;
        close(fd);
        return err_errno(e, code, "%s: no connection", path);
    }
    return fd;
}

/* The head of an answer that has no body; false where it is not a whole one. */
static bool read_head(int fd, char *to, size_t max)
{
    size_t n = 0;
    while (n < max - 1) {
        ssize_t got = recv(fd, to + n, max - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        to[n] = '\0';
        const char *end = strstr(to, "\r\n\r\n");
        if (end)
            return end + 4 == to + n;
    }
    return false;
}

static bool give_up_rights(int fd)
{
    static const char request[] =
        "POST /v1/ui/relay HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    static const char done[] = "HTTP/1.1 204 ";
    char head[2048];
    return send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1 &&
           read_head(fd, head, sizeof(head)) && strncmp(head, done, sizeof(done) - 1) == 0;
}

/* A connection that has no rights any more. */
static int connect_server(const struct relay *r, struct err *e)
{
    int fd = connect_socket(r->socket, e);
    if (fd < 0 || give_up_rights(fd))
        return fd;
    close(fd);
    return err_set(e, -EPROTO,
                   "%s: the server does not know the web page: is it older than this command?",
                   r->socket);
}

/* --- The browsers' side ---------------------------------------------------------------------- */

int relay_new(const char *socket_path, uint16_t port, struct relay **ret, struct err *e)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, -errno, "127.0.0.1");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, RELAY_MAX) < 0) {
        int code = -errno;
        close(fd);
        return err_errno(e, code, "127.0.0.1:%u", port);
    }
    struct relay *r = MEM_NEW(struct relay);
    r->socket = socket_path;
    r->fd = fd;
    *ret = r;
    return 0;
}

uint16_t relay_port(const struct relay *r)
{
    struct sockaddr_in at = {0};
    socklen_t size = sizeof(at);
    getsockname(r->fd, (struct sockaddr *)&at, &size);
    return ntohs(at.sin_port);
}

static void end_pair(struct relay *r, size_t i)
{
    struct pair *p = r->pairs[i];
    close(p->fds[BROWSER]);
    close(p->fds[SERVER]);
    explicit_bzero(p->from, sizeof(p->from));
    free(p);
    r->pairs[i] = r->pairs[--r->n];
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    while (r->n)
        end_pair(r, 0);
    close(r->fd);
    free(r);
}

/* Where the server is away for a moment, the browser's connection ends, and the page asks again. */
static void take_browser(struct relay *r)
{
    struct err e;
    int browser = accept4(r->fd, NULL, NULL, SOCK_CLOEXEC);
    if (browser < 0)
        return;
    int server = connect_server(r, &e);
    if (server < 0) {
        close(browser);
        return;
    }
    struct pair *p = MEM_NEW(struct pair);
    p->fds[BROWSER] = browser;
    p->fds[SERVER] = server;
    p->moved_ms = clock_boot_ms();
    r->pairs[r->n++] = p;
}

/* --- Passing on ------------------------------------------------------------------------------ */

static bool is_for_later(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* False where the connection is broken. */
static bool fill(struct pair *p, int side)
{
    struct flow *f = &p->from[side];
    ssize_t n = recv(p->fds[side], f->bytes, FLOW_BYTES, MSG_DONTWAIT);
    if (is_for_later(n))
        return true;
    f->at = 0;
    f->n = n > 0 ? (size_t)n : 0;
    f->is_over = n == 0;
    return n >= 0;
}

static bool drain(struct pair *p, int side)
{
    struct flow *f = &p->from[side];
    if (f->at < f->n) {
        ssize_t n =
            send(p->fds[!side], f->bytes + f->at, f->n - f->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (is_for_later(n))
            return true;
        if (n < 0)
            return false;
        f->at += (size_t)n;
        p->moved_ms = clock_boot_ms();
    }
    if (f->is_over && f->at == f->n && !f->is_told) {
        shutdown(p->fds[!side], SHUT_WR);
        f->is_told = true;
    }
    return true;
}

/* What poll should wait for: to read a side whose bytes were all passed on, to write one that has
 * not taken all yet. */
static short events_of(const struct pair *p, int side)
{
    const struct flow *out = &p->from[side], *in = &p->from[!side];
    bool reads = out->at == out->n && !out->is_over;
    return (short)((reads ? POLLIN : 0) | (in->at < in->n ? POLLOUT : 0));
}

/* False where it is over: the server has sent all, or a side is gone or stuck. */
static bool pass_on(struct pair *p, const struct pollfd fds[SIDES])
{
    for (int side = 0; side < SIDES; side++) {
        if (fds[side].revents && fds[side].events & POLLIN && !fill(p, side))
            return false;
    }
    for (int side = 0; side < SIDES; side++) {
        if (!drain(p, side))
            return false;
    }
    return !p->from[SERVER].is_told && clock_boot_ms() - p->moved_ms < STUCK_MS;
}

/* A side of which nothing is wanted is left out: one that has hung up would be ready all the time.
 */
static void watch(const struct pair *p, struct pollfd fds[SIDES])
{
    for (int side = 0; side < SIDES; side++) {
        short events = events_of(p, side);
        fds[side] = (struct pollfd){.fd = events ? p->fds[side] : -1, .events = events};
    }
}

int relay_run(struct relay *r, struct err *e)
{
    struct pollfd fds[1 + SIDES * RELAY_MAX];
    while (!cli_interrupted()) {
        size_t n = r->n;
        fds[0] = (struct pollfd){.fd = n < RELAY_MAX ? r->fd : -1, .events = POLLIN};
        for (size_t i = 0; i < n; i++)
            watch(r->pairs[i], &fds[1 + SIDES * i]);
        if (poll(fds, 1 + SIDES * n, LOOK_MS) < 0) {
            if (errno != EINTR)
                return err_errno(e, -errno, "poll");
            continue;
        }
        /* From the end: the last one takes the place of one that ends. */
        for (size_t i = n; i-- > 0;) {
            if (!pass_on(r->pairs[i], &fds[1 + SIDES * i]))
                end_pair(r, i);
        }
        if (fds[0].revents)
            take_browser(r);
    }
    return 0;
}
