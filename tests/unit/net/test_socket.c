/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct endpoint at(const char *text)
{
    struct endpoint e;
    assert_true(endpoint_parse(str_from(text), &e));
    return e;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static bool ready_for_us(int fd)
{
    return (fcntl(fd, F_GETFL) & O_NONBLOCK) && (fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static int listening(const char *text)
{
    struct err e = {0};
    int fd = socket_listen(at(text), &e);
    if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT)
        return -1;
    if (fd < 0)
        fail_msg("%s", e.msg);
    return fd;
}

static void takes_a_free_port(void **state)
{
    (void)state;
    int fd = listening("127.0.0.1:0");
    struct endpoint bound = socket_endpoint(fd);
    char text[ADDRESS_TEXT_SIZE];
    assert_string_equal(address_text(bound.address, text), "127.0.0.1");
    assert_int_not_equal(bound.port, 0);
    assert_true(ready_for_us(fd));
    assert_int_equal(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    close(fd);
}

static void ipv6_is_ipv6_alone(void **state)
{
    (void)state;
    int fd = listening("[::]:0");
    if (fd < 0)
        unit_skip("no IPv6 here");
    assert_int_equal(socket_endpoint(fd).address.family, 6);
    assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    struct endpoint bound = socket_endpoint(fd);
    close(fd);
    fd = socket_listen(bound, NULL);
    assert_true(fd >= 0);
    assert_int_equal(socket_endpoint(fd).port, bound.port);
    close(fd);
}

static void says_why_it_cannot_listen(void **state)
{
    (void)state;
    int fd = listening("127.0.0.1:0");
    struct endpoint taken = socket_endpoint(fd);
    struct err e = {0};
    assert_int_equal(socket_listen(taken, &e), -EADDRINUSE);
    char text[ENDPOINT_TEXT_SIZE];
    assert_contains(e.msg, endpoint_text(taken, text));
    assert_contains(e.msg, "ss -lntup");
    assert_int_equal(socket_listen(at("192.0.2.1:0"), &e), -EADDRNOTAVAIL); /* RFC 5737 */
    assert_contains(e.msg, "192.0.2.1:0");
    assert_contains(e.msg, "no such address");
    close(fd);
}

/* Connections of an earlier process in TIME_WAIT do not prevent a start. */
static void takes_a_port_that_was_just_used(void **state)
{
    (void)state;
    int fd = listening("127.0.0.1:0");
    struct endpoint bound = socket_endpoint(fd);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(bound.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(write(client, "x", 1), 1);
    int served = -1;
    for (int i = 0; i < 1000 && served < 0; i++)
        served = accept(fd, NULL, NULL); /* already there, on the loopback */
    assert_true(served >= 0);
    shutdown(served, SHUT_WR); /* the side that closes first has the TIME_WAIT */
    char byte[2];
    assert_int_equal(read(client, byte, sizeof(byte)), 0);
    close(client);
    assert_int_equal(read(served, byte, sizeof(byte)), 1);
    assert_int_equal(read(served, byte, sizeof(byte)), 0);
    close(served);
    close(fd);
    struct err e = {0};
    fd = socket_listen(bound, &e);
    if (fd < 0)
        fail_msg("%s", e.msg);
    close(fd);
}

static void adopts_what_was_passed(void **state)
{
    (void)state;
    struct err e = {0};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_false(ready_for_us(fd));
    assert_int_equal(socket_adopt(fd, &e), fd);
    assert_true(ready_for_us(fd));
    assert_int_not_equal(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    close(fd);
}

static void not_adopted(int fd, int code, const char *because)
{
    struct err e = {0};
    char number[32];
    snprintf(number, sizeof(number), "file descriptor %d", fd);
    assert_int_equal(socket_adopt(fd, &e), code);
    assert_contains(e.msg, number);
    assert_contains(e.msg, because);
    close(fd);
}

static void adopts_nothing_else(void **state)
{
    (void)state;
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    int local = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(local, (struct sockaddr *)&abstract, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(local, 8), 0);
    not_adopted(local, -EINVAL, "is not a listening TCP or unix socket");
    not_adopted(socket(AF_INET, SOCK_STREAM, 0), -EINVAL, "is not a listening TCP or unix socket");
    not_adopted(socket(AF_INET, SOCK_DGRAM, 0), -EINVAL, "is not a listening TCP or unix socket");
    not_adopted(open("/dev/null", O_RDONLY), -ENOTSOCK, "passed to us");
    not_adopted(999, -EBADF, "passed to us");
}

/* --- Unix sockets -------------------------------------------------------------------------- */

struct folder {
    char path[40], socket[64];
};

static struct folder folder_new(void)
{
    struct folder f = {.path = "/tmp/cloudseed-socket.XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    snprintf(f.socket, sizeof(f.socket), "%s/admin", f.path);
    return f;
}

static void folder_end(const struct folder *f)
{
    unlink(f->socket);
    assert_int_equal(rmdir(f->path), 0);
}

static int listening_at(const char *path, mode_t mode)
{
    struct err e = {0};
    int fd = socket_listen_unix(path, mode, &e);
    if (fd < 0)
        fail_msg("%s", e.msg);
    return fd;
}

static void listens_at_a_path(void **state)
{
    struct folder f = folder_new();
    struct stat st;
    (void)state;
    int fd = listening_at(f.socket, 0660);
    assert_true(ready_for_us(fd));
    assert_true(socket_is_unix(fd));
    assert_int_equal(stat(f.socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(socket_adopt(fd, NULL), fd);
    close(fd);
    close(listening_at(f.socket, 0600)); /* the leftover is replaced */
    folder_end(&f);
}

static void takes_nobodys_path(void **state)
{
    struct folder f = folder_new();
    struct err e;
    (void)state;
    int fd = listening_at(f.socket, 0600);
    assert_int_equal(socket_listen_unix(f.socket, 0600, &e), -EADDRINUSE);
    assert_contains(e.msg, "another cloudseedd");
    close(fd);
    unlink(f.socket);
    close(open(f.socket, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(socket_listen_unix(f.socket, 0600, &e), -EEXIST);
    assert_int_equal(access(f.socket, F_OK), 0);
    folder_end(&f);
}

static void says_what_is_wrong_with_a_path(void **state)
{
    char path[200];
    struct err e;
    (void)state;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[199] = '\0';
    assert_int_equal(socket_listen_unix(path, 0600, &e), -ENAMETOOLONG);
    assert_contains(e.msg, "longer than 107 bytes");
    assert_int_equal(socket_listen_unix("/nowhere/at/all", 0600, &e), -ENOENT);
    assert_contains(e.msg, "/nowhere/at/all");
}

static struct endpoint peer_of(int family, const char *address)
{
    struct sockaddr_storage from = {.ss_family = (sa_family_t)family};
    if (family == AF_INET) {
        ((struct sockaddr_in *)&from)->sin_port = htons(4711);
        inet_pton(family, address, &((struct sockaddr_in *)&from)->sin_addr);
    } else if (family == AF_INET6) {
        ((struct sockaddr_in6 *)&from)->sin6_port = htons(4711);
        inet_pton(family, address, &((struct sockaddr_in6 *)&from)->sin6_addr);
    }
    return socket_peer(&from);
}

static void is_peer(int family, const char *address, const char *text)
{
    char got[ENDPOINT_TEXT_SIZE];
    assert_string_equal(endpoint_text(peer_of(family, address), got), text);
}

static void peers(void **state)
{
    (void)state;
    is_peer(AF_INET, "10.0.20.11", "10.0.20.11:4711");
    is_peer(AF_INET6, "fd00::1", "[fd00::1]:4711");
    is_peer(AF_INET6, "::ffff:10.0.20.11", "10.0.20.11:4711");
    assert_int_equal(peer_of(AF_UNIX, NULL).address.family, 0);
}

UNIT_MAIN(cmocka_unit_test(takes_a_free_port), cmocka_unit_test(ipv6_is_ipv6_alone),
          cmocka_unit_test(says_why_it_cannot_listen),
          cmocka_unit_test(takes_a_port_that_was_just_used),
          cmocka_unit_test(adopts_what_was_passed), cmocka_unit_test(adopts_nothing_else),
          cmocka_unit_test(listens_at_a_path), cmocka_unit_test(takes_nobodys_path),
          cmocka_unit_test(says_what_is_wrong_with_a_path), cmocka_unit_test(peers))
