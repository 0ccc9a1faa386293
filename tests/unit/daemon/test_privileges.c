/* SPDX-License-Identifier: Apache-2.0 */
/* Each test that changes the process does so in a child, whose exit status is the result. */
#include "lib/unit.h"

#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void in_a_child(bool (*holds)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(holds() ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void need_root(void)
{
    if (geteuid() != 0)
        unit_skip("not root");
}

static bool becomes_nobody(void)
{
    const struct passwd *nobody = getpwnam("nobody");
    uid_t uid = nobody->pw_uid, r, e, s;
    gid_t gid = nobody->pw_gid, groups[8];
    if (privileges_drop(STR("nobody"), STR(""), NULL) != 0 || getresuid(&r, &e, &s) != 0)
        return false;
    return r == uid && e == uid && s == uid && getgid() == gid && getegid() == gid &&
           getgroups(8, groups) == 1 && groups[0] == gid &&
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && setuid(0) < 0 && seteuid(0) < 0 &&
           setgid(0) < 0 && privileges_drop(STR("no-such-user"), STR(""), NULL) == 0;
}

static void becomes_another_user_for_good(void **state)
{
    (void)state;
    need_root();
    in_a_child(becomes_nobody);
}

static bool takes_the_group(void)
{
    const struct group *g = getgrnam("daemon");
    gid_t gid = g->gr_gid, groups[8];
    return privileges_drop(STR("nobody"), STR("daemon"), NULL) == 0 && getegid() == gid &&
           getgroups(8, groups) == 1 && groups[0] == gid;
}

static void takes_the_group_that_is_named(void **state)
{
    (void)state;
    need_root();
    in_a_child(takes_the_group);
}

static bool refuses_strangers(void)
{
    struct err e = {0};
    return privileges_drop(STR("no-such-user"), STR(""), &e) == -ENOENT &&
           strstr(e.msg, "'no-such-user'") && strstr(e.msg, "--user") && geteuid() == 0 &&
           privileges_drop(STR("nobody"), STR("no-such-group"), &e) == -ENOENT &&
           strstr(e.msg, "'no-such-group'") && geteuid() == 0;
}

static void says_who_is_not_there(void **state)
{
    (void)state;
    need_root();
    in_a_child(refuses_strangers);
}

static bool stays_as_it_is(void)
{
    uid_t uid = geteuid();
    /* As root, the user may be root; for any other user the name is not even looked up. */
    const char *user = uid == 0 ? "root" : "no-such-user";
    return privileges_drop(str_from(user), STR(""), NULL) == 0 && geteuid() == uid &&
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static void stays_who_it_is(void **state)
{
    (void)state;
    in_a_child(stays_as_it_is);
}

static bool set_limit(rlim_t soft, rlim_t hard)
{
    return setrlimit(RLIMIT_NOFILE, &(struct rlimit){soft, hard}) == 0;
}

static rlim_t soft_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

static bool raises_descriptors(void)
{
    return set_limit(64, 1000) && privileges_raise_descriptors(100) == soft_limit() &&
           soft_limit() > 100 && soft_limit() < 1000;
}

static bool raises_to_the_hard_limit(void)
{
    return set_limit(64, 512) && privileges_raise_descriptors(100000) == 512 && soft_limit() == 512;
}

static bool never_lowers(void)
{
    return set_limit(900, 1000) && privileges_raise_descriptors(10) == 900 && soft_limit() == 900;
}

static void descriptors(void **state)
{
    (void)state;
    in_a_child(raises_descriptors);
    in_a_child(raises_to_the_hard_limit);
    in_a_child(never_lowers);
}

UNIT_MAIN(cmocka_unit_test(becomes_another_user_for_good),
          cmocka_unit_test(takes_the_group_that_is_named), cmocka_unit_test(says_who_is_not_there),
          cmocka_unit_test(stays_who_it_is), cmocka_unit_test(descriptors))
