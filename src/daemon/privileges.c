/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/privileges.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Besides connections: listeners, the loop, files that are being read, standard streams. */
#define OTHER_DESCRIPTORS 128

void privileges_hide_memory(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

uint64_t privileges_raise_descriptors(uint64_t connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    rlim_t wanted = connections + OTHER_DESCRIPTORS;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

static int find_ids(struct str user, struct str group, uid_t *ret_uid, gid_t *ret_gid,
                    struct err *e)
{
    char name[256];
    snprintf(name, sizeof(name), "%.*s", STR_ARG(user));
    const struct passwd *pw = getpwnam(name);
    if (!pw)
        return err_set(e, -ENOENT,
                       "there is no user '%s': make it (systemd-sysusers), or name another with "
                       "'user' in the configuration or with --user",
                       name);
    *ret_uid = pw->pw_uid;
    *ret_gid = pw->pw_gid;
    if (!group.n)
        return 0;
    snprintf(name, sizeof(name), "%.*s", STR_ARG(group));
    const struct group *gr = getgrnam(name);
    if (!gr)
        return err_set(e, -ENOENT, "there is no group '%s'", name);
    *ret_gid = gr->gr_gid;
    return 0;
}

int privileges_drop(struct str user, struct str group, struct err *e)
{
    uid_t uid;
    gid_t gid;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (geteuid() != 0)
        return 0;
    int r = find_ids(user, group, &uid, &gid, e);
    if (r < 0 || uid == 0)
        return r;
    if (setgroups(1, &gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return err_errno(e, -errno, "cannot become user '%.*s'", STR_ARG(user));
    if (setuid(0) == 0 || seteuid(0) == 0)
        return err_set(e, -EPERM, "root's privileges could not be dropped");
    return 0;
}

/* --- For a moment --------------------------------------------------------------------------- */

int privileges_lend(struct str user, struct str group, struct privileges_held *ret, struct err *e)
{
    const struct passwd *pw;
    uid_t uid;
    gid_t gid;
    *ret = (struct privileges_held){.held = false};
    if (geteuid() != 0)
        return 0;
    int r = find_ids(user, group, &uid, &gid, e);
    if (r < 0)
        return r;
    ret->gid = getegid();
    ret->groups_n = getgroups(sizeof(ret->groups) / sizeof(ret->groups[0]), ret->groups);
    if (ret->groups_n < 0)
        return err_errno(e, -errno, "cannot read the groups of root");
    pw = getpwuid(uid);
    ret->held = true;
    if (setgroups(1, pw ? &pw->pw_gid : &gid) == 0 && setegid(gid) == 0 && seteuid(uid) == 0)
        return 0;
    r = err_errno(e, -errno, "cannot act as user '%.*s'", STR_ARG(user));
    privileges_return(ret);
    return r;
}

void privileges_return(const struct privileges_held *was)
{
    if (was->held && (seteuid(0) < 0 || setegid(was->gid) < 0 ||
                      setgroups((size_t)was->groups_n, was->groups) < 0))
        abort();
}

/* The folder that the path's last name is in; `ret_name` gets that name. */
static int open_parent(const char *path, char ret_name[static NAME_MAX + 1], struct err *e)
{
    char whole[PATH_MAX];
    struct str p = str_from(path);
    while (p.n > 1 && p.p[p.n - 1] == '/')
        p.n--;
    const char *slash = p.n ? memrchr(p.p, '/', p.n) : NULL;
    struct str name = slash ? str_skip(p, (size_t)(slash - p.p) + 1) : p;
    struct str parent = !slash         ? STR(".")
                        : slash == p.p ? STR("/")
                                       : str_head(p, (size_t)(slash - p.p));
    if (name.n > NAME_MAX || parent.n >= sizeof(whole))
        return err_errno(e, -ENAMETOOLONG, "%s", path);
    snprintf(ret_name, NAME_MAX + 1, "%.*s", STR_ARG(name));
    snprintf(whole, sizeof(whole), "%.*s", STR_ARG(parent));
    int fd = open(whole, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(e, -errno, "%s", path) : fd;
}

static int make_in(int parent, const char *name, mode_t mode)
{
    mode_t before = umask(0);
    int r = mkdirat(parent, name, mode) < 0 ? -errno : 0;
    umask(before);
    return r == -EEXIST ? 0 : r;
}

/* Only root can write to the parent folder: nobody puts a link in the place of what was made. */
static int make_for_user(int parent, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    if (mkdirat(parent, name, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    FS_CLOSED int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}

/* In a sticky folder, such as /tmp, others can make names, but not replace those of root. */
static bool is_only_root(const char *folder)
{
    struct stat name, st;
    return lstat(folder, &name) == 0 && name.st_uid == 0 && stat(folder, &st) == 0 &&
           st.st_uid == 0 && (!(st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_mode & S_ISVTX));
}

/* If each folder on the way is root's, no other user can make one of them lead elsewhere. */
bool privileges_only_root(const char *path)
{
    char whole[PATH_MAX];
    if (geteuid() != 0 || (size_t)snprintf(whole, sizeof(whole), "%s", path) >= sizeof(whole) ||
        !is_only_root(*path == '/' ? "/" : "."))
        return false;
    for (char *slash = whole; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        bool ok = is_only_root(whole);
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

int privileges_make_folder(const char *path, mode_t mode, struct str user, struct str group,
                           struct err *e)
{
    struct privileges_held was;
    char name[NAME_MAX + 1];
    uid_t uid;
    gid_t gid;
    int r = privileges_lend(user, group, &was, e);
    if (r < 0)
        return r;
    FS_CLOSED int parent = open_parent(path, name, e);
    if (parent >= 0)
        r = make_in(parent, name, mode);
    privileges_return(&was);
    if (parent < 0)
        return parent;
    if (r == -EACCES && privileges_only_root(path)) {
        r = find_ids(user, group, &uid, &gid, e);
        if (r == 0)
            r = make_for_user(parent, name, mode, uid, gid);
    }
    return r < 0 ? err_errno(e, r, "cannot make %s", path) : 0;
}

int privileges_give(const char *path, struct str user, struct str group, struct err *e)
{
    uid_t uid;
    gid_t gid;
    int r = find_ids(user, group, &uid, &gid, e);
    if (r == 0 && lchown(path, uid, gid) < 0)
        return err_errno(e, -errno, "cannot change the owner of %s", path);
    return r;
}
