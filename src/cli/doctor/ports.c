/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/ports.h"

#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLE_MAX_BYTES ((size_t)16 << 20)
#define INODES_MAX 16
#define COLUMN_ADDRESS 1
#define COLUMN_STATE 3
#define COLUMN_INODE 9

bool ports_free(struct endpoint at, bool udp)
{
    bool is_v6 = at.address.family == 6;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(at.port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(at.port)};
    int one = 1,
        fd = socket(is_v6 ? AF_INET6 : AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    memcpy(&v4.sin_addr, at.address.octet, 4);
    memcpy(&v6.sin6_addr, at.address.octet, 16);
    if (fd < 0)
        return true;
    if (!udp) /* connections that have just ended do not hold it */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    int r = is_v6 ? bind(fd, (const struct sockaddr *)&v6, sizeof(v6))
                  : bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
    bool taken = r < 0 && errno == EADDRINUSE;
    close(fd);
    return !taken;
}

/* --- Which program --------------------------------------------------------------------------- */

struct inodes {
    struct str list[INODES_MAX];
    size_t n;
};

static struct str column(struct str line, unsigned number)
{
    struct str word = {NULL, 0};
    for (unsigned i = 0; i <= number; i++) {
        line = str_trim(line);
        word = str_cut(&line, ' ');
        if (!line.p)
            line = STR("");
    }
    return word;
}

/* Lines of proc_net_tcp(5): the port is the last four digits of the local address. */
static void find_inodes(const char *path, uint16_t port, bool udp, struct arena *a,
                        struct inodes *ret)
{
    char ending[8];
    struct str text;
    snprintf(ending, sizeof(ending), ":%04X", port);
    if (fs_read_proc(path, TABLE_MAX_BYTES, a, &text, NULL) < 0)
        return;
    while (text.p && text.n && ret->n < INODES_MAX) {
        struct str line = str_cut(&text, '\n');
        bool listens = udp || str_is(column(line, COLUMN_STATE), "0A");
        if (listens && str_ends(column(line, COLUMN_ADDRESS), str_from(ending)))
            ret->list[ret->n++] = column(line, COLUMN_INODE);
    }
}

static bool has_inode(const struct inodes *inodes, const char *link)
{
    struct str rest = str_from(link);
    str_cut(&rest, '[');
    struct str inode = str_cut(&rest, ']');
    for (size_t i = 0; i < inodes->n && inode.n; i++) {
        if (str_eq(inodes->list[i], inode))
            return true;
    }
    return false;
}

static bool process_has(const char *pid, const struct inodes *inodes)
{
    char path[64], link[64];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    DIR *d = opendir(path);
    const struct dirent *entry;
    while (!found && d && (entry = readdir(d))) {
        ssize_t n = readlinkat(dirfd(d), entry->d_name, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = 0;
        found = strncmp(link, "socket:", 7) == 0 && has_inode(inodes, link);
    }
    if (d)
        closedir(d);
    return found;
}

static struct str name_of(const char *pid, struct arena *a)
{
    char path[64];
    struct str text = STR("");
    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    if (fs_read_proc(path, 4096, a, &text, NULL) < 0)
        return STR("a program");
    return str_trim(text);
}

struct str ports_holder(uint16_t port, bool udp, struct arena *a)
{
    struct inodes inodes = {.n = 0};
    struct str found = STR("another program");
    find_inodes(udp ? "/proc/net/udp" : "/proc/net/tcp", port, udp, a, &inodes);
    find_inodes(udp ? "/proc/net/udp6" : "/proc/net/tcp6", port, udp, a, &inodes);
    DIR *d = opendir("/proc");
    const struct dirent *entry;
    while (d && inodes.n && (entry = readdir(d))) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
            !process_has(entry->d_name, &inodes))
            continue;
        found = arena_printf(a, "%.*s (pid %s)", STR_ARG(name_of(entry->d_name, a)), entry->d_name);
        break;
    }
    if (d)
        closedir(d);
    return found;
}
