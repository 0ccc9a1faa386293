/* SPDX-License-Identifier: Apache-2.0 */
/* What is served on a passed socket, by its name and its type. */
#include "lib/unit.h"

#include "daemon/listeners.h"
#include "lib/folder.h"
#include "net/datagram.h"
#include "net/socket.h"

#include <errno.h>
#include <unistd.h>

static struct err said;

static int open_tcp(void)
{
    return socket_listen((struct endpoint){.address = {.family = 4, .octet = {127, 0, 0, 1}}},
                         &said);
}

static int open_udp(void)
{
    return datagram_listen((struct endpoint){.address = {.family = 4, .octet = {127, 0, 0, 1}}},
                           &said);
}

static int open_unix(void)
{
    unlink("socket");
    return socket_listen_unix("socket", 0600, &said);
}

/* The kind, or below 0. */
static int adopt(int fd, const char *name)
{
    struct listener l;
    assert_true(fd >= 0);
    int r = listeners_adopt(fd, name, &l, &said);
    if (r == 0) {
        assert_int_equal(l.fd, fd);
        assert_false(l.tls);
        assert_true(l.name && *l.name);
        if (name && *name)
            assert_string_equal(l.name, name);
    }
    close(fd);
    return r < 0 ? r : (int)l.kind;
}

static void the_type_decides_where_the_name_leaves_it_open(void **state)
{
    static const char *const names[] = {NULL,      "",           "http", "cloudseedd.socket",
                                        "unknown", "connection", "HTTP", "admins"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(adopt(open_tcp(), names[i]), LISTENER_BOOT);
        assert_int_equal(adopt(open_udp(), names[i]), LISTENER_TFTP);
        assert_int_equal(adopt(open_unix(), names[i]), LISTENER_ADMIN);
    }
}

static void a_name_and_its_type(void **state)
{
    (void)state;
    assert_int_equal(adopt(open_tcp(), "boot"), LISTENER_BOOT);
    assert_int_equal(adopt(open_udp(), "boot"), LISTENER_TFTP);
    assert_int_equal(adopt(open_udp(), "tftp"), LISTENER_TFTP);
    assert_int_equal(adopt(open_unix(), "admin"), LISTENER_ADMIN);
}

static void refused(int fd, const char *name, const char *type, const char *reason)
{
    char want[200];
    assert_int_equal(adopt(fd, name), -EINVAL);
    snprintf(want, sizeof(want),
             "file descriptor %d, which was passed to us with the name '%s', is a %s socket: %s; "
             "correct FileDescriptorName= in its socket unit",
             fd, name, type, reason);
    assert_string_equal(said.msg, want);
}

static void a_name_that_contradicts_the_type_is_refused(void **state)
{
    static const char none[] = "this version has no such listener";
    (void)state;
    refused(open_tcp(), "admin", "TCP", "expected a unix socket");
    refused(open_udp(), "admin", "UDP", "expected a unix socket");
    refused(open_tcp(), "tftp", "TCP", "expected a UDP socket");
    refused(open_unix(), "tftp", "unix", "expected a UDP socket");
    refused(open_unix(), "boot", "unix", "expected a TCP or UDP socket");
    refused(open_tcp(), "node", "TCP", none);
    refused(open_udp(), "node", "UDP", none);
    refused(open_unix(), "node", "unix", none);
}

static void what_does_not_listen_is_refused_under_any_name(void **state)
{
    static const char *const names[] = {NULL, "http", "boot", "tftp", "admin", "node"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(adopt(socket(AF_INET, SOCK_STREAM, 0), names[i]), -EINVAL);
        assert_int_equal(adopt(socket(AF_INET, SOCK_DGRAM, 0), names[i]), -EINVAL);
        assert_int_equal(adopt(socket(AF_UNIX, SOCK_STREAM, 0), names[i]), -EINVAL);
        assert_int_equal(adopt(dup(STDERR_FILENO), names[i]), -ENOTSOCK);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_enter, folder_leave)

UNIT_MAIN(TEST(the_type_decides_where_the_name_leaves_it_open), TEST(a_name_and_its_type),
          TEST(a_name_that_contradicts_the_type_is_refused),
          TEST(what_does_not_listen_is_refused_under_any_name))
