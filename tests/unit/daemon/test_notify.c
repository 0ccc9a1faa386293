/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "daemon/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/cloudseed-unit-XXXXXX";
static char path[64];
static int supervisor = -1;

static int start(void **state)
{
    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/notify", folder);
    supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    return supervisor < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    close(supervisor);
    unlink(path);
    unsetenv("NOTIFY_SOCKET");
    return rmdir(folder);
}

static void listen_at_path(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(supervisor, (struct sockaddr *)&at, sizeof(at)), 0);
}

static void received(const char *want)
{
    char got[512];
    ssize_t n = recv(supervisor, got, sizeof(got), 0);
    if (n < 0)
        fail_msg("nothing came: %s", strerror(errno));
    assert_str_equal(((struct str){got, (size_t)n}), str_from(want));
}

static void sends_to_a_path(void **state)
{
    (void)state;
    listen_at_path();
    setenv("NOTIFY_SOCKET", path, 1);
    notify_send("READY=1\nSTATUS=well");
    received("READY=1\nSTATUS=well");
    notify_send("STOPPING=1");
    received("STOPPING=1");
}

static void sends_to_an_abstract_name(void **state)
{
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(at);
    char name[128];
    assert_int_equal(bind(supervisor, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(supervisor, (struct sockaddr *)&at, &size), 0);
    size -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
    snprintf(name, sizeof(name), "@%.*s", (int)size - 1, at.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    notify_send("READY=1");
    received("READY=1");
}

static void sends_nothing_without_a_supervisor(void **state)
{
    (void)state;
    static const char *const names[] = {"", "relative", "vsock:2:1234", "/nonexistent/notify"};
    char byte, beyond[200];
    listen_at_path();
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notify_send("READY=1");
    }
    memset(beyond, 'x', sizeof(beyond));
    beyond[0] = '/';
    beyond[sizeof(beyond) - 1] = '\0';
    setenv("NOTIFY_SOCKET", beyond, 1);
    notify_send("READY=1");
    assert_int_equal(recv(supervisor, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void set_us(const char *usec, const char *pid)
{
    unsetenv("WATCHDOG_PID");
    if (usec)
        setenv("WATCHDOG_USEC", usec, 1);
    else
        unsetenv("WATCHDOG_USEC");
    if (pid)
        setenv("WATCHDOG_PID", pid, 1);
}

static void half_the_watchdogs_time(void **state)
{
    (void)state;
    char us[32];
    snprintf(us, sizeof(us), "%ld", (long)getpid());
    set_us(NULL, NULL);
    assert_int_equal(notify_watchdog_ms(), 0);
    set_us("30000000", NULL);
    assert_int_equal(notify_watchdog_ms(), 15000);
    set_us("30000000", us);
    assert_int_equal(notify_watchdog_ms(), 15000);
    set_us("1500", us); /* never 0, which means no watchdog */
    assert_int_equal(notify_watchdog_ms(), 1);
    set_us("30000000", "1");
    assert_int_equal(notify_watchdog_ms(), 0);
    set_us("30000000", "nonsense");
    assert_int_equal(notify_watchdog_ms(), 0);
    set_us("soon", NULL);
    assert_int_equal(notify_watchdog_ms(), 0);
    set_us("-1", NULL);
    assert_int_equal(notify_watchdog_ms(), 0);
    set_us(NULL, NULL);
}

static char *names; /* that came with them; NULL: none */

static unsigned passed_with(const char *n, const char *pid, const char *fdnames)
{
    if (fdnames)
        setenv("LISTEN_FDNAMES", fdnames, 1);
    if (n)
        setenv("LISTEN_FDS", n, 1);
    if (pid)
        setenv("LISTEN_PID", pid, 1);
    free(names);
    unsigned got = notify_passed_sockets(&names);
    assert_null(getenv("LISTEN_FDS")); /* no child process may use them */
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDNAMES"));
    return got;
}

static unsigned passed(const char *n, const char *pid)
{
    return passed_with(n, pid, "http");
}

static void sockets_passed_to_us(void **state)
{
    (void)state;
    char us[32];
    snprintf(us, sizeof(us), "%ld", (long)getpid());
    assert_int_equal(passed("2", us), 2);
    assert_int_equal(passed("0", us), 0);
    assert_int_equal(passed("2", "1"), 0);
    assert_int_equal(passed("2", NULL), 0); /* systemd always sets it */
    assert_int_equal(passed(NULL, us), 0);
    assert_int_equal(passed("-1", us), 0);
    assert_int_equal(passed("many", us), 0);
    assert_int_equal(passed("99999999999", us), 0);
    assert_int_equal(passed(NULL, NULL), 0);
}

static void names_of_passed_sockets(void **state)
{
    (void)state;
    char us[32];
    snprintf(us, sizeof(us), "%ld", (long)getpid());
    assert_int_equal(passed_with("2", us, "http:tftp"), 2);
    assert_string_equal(names, "http:tftp");
    assert_int_equal(passed_with("2", us, NULL), 2); /* some supervisors name none */
    assert_null(names);
    assert_int_equal(passed_with("2", us, ""), 2);
    assert_null(names);
    assert_int_equal(passed_with("2", "1", "http:tftp"), 0); /* another process's */
    assert_null(names);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(sends_to_a_path), TEST(sends_to_an_abstract_name),
          TEST(sends_nothing_without_a_supervisor), cmocka_unit_test(half_the_watchdogs_time),
          cmocka_unit_test(sockets_passed_to_us), cmocka_unit_test(names_of_passed_sockets))
