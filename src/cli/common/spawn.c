/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/spawn.h"

#include "base/clock.h"
#include "base/mem.h"

#include "cli/common/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT_MAX_BYTES ((size_t)1 << 31)
#define SAID_MAX_BYTES ((size_t)64 * 1024)
#define ONE_READ_BYTES ((size_t)64 * 1024)

/* Git sets some of these for its hooks: they would point the child's git to another repository. */
static const char *const not_passed_on[] = {
    "GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_PREFIX=", "LC_ALL=", "LANGUAGE=",
};

static bool is_passed_on(const char *variable)
{
    for (size_t i = 0; i < sizeof(not_passed_on) / sizeof(not_passed_on[0]); i++) {
        if (strncmp(variable, not_passed_on[i], strlen(not_passed_on[i])) == 0)
            return false;
    }
    return true;
}

/* The caller frees the array, not its strings. */
static char **make_environment(void)
{
    static char english[] = "LC_ALL=C";
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **list = mem_zalloc(n + 2, sizeof(*list));
    for (size_t i = 0; i < n; i++) {
        if (is_passed_on(environ[i]))
            list[kept++] = environ[i];
    }
    list[kept] = english;
    return list;
}

/* Closes the child's ends of the pipes in any case. */
static int start(const char *const *argv, const int out[2], const int said[2], pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    char **environment = make_environment();
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, said[1], STDERR_FILENO);
    int r = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    close(out[1]);
    close(said[1]);
    return -r;
}

/* False at end of file. */
static bool take(int fd, struct buf *b)
{
    char some[ONE_READ_BYTES];
    ssize_t n = read(fd, some, sizeof(some));
    if (n > 0)
        buf_append(b, some, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

/* For poll: -1 where there is no limit. */
static int time_left(uint64_t until_ms)
{
    uint64_t now_ms = clock_boot_ms();
    if (until_ms == 0)
        return -1;
    return now_ms < until_ms ? (int)(until_ms - now_ms) : 0;
}

/* Reads both at once: the child may block on either. */
static int take_all(int out, int said, unsigned timeout_ms, struct spawned *s)
{
    uint64_t until_ms = timeout_ms ? clock_boot_ms() + timeout_ms : 0;
    struct pollfd fds[] = {{.fd = out, .events = POLLIN}, {.fd = said, .events = POLLIN}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (cli_interrupted())
            return -EINTR;
        int ready = poll(fds, 2, time_left(until_ms));
        if (ready == 0)
            return -ETIMEDOUT;
        if (ready < 0)
            continue;
        if (fds[0].revents && !take(out, &s->out))
            fds[0].fd = -1;
        if (fds[1].revents && !take(said, &s->said))
            fds[1].fd = -1;
    }
    return 0;
}

static int await_end(const char *name, pid_t pid, int taken, struct spawned *s, struct err *e)
{
    int how;
    if (taken < 0)
        kill(pid, taken == -ETIMEDOUT ? SIGKILL : SIGTERM);
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    if (taken == -ETIMEDOUT)
        return err_set(e, taken, "%s did not end in time", name);
    if (taken < 0)
        return err_set(e, taken, "interrupted");
    if (WIFSIGNALED(how))
        return err_set(e, -ECHILD, "%s: ended by signal %d", name, WTERMSIG(how));
    s->status = WEXITSTATUS(how);
    return 0;
}

int spawn_run(const char *const *argv, unsigned timeout_ms, struct spawned *ret, struct err *e)
{
    int out[2], said[2];
    pid_t pid;
    *ret = (struct spawned){0};
    buf_init(&ret->out, OUT_MAX_BYTES);
    buf_init(&ret->said, SAID_MAX_BYTES);
    if (pipe2(out, O_CLOEXEC) < 0)
        return err_errno(e, -errno, "%s", argv[0]);
    if (pipe2(said, O_CLOEXEC) < 0) {
        int r = err_errno(e, -errno, "%s", argv[0]);
        close(out[0]);
        close(out[1]);
        return r;
    }
    int r = start(argv, out, said, &pid);
    if (r < 0)
        err_errno(e, r, "%s cannot be run", argv[0]);
    else
        r = await_end(argv[0], pid, take_all(out[0], said[0], timeout_ms, ret), ret, e);
    close(out[0]);
    close(said[0]);
    return r;
}

void spawned_done(struct spawned *s)
{
    buf_done(&s->out);
    buf_done(&s->said);
}

struct str spawned_reason(const struct spawned *s)
{
    struct str rest = buf_view(&s->said);
    return str_cut(&rest, '\n');
}
