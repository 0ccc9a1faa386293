/* SPDX-License-Identifier: Apache-2.0 */
/* What is served on a passed socket, by its name and its type. */
#include "lib/unit.h"

#include "daemon/listeners.h"
#include "lib/folder.h"
#include "net/datagram.h"
#include "net/socket.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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
        assert_int_equal(l.tls, l.kind == LISTENER_NODE || l.kind == LISTENER_ADMIN);
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
        assert_int_equal(adopt(open_unix(), names[i]), LISTENER_SOCKET);
    }
}

static void a_name_and_its_type(void **state)
{
    (void)state;
    assert_int_equal(adopt(open_tcp(), "boot"), LISTENER_BOOT);
    assert_int_equal(adopt(open_udp(), "boot"), LISTENER_TFTP);
    assert_int_equal(adopt(open_udp(), "tftp"), LISTENER_TFTP);
    assert_int_equal(adopt(open_tcp(), "node"), LISTENER_NODE);
    assert_int_equal(adopt(open_tcp(), "admin"), LISTENER_ADMIN);
    assert_int_equal(adopt(open_unix(), "admin"), LISTENER_SOCKET);
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
    (void)state;
    refused(open_udp(), "admin", "UDP", "expected a TCP or unix socket");
    refused(open_tcp(), "tftp", "TCP", "expected a UDP socket");
    refused(open_unix(), "tftp", "unix", "expected a UDP socket");
    refused(open_unix(), "boot", "unix", "expected a TCP or UDP socket");
    refused(open_udp(), "node", "UDP", "expected a TCP socket");
    refused(open_unix(), "node", "unix", "expected a TCP socket");
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

/* --- The admins' socket, when started as root ------------------------------------------------- */

/* The daemon's user owns the folder, and is as quick as can be: whenever something is changed by
 * its name, a link to one of root's files has that name by then. These are used instead of libc's.
 */
static const char *victim;
static unsigned swaps;

static void swap_for_link(const char *path)
{
    if (victim && strcmp(path, victim) != 0) {
        swaps++;
        remove(path);
        if (symlink(victim, path) < 0)
            abort();
    }
}

int chmod(const char *path, mode_t mode)
{
    swap_for_link(path);
    return (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}

int chown(const char *path, uid_t uid, gid_t gid)
{
    swap_for_link(path);
    return (int)syscall(SYS_fchownat, AT_FDCWD, path, uid, gid, 0);
}

int lchown(const char *path, uid_t uid, gid_t gid)
{
    swap_for_link(path);
    return (int)syscall(SYS_fchownat, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

static void become_ready_for_root(void)
{
    if (geteuid() != 0)
        unit_skip("not root");
    assert_int_equal(syscall(SYS_fchmodat, AT_FDCWD, ".", 0755), 0);
}

static int open_all(const char *path, const char *group)
{
    const struct config c = {.socket = {path, strlen(path)},
                             .user = STR("nobody"),
                             .socket_group = {group, strlen(group)}};
    struct listeners l = {.n = 0};
    mode_t before = umask(077); /* as the daemon has it */
    int r = listeners_open(&c, &l, &said);
    umask(before);
    if (r == 0) {
        assert_int_equal(l.n, 1);
        close(l.list[0].fd);
    }
    free(l.names);
    return r;
}

static void expect_socket(const char *path, const char *group)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(st.st_uid, getpwnam("nobody")->pw_uid);
    assert_int_equal(st.st_gid, *group ? getgrnam(group)->gr_gid : getpwnam("nobody")->pw_gid);
}

static void expect_root(void)
{
    assert_int_equal(geteuid(), 0);
    assert_int_equal(getegid(), 0);
    assert_int_equal(access("/proc/1/environ", R_OK), 0);
}

static void a_link_in_the_run_folder_leads_nowhere(void **state)
{
    const struct passwd *nobody = getpwnam("nobody");
    struct folder *f = *state;
    struct stat st;
    char file[128];
    become_ready_for_root();
    folder_file(f, "shadow", "root's");
    assert_int_equal(syscall(SYS_fchmodat, AT_FDCWD, "shadow", 0600), 0);
    snprintf(file, sizeof(file), "%s/shadow", f->path);
    assert_int_equal(mkdir("run", 0755), 0);
    assert_int_equal(syscall(SYS_fchownat, AT_FDCWD, "run", nobody->pw_uid, nobody->pw_gid, 0), 0);
    victim = file;
    swaps = 0;
    int r = open_all("run/admin.sock", "daemon");
    victim = NULL;
    assert_int_equal(stat("shadow", &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_gid, 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(r, 0);
    assert_int_equal(swaps, 0);
    expect_socket("run/admin.sock", "daemon");
    expect_root();
    /* What is there already is made by the user as well, who may not replace it. */
    assert_int_equal(unlink("run/admin.sock"), 0);
    assert_int_equal(symlink(file, "run/admin.sock"), 0);
    assert_true(open_all("run/admin.sock", "") < 0);
}

static void a_folder_that_is_made(void **state)
{
    const struct passwd *nobody = getpwnam("nobody");
    struct stat st;
    char link[128];
    (void)state;
    become_ready_for_root();
    assert_int_equal(open_all("run/admin.sock", ""), 0); /* only root can make it here */
    expect_socket("run/admin.sock", "");
    assert_int_equal(stat("run", &st), 0);
    assert_int_equal(st.st_uid, nobody->pw_uid);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(open_all("run/below/admin.sock", ""), 0); /* here the user can */
    expect_socket("run/below/admin.sock", "");
    assert_int_equal(stat("run/below", &st), 0);
    assert_int_equal(st.st_uid, nobody->pw_uid);
    assert_int_equal(st.st_mode & 07777, 0755);
    /* A link in the folder's place leads the user where the user may go. */
    assert_int_equal(mkdir("private", 0700), 0);
    snprintf(link, sizeof(link), "%s/private", ((struct folder *)*state)->path);
    assert_int_equal(symlink(link, "run/link"), 0);
    assert_int_equal(open_all("run/link/x/admin.sock", ""), -EACCES);
    assert_int_equal(access("private/x", F_OK), -1);
    expect_root();
}

static void a_folder_of_root(void **state)
{
    (void)state;
    become_ready_for_root();
    assert_int_equal(mkdir("run", 0755), 0);
    for (int i = 0; i < 2; i++) { /* the second time there is a leftover */
        assert_int_equal(open_all("run/admin.sock", "daemon"), 0);
        expect_socket("run/admin.sock", "daemon");
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_enter, folder_leave)

UNIT_MAIN(TEST(the_type_decides_where_the_name_leaves_it_open), TEST(a_name_and_its_type),
          TEST(a_name_that_contradicts_the_type_is_refused),
          TEST(what_does_not_listen_is_refused_under_any_name),
          TEST(a_link_in_the_run_folder_leads_nowhere), TEST(a_folder_that_is_made),
          TEST(a_folder_of_root))
