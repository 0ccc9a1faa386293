/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/listeners.h"

#include "daemon/notify.h"
#include "daemon/privileges.h"
#include "net/datagram.h"
#include "net/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define REFUSED (-1)

enum { TCP, UDP, UNIX, TYPES };

static const char *const type_names[TYPES] = {"TCP", "UDP", "unix"};

/* The last row is for every other name. */
static const struct name_rule {
    const char *name;
    int kinds[TYPES]; /* enum exchange_listener */
    const char *expected;
} name_rules[] = {
    {"http", {LISTENER_BOOT, LISTENER_TFTP, LISTENER_SOCKET}, NULL},
    {"boot", {LISTENER_BOOT, LISTENER_TFTP, REFUSED}, "expected a TCP or UDP socket"},
    {"tftp", {REFUSED, LISTENER_TFTP, REFUSED}, "expected a UDP socket"},
    {"admin", {LISTENER_ADMIN, REFUSED, LISTENER_SOCKET}, "expected a TCP or unix socket"},
    {"node", {LISTENER_NODE, REFUSED, REFUSED}, "expected a TCP socket"},
    {NULL, {LISTENER_BOOT, LISTENER_TFTP, LISTENER_SOCKET}, NULL},
};

static const struct name_rule *find_rule(const char *name)
{
    const struct name_rule *rule = name_rules;
    while (rule->name && !str_is(str_from(name), rule->name))
        rule++;
    return rule;
}

static bool speaks_tls(enum exchange_listener kind)
{
    return kind == LISTENER_NODE || kind == LISTENER_ADMIN;
}

int listeners_adopt(int fd, const char *name, struct listener *ret, struct err *e)
{
    bool is_udp = datagram_is(fd);
    int r = is_udp ? datagram_adopt(fd, e) : socket_adopt(fd, e);
    if (r < 0)
        return r;
    int type = is_udp ? UDP : socket_is_unix(fd) ? UNIX : TCP;
    if (!name || !*name)
        name = "unnamed";
    const struct name_rule *rule = find_rule(name);
    if (rule->kinds[type] == REFUSED)
        return err_set(e, -EINVAL,
                       "file descriptor %d, which was passed to us with the name '%s', is a %s "
                       "socket: %s; correct FileDescriptorName= in its socket unit",
                       fd, name, type_names[type], rule->expected);
    enum exchange_listener kind = (enum exchange_listener)rule->kinds[type];
    *ret = (struct listener){.fd = fd, .kind = kind, .tls = speaks_tls(kind), .name = name};
    return 0;
}

static bool has(const struct listeners *l, enum exchange_listener kind)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (l->list[i].kind == kind)
            return true;
    }
    return false;
}

static unsigned count_names(const char *names)
{
    unsigned n = 1;
    for (const char *p = names; *p; p++)
        n += *p == ':';
    return n;
}

static int adopt_passed(unsigned n, struct listeners *ret, struct err *e)
{
    char *rest = ret->names;
    if (rest && count_names(rest) != n)
        return err_set(e, -EINVAL,
                       "LISTEN_FDNAMES has %u names for %u file descriptors that were passed to us",
                       count_names(rest), n);
    for (unsigned i = 0; i < n; i++) {
        int r = listeners_adopt(NOTIFY_FIRST_FD + (int)i, strsep(&rest, ":"), &ret->list[i], e);
        if (r < 0)
            return r;
        ret->n++;
    }
    return 0;
}

static int add(int fd, enum exchange_listener kind, const char *name, struct listeners *ret)
{
    if (fd >= 0)
        ret->list[ret->n++] =
            (struct listener){.fd = fd, .kind = kind, .tls = speaks_tls(kind), .name = name};
    return fd < 0 ? fd : 0;
}

/* Usually below /run, which is empty after a boot: the last folder of the path is made. */
static int make_folder(const struct config *c, struct err *e)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", c->socket.p);
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    *slash = '\0';
    int r = privileges_make_folder(path, 0755, c->user, c->group, e);
    return r < 0 ? err_prefix(e, "the folder of the admins' socket; --socket names another place")
                 : 0;
}

/* Made by the user, in a folder that is usually the user's: as root we would follow its links. */
static int listen_as_user(const struct config *c, struct str group, struct err *e)
{
    struct privileges_held was;
    int r = privileges_lend(c->user, group, &was, e);
    if (r < 0)
        return r;
    int fd = socket_listen_unix(c->socket.p, 0660, e);
    privileges_return(&was);
    return fd;
}

/* In a folder that only root can write to. */
static int listen_as_root(const struct config *c, struct str group, struct err *e)
{
    int fd = socket_listen_unix(c->socket.p, 0660, e);
    int r = fd < 0 ? fd : privileges_give(c->socket.p, c->user, group, e);
    if (r < 0 && fd >= 0)
        close(fd);
    return r < 0 ? r : fd;
}

static int open_admin_socket(const struct config *c, struct listeners *ret, struct err *e)
{
    struct str group = c->socket_group.n ? c->socket_group : c->group;
    int r = make_folder(c, e);
    if (r < 0)
        return r;
    int fd = listen_as_user(c, group, e);
    if ((fd == -EACCES || fd == -EPERM) && privileges_only_root(c->socket.p))
        fd = listen_as_root(c, group, e);
    r = add(fd, LISTENER_SOCKET, "socket", ret);
    if (r == 0)
        ret->path = c->socket.p;
    return r;
}

int listeners_open(const struct config *c, struct listeners *ret, struct err *e)
{
    unsigned passed = notify_passed_sockets(&ret->names);
    if ((passed ? passed : c->http_n) + c->https_n + c->admin_n + c->tftp_n >= LISTENERS_MAX)
        return err_set(e, -E2BIG, "at most %d sockets", LISTENERS_MAX - 1);
    int r = passed ? adopt_passed(passed, ret, e) : 0;
    bool has_tftp = has(ret, LISTENER_TFTP), has_node = has(ret, LISTENER_NODE);
    bool has_admin = has(ret, LISTENER_ADMIN);
    for (uint32_t i = 0; i < c->http_n && !passed && r == 0; i++)
        r = add(socket_listen(c->http[i], e), LISTENER_BOOT, "http", ret);
    for (uint32_t i = 0; i < c->https_n && !has_node && r == 0; i++)
        r = add(socket_listen(c->https[i], e), LISTENER_NODE, "https", ret);
    for (uint32_t i = 0; i < c->admin_n && !has_admin && r == 0; i++)
        r = add(socket_listen(c->admin[i], e), LISTENER_ADMIN, "admin", ret);
    for (uint32_t i = 0; i < c->tftp_n && !has_tftp && r == 0; i++)
        r = add(datagram_listen(c->tftp[i], e), LISTENER_TFTP, "tftp", ret);
    if (r < 0 || has(ret, LISTENER_SOCKET) || str_is(c->socket, "none"))
        return r;
    return open_admin_socket(c, ret, e);
}
