/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h> /* netinet/tcp.h lacks tcpi_bytes_acked, and cannot stand beside it */
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
/* The kernel passes a connection on once its first data has come, which saves a quarter of the CPU
 * of a connection with one request. After this many seconds it comes without data. */
#define DEFER_ACCEPT_SECONDS 5

socklen_t socket_address(struct endpoint at, struct sockaddr_storage *ret)
{
    *ret = (struct sockaddr_storage){0};
    if (at.address.family == 6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(at.port);
        memcpy(&six->sin6_addr, at.address.octet, 16);
        return sizeof(*six);
    }
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    four->sin_family = AF_INET;
    four->sin_port = htons(at.port);
    memcpy(&four->sin_addr, at.address.octet, 4);
    return sizeof(*four);
}

struct endpoint socket_peer(const struct sockaddr_storage *from)
{
    struct endpoint e = {0};
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)from;
        e.address.family = 4;
        memcpy(e.address.octet, &four->sin_addr, 4);
        e.port = ntohs(four->sin_port);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
        e.address.family = mapped ? 4 : 6;
        memcpy(e.address.octet, six->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
        e.port = ntohs(six->sin6_port);
    }
    return e;
}

struct endpoint socket_endpoint(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof(at);
    getsockname(fd, (struct sockaddr *)&at, &size);
    return socket_peer(&at);
}

int socket_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

int socket_set_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int open_listening(struct endpoint at, int fd)
{
    struct sockaddr_storage sa;
    socklen_t size = socket_address(at, &sa);
    if (socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
        (at.address.family == 6 && socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0) ||
        socket_set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_ACCEPT_SECONDS) < 0 ||
        bind(fd, (struct sockaddr *)&sa, size) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return 0;
}

const char *socket_advice(int code)
{
    switch (code) {
    case -EADDRINUSE: return "; who has it: ss -lntup";
    case -EACCES: return "; ports below 1024 need root or socket activation";
    case -EADDRNOTAVAIL: return "; this machine has no such address";
    default: return "";
    }
}

int socket_listen(struct endpoint at, struct err *e)
{
    char text[ENDPOINT_TEXT_SIZE];
    int family = at.address.family == 6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(e, -errno, "socket for %s", endpoint_text(at, text));
    int r = open_listening(at, fd);
    if (r == 0)
        return fd;
    close(fd);
    return err_set(e, r, "cannot listen on %s: %s%s", endpoint_text(at, text), strerror(-r),
                   socket_advice(r));
}

uint64_t socket_tcp_acked(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
        return 0;
    return info.tcpi_bytes_acked;
}

/* --- Unix sockets -------------------------------------------------------------------------- */

bool socket_is_unix(int fd)
{
    struct sockaddr_un at = {0};
    socklen_t size = sizeof(at);
    return getsockname(fd, (struct sockaddr *)&at, &size) == 0 && at.sun_family == AF_UNIX &&
           at.sun_path[0];
}

uint32_t socket_peer_uid(int fd)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof(peer);
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return peer.uid;
}

/* 0 where the path is free now. */
static int clear_leftover(const struct sockaddr_un *at, int fd)
{
    struct stat st;
    if (lstat(at->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN)
        return -EADDRINUSE;
    return errno == ECONNREFUSED && unlink(at->sun_path) == 0 ? 0 : -errno;
}

static int open_unix(const struct sockaddr_un *at, mode_t mode)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r = probe < 0 ? -errno : clear_leftover(at, probe);
    if (probe >= 0)
        close(probe);
    if (r < 0)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* The file gets the mode of the socket. Changed by its name it might be another file's by then.
     */
    mode_t before = umask(0);
    bool done = fchmod(fd, mode) == 0 && bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 &&
                listen(fd, BACKLOG) == 0;
    r = -errno;
    umask(before);
    if (done)
        return fd;
    close(fd);
    return r;
}

int socket_listen_unix(const char *path, mode_t mode, struct err *e)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(at.sun_path))
        return err_set(e, -ENAMETOOLONG, "the socket's path is longer than %zu bytes: %s",
                       sizeof(at.sun_path) - 1, path);
    memcpy(at.sun_path, path, strlen(path));
    int fd = open_unix(&at, mode);
    if (fd < 0)
        return err_set(e, fd, "cannot listen on %s: %s%s", path, strerror(-fd),
                       fd == -EADDRINUSE ? "; another cloudseedd answers there" : "");
    return fd;
}

int socket_adopt(int fd, struct err *e)
{
    int listening = 0, type = 0;
    socklen_t size = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
        return err_errno(e, -errno, "file descriptor %d, which was passed to us", fd);
    if (type != SOCK_STREAM || !listening ||
        (!socket_endpoint(fd).address.family && !socket_is_unix(fd)))
        return err_set(e, -EINVAL,
                       "file descriptor %d, which was passed to us, is not a listening TCP or "
                       "unix socket",
                       fd);
    if (socket_set_flags(fd) < 0)
        return err_errno(e, -errno, "file descriptor %d, which was passed to us", fd);
    socket_set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_ACCEPT_SECONDS); /* a saving, not a need */
    return fd;
}
