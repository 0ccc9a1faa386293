/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *lines)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@') /* an abstract name */
        to.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&to, size);
    close(fd);
}

/* The variable's value, if its companion names this process or is absent. */
static bool number_for_us(const char *name, const char *pid_name, bool pid_needed, uint64_t *ret)
{
    const char *text = getenv(name), *pid_text = getenv(pid_name);
    uint64_t pid;
    if (!text || (!pid_text && pid_needed))
        return false;
    if (pid_text &&
        (!str_to_u64(str_from(pid_text), UINT32_MAX, &pid) || pid != (uint64_t)getpid()))
        return false;
    return str_to_u64(str_from(text), INT64_MAX, ret);
}

uint64_t notify_watchdog_ms(void)
{
    uint64_t us;
    if (!number_for_us("WATCHDOG_USEC", "WATCHDOG_PID", false, &us))
        return 0;
    return us / 2000 ? us / 2000 : 1;
}

unsigned notify_passed_sockets(char **ret_names)
{
    uint64_t n;
    bool passed = number_for_us("LISTEN_FDS", "LISTEN_PID", true, &n) && n < 1024;
    const char *names = getenv("LISTEN_FDNAMES");
    *ret_names = passed && names && *names ? mem_copy(names, strlen(names)) : NULL;
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    return passed ? (unsigned)n : 0;
}
