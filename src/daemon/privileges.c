/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Besides connections: listeners, the loop, files that are being read, standard streams. */
#define OTHER_DESCRIPTORS 128

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

int privileges_share(const char *path, struct str user, struct str group, struct err *e)
{
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0)
        return 0;
    int r = find_ids(user, group, &uid, &gid, e);
    if (r == 0 && chown(path, uid, gid) < 0)
        return err_errno(e, -errno, "cannot change the owner of %s", path);
    return r;
}
